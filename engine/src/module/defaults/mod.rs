//! User defaults: values that `.env` files give to arguments of modules.
//!
//! [`dotenv`] reads the files, [`names`] tells which variable is for which
//! argument, [`value`] makes a value of the text. [`Files::apply`] puts what it
//! finds into the types of a module, so that the shell, `call`, help and other
//! modules see it alike; objects are looked up by their addresses when a function
//! is called (`api::functions::defaults`).

mod dotenv;
mod names;
mod value;

use std::collections::BTreeMap;
use std::path::Path;

use eyre::{Result, WrapErr};

use super::config;
use super::types::{FunctionDoc, Types};
use crate::api::sdl::parse_type;
pub use dotenv::Environment;
pub use names::below;
pub use value::{is_address, read};

/// Name of the file.
pub const FILE: &str = module_source::USER_DEFAULTS;

/// The variables that concern one module.
pub struct Files {
    variables: Environment,
    module: String,
}

/// How a module is called.
pub struct Known<'a> {
    /// By whoever uses it.
    pub name: &'a str,
    /// By itself.
    pub own: &'a str,
}

impl Files {
    /// Reads the module's own files, for modules that lie on this machine, of which
    /// the last wins, and the first one upward from where the caller is, where
    /// variables carry the module's name. The latter wins.
    pub fn read<'a>(
        known: &Known,
        dirs: impl IntoIterator<Item = &'a Path>,
        workdir: &Path,
    ) -> Result<Self> {
        let mut inner = Environment::default();
        for dir in dirs {
            inner = inner.with(Environment::read(&dir.join(FILE))?);
        }
        let outer = match config::find_up(workdir, FILE) {
            Some(dir) => Environment::read(&dir.join(FILE))?,
            None => Environment::default(),
        };
        let variables = inner
            .with(outer.namespace(known.name))
            .with(outer.namespace(known.own));
        Ok(Self {
            variables,
            module: known.name.to_owned(),
        })
    }

    /// Gives their defaults to arguments; tells those for the user. `main` is the
    /// name of the main object, whose constructor may be `settled` without them.
    pub fn apply(&self, types: &mut Types, main: &str, settled: bool) -> Result<Vec<String>> {
        let all = types.clone();
        let mut told = Vec::new();
        for object in &mut types.objects {
            let (variables, constructor) = if object.name.eq_ignore_ascii_case(main) {
                (self.variables.clone(), object.constructor.as_mut())
            } else {
                (self.variables.namespace(&object.name), None)
            };
            if let Some(constructor) = constructor.filter(|_| !settled) {
                self.give(&all, "", &variables, constructor, &mut told)?;
            }
            for function in &mut object.functions {
                let name = function.name.clone();
                let variables = variables.namespace(&name);
                self.give(&all, &format!(".{name}"), &variables, function, &mut told)?;
            }
        }
        Ok(told)
    }

    fn give(
        &self,
        types: &Types,
        shown: &str,
        variables: &Environment,
        function: &mut FunctionDoc,
        told: &mut Vec<String>,
    ) -> Result<()> {
        if function.args.is_empty() {
            return Ok(());
        }
        let shown = format!("{}{shown}", self.module);
        let values = variables
            .values(&|name| std::env::var(name).ok())
            .wrap_err_with(|| format!("user defaults of `{shown}`"))?;
        for arg in &mut function.args {
            let ty = parse_type(&arg.ty)?;
            let Some(text) = find(&values, &arg.name) else {
                continue;
            };
            if ty.name() == "Workspace" {
                continue;
            }
            if value::is_address(&ty) {
                // A default is there, so the argument may be left out.
                arg.ty = arg.ty.trim_end_matches('!').to_owned();
                arg.default_value = None;
                arg.user_default = Some(text.to_owned());
            } else {
                let value = value::read(types, &ty, text)
                    .wrap_err_with(|| format!("user default `{shown}({}=...)`", arg.name))?;
                arg.default_value = Some(value.to_string());
            }
            // What is no address of a secret may be the secret.
            let hidden = ty.name() == "Secret" && !text.split(',').all(|one| one.contains("://"));
            let value = match hidden {
                true => "*****".to_owned(),
                false => format!("{text:?}"),
            };
            told.push(format!("user default: {shown}({}={value})", arg.name));
        }
        Ok(())
    }
}

/// The variable of an argument, in any case; the first by name of several.
fn find<'a>(values: &'a BTreeMap<String, String>, arg: &str) -> Option<&'a str> {
    let mut found = values.iter();
    let found = found.find(|(name, _)| name.eq_ignore_ascii_case(arg));
    found.map(|(_, value)| value.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    const TYPES: &str = r#"{"objects": [
        {"name": "TheLab", "constructor": {"type": "TheLab!", "args": [
            {"name": "prefix", "type": "String!", "defaultValue": "\"code\""},
            {"name": "token", "type": "Secret!"},
            {"name": "source", "type": "Directory!", "defaultPath": "/"}]},
         "functions": [{"name": "echoArgs", "type": "String!", "args": [
            {"name": "accountId", "type": "String!"},
            {"name": "size", "type": "Size!"},
            {"name": "ws", "type": "Workspace!"}]}]},
        {"name": "Item", "functions": [{"name": "show", "type": "String!", "args": [
            {"name": "loud", "type": "Boolean!"}]}]}],
        "enums": [{"name": "Size", "members": [{"name": "SMALL"}, {"name": "LARGE"}]}]}"#;

    struct Found {
        types: Types,
        told: Vec<String>,
    }

    impl Found {
        fn default(&self, object: usize, function: Option<usize>, arg: usize) -> Option<&str> {
            let object = &self.types.objects[object];
            let function = match function {
                Some(n) => object.functions.get(n),
                None => object.constructor.as_ref(),
            };
            function?.args[arg].default_value.as_deref()
        }
    }

    fn applied(inner: &str, outer: &str) -> Result<Found> {
        let root = tempfile::tempdir()?;
        let (module, below) = (root.path().join("mod"), root.path().join("a/b"));
        std::fs::create_dir_all(&module)?;
        std::fs::create_dir_all(&below)?;
        std::fs::write(module.join(FILE), inner)?;
        std::fs::write(root.path().join(FILE), outer)?;
        let mut types = Types::parse(TYPES, Path::new("x"))?;
        let known = Known {
            name: "the-lab",
            own: "the-lab",
        };
        let files = Files::read(&known, [module.as_path()], &below)?;
        let told = files.apply(&mut types, "TheLab", false)?;
        Ok(Found { types, told })
    }

    #[test]
    fn arguments_of_the_constructor_functions_and_other_objects_have_defaults() {
        let found = applied(
            "PREFIX=inner\nECHO_ARGS_ACCOUNTID=7\n",
            "THE_LAB_ECHOARGS_SIZE='\"LARGE\"'\ntheLab_Item_show_LOUD=true\nPREFIX=ignored\n",
        );
        let found = found.unwrap();
        assert_eq!(found.default(0, None, 0), Some("\"inner\""));
        assert_eq!(found.default(0, Some(0), 0), Some("\"7\""));
        assert_eq!(found.default(0, Some(0), 1), Some("\"LARGE\""));
        assert_eq!(found.default(1, Some(0), 0), Some("true"));
        assert!(
            found
                .told
                .contains(&"user default: the-lab(prefix=\"inner\")".to_owned())
        );
        assert!(
            found
                .told
                .contains(&"user default: the-lab.show(loud=\"true\")".to_owned())
        );
    }

    #[test]
    fn the_outer_file_wins_over_the_inner_and_both_over_the_code() {
        let found = applied("PREFIX=inner\n", "THE_LAB_PREFIX=outer\n").unwrap();
        assert_eq!(found.default(0, None, 0), Some("\"outer\""));
        let found = applied("", "").unwrap();
        assert_eq!(found.default(0, None, 0), Some("\"code\""));
        assert_eq!(found.told, [""; 0]);
    }

    #[test]
    fn words_of_an_arguments_name_stay_together() {
        let found = applied("ECHO_ARGS_ACCOUNT_ID=7\n", "").unwrap();
        assert_eq!(found.default(0, Some(0), 0), None);
    }

    #[test]
    fn objects_keep_their_address_and_may_be_left_out() {
        let found = applied("SOURCE=./x\nTOKEN=env://TOKEN\n", "").unwrap();
        let constructor = found.types.objects[0].constructor.as_ref().unwrap();
        for (n, ty, address) in [(1, "Secret", "env://TOKEN"), (2, "Directory", "./x")] {
            let arg = &constructor.args[n];
            assert_eq!(
                (arg.ty.as_str(), arg.user_default.as_deref()),
                (ty, Some(address))
            );
        }
    }

    #[test]
    fn what_may_be_a_secret_itself_is_not_told() {
        let found = applied("TOKEN=hunter2\n", "").unwrap();
        assert_eq!(found.told, ["user default: the-lab(token=*****)"]);
    }

    #[test]
    fn a_default_that_does_not_fit_is_named() {
        let error = applied("", "the_lab_echo_args_size=LARGE\n").err().unwrap();
        let said = format!("{error:#}");
        assert!(
            said.contains("`the-lab.echoArgs(size=...)`: expected a member's name"),
            "{said}"
        );
    }

    #[test]
    fn a_directory_called_like_the_file_is_none() {
        let root = tempfile::tempdir().unwrap();
        std::fs::create_dir(root.path().join(FILE)).unwrap();
        let known = Known {
            name: "a",
            own: "a",
        };
        Files::read(&known, [root.path()], root.path()).unwrap();
    }
}
