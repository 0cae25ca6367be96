//! What a `dagger.json` makes of a module that it lists: a name, other defaults of
//! arguments, and where their default paths begin. Those of toolchains and of a
//! blueprint are the user's files, and not the module's own.

use std::path::{Path, PathBuf};

use eyre::{Result, WrapErr, bail};
use serde_json::Value as Json;

use super::config::{self, Config, Customization, Dependency};
use super::defaults;
use super::types::{ArgDoc, FunctionDoc, Types};
use crate::api::sdl::parse_type;

/// How a module is used.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Role {
    /// What it is known by, if that is not its own name.
    pub name: Option<String>,
    pub default_paths: DefaultPaths,
    pub customizations: Vec<Customization>,
    /// The module whose blueprint it is: its `.env` counts as one of the module.
    pub caller: Option<PathBuf>,
    /// The text of its `dagger.json`, where it is another than in its directory.
    pub manifest: Option<String>,
}

/// Where default paths of arguments begin.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub enum DefaultPaths {
    /// At the module.
    #[default]
    Own,
    /// At the caller's directory in the workspace.
    Caller,
    /// At another module: that in this directory.
    Of(PathBuf),
}

impl Role {
    /// Of a module that is used as it is, by its own name or another.
    pub fn named(name: Option<&str>) -> Self {
        Self {
            name: name.map(str::to_owned),
            ..Self::default()
        }
    }

    pub fn toolchain(entry: &Dependency, default_paths: DefaultPaths) -> Self {
        Self {
            name: Some(entry.name.clone()),
            default_paths,
            customizations: entry.customizations.clone(),
            ..Self::default()
        }
    }

    /// Of the blueprint of the module in `caller`.
    pub fn blueprint(entry: &Dependency, default_paths: DefaultPaths, caller: PathBuf) -> Self {
        Self {
            name: Some(entry.name.clone()).filter(|name| !name.is_empty()),
            default_paths,
            caller: Some(caller),
            ..Self::default()
        }
    }

    /// The `dagger.json` of the module in a directory.
    pub fn config(&self, dir: &Path) -> Result<Config> {
        match &self.manifest {
            Some(text) => Config::parse(text, &dir.join(config::FILE)),
            None => Config::read(dir),
        }
    }

    /// Whether values of the constructor's arguments are said here: the user's
    /// `.env` files have none for it then, as in Dagger.
    pub fn settles_constructor(&self) -> bool {
        let mut all = self.customizations.iter();
        all.any(|found| found.function.is_empty() && !found.default.is_empty())
    }

    /// Gives arguments the defaults that are said here. What names no function or
    /// argument is passed over, as in Dagger.
    pub fn apply(&self, types: &mut Types, main: &str) -> Result<()> {
        for custom in &self.customizations {
            let Some((object, function)) = place(types, main, &custom.function) else {
                continue;
            };
            let all = types.clone();
            let is_constructor = function.is_none();
            let found = function_mut(types, object, function);
            let Some(arg) = found.and_then(|found| arg_mut(found, &custom.argument)) else {
                continue;
            };
            give(&all, arg, custom, is_constructor)
                .wrap_err_with(|| format!("customization of argument `{}`", custom.argument))?;
        }
        Ok(())
    }
}

/// The object, and the function of it, that a chain of names leads to.
fn place(types: &Types, main: &str, path: &[String]) -> Option<(usize, Option<usize>)> {
    let index = |name: &str| types.objects.iter().position(|object| object.name == name);
    let mut object = index(main)?;
    let mut function = None;
    for name in path {
        if let Some(last) = function {
            let before: &FunctionDoc = types.objects.get(object)?.functions.get(last)?;
            object = index(parse_type(&before.ty).ok()?.name())?;
        }
        let functions = &types.objects.get(object)?.functions;
        function = Some(functions.iter().position(|f| same(&f.name, name))?);
    }
    Some((object, function))
}

fn function_mut(
    types: &mut Types,
    object: usize,
    function: Option<usize>,
) -> Option<&mut FunctionDoc> {
    let object = types.objects.get_mut(object)?;
    match function {
        Some(n) => object.functions.get_mut(n),
        None => object.constructor.as_mut(),
    }
}

fn arg_mut<'a>(function: &'a mut FunctionDoc, name: &str) -> Option<&'a mut ArgDoc> {
    function.args.iter_mut().find(|arg| same(&arg.name, name))
}

/// Names are alike in any case, with words apart or together.
fn same(name: &str, typed: &str) -> bool {
    let typed: String = typed.split(['-', '_', ' ']).collect();
    name.eq_ignore_ascii_case(&typed)
}

fn give(
    types: &Types,
    arg: &mut ArgDoc,
    custom: &Customization,
    is_constructor: bool,
) -> Result<()> {
    let ty = parse_type(&arg.ty)?;
    let optional = |arg: &mut ArgDoc| arg.ty = arg.ty.trim_end_matches('!').to_owned();
    if !custom.default.is_empty() {
        let text = &custom.default;
        if defaults::is_address(&ty) && is_constructor {
            optional(arg);
            arg.default_value = None;
            arg.user_default = Some(text.clone());
        } else if defaults::is_address(&ty) {
            bail!(
                "`default` is for values, and the argument is a {}: say `defaultPath` or `defaultAddress`",
                ty.name()
            );
        } else if is_constructor {
            arg.default_value = Some(defaults::read(types, &ty, text)?.to_string());
        } else if let Some(value) = value(&arg.ty, text) {
            arg.default_value = Some(value.to_string());
        }
    }
    if !custom.default_path.is_empty() {
        optional(arg);
        arg.user_default = None;
        arg.default_path = Some(custom.default_path.clone());
    }
    if !custom.default_address.is_empty() {
        if ty.name() != "Container" {
            bail!(
                "`defaultAddress` is for a Container, and the argument is a {}",
                ty.name()
            );
        }
        optional(arg);
        arg.default_path = None;
        arg.user_default = Some(custom.default_address.clone());
    }
    if !custom.ignore.is_empty() {
        arg.ignore.clone_from(&custom.ignore);
    }
    Ok(())
}

/// What the text of a default stands for; nothing where Dagger passes it over.
fn value(ty: &str, text: &str) -> Option<Json> {
    Some(match ty.trim_end_matches('!') {
        "String" => text.into(),
        "Int" => text.parse::<i64>().ok()?.into(),
        "Float" => text.parse::<f64>().ok()?.into(),
        "Boolean" => (text == "true").into(),
        _ => serde_json::from_str(text).unwrap_or_else(|_| text.into()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const TYPES: &str = r#"{"objects": [
        {"name": "Lab", "constructor": {"type": "Lab!", "args": [
            {"name": "greeting", "type": "String!"},
            {"name": "config", "type": "File!", "defaultPath": "./a.txt"}]},
         "functions": [
            {"name": "echoArgs", "type": "String!", "args": [
                {"name": "version", "type": "String!", "defaultValue": "\"1\""},
                {"name": "times", "type": "Int!", "defaultValue": "1"},
                {"name": "tags", "type": "[String!]!"},
                {"name": "base", "type": "Container!"},
                {"name": "source", "type": "Directory!", "ignore": ["a"]}]},
            {"name": "greet", "type": "Person!"}]},
        {"name": "Person", "functions": [{"name": "planet", "type": "String!", "args": [
            {"name": "planet", "type": "String!", "defaultValue": "\"Earth\""}]}]}]}"#;

    fn applied(customizations: &str) -> Result<Types> {
        let mut types = Types::parse(TYPES, Path::new("x"))?;
        let role = Role {
            customizations: serde_json::from_str(customizations)?,
            ..Role::default()
        };
        role.apply(&mut types, "Lab")?;
        Ok(types)
    }

    fn arg(types: &Types, object: usize, function: Option<usize>, arg: usize) -> ArgDoc {
        let object = &types.objects[object];
        let function = match function {
            Some(n) => &object.functions[n],
            None => object.constructor.as_ref().unwrap(),
        };
        function.args[arg].clone()
    }

    #[test]
    fn arguments_of_the_constructor_of_functions_and_of_chains_get_other_defaults() {
        let types = applied(
            r#"[{"argument": "greeting", "default": "Hi"},
                {"function": ["EchoArgs"], "argument": "version", "default": "8.0"},
                {"function": ["echo-args"], "argument": "times", "default": "3"},
                {"function": ["echoArgs"], "argument": "tags", "default": "[\"a\"]"},
                {"function": ["greet", "planet"], "argument": "planet", "default": "Mars"}]"#,
        )
        .unwrap();
        for (object, function, n, want) in [
            (0, None, 0, "\"Hi\""),
            (0, Some(0), 0, "\"8.0\""),
            (0, Some(0), 1, "3"),
            (0, Some(0), 2, "[\"a\"]"),
            (1, Some(0), 0, "\"Mars\""),
        ] {
            let found = arg(&types, object, function, n);
            assert_eq!(found.default_value.as_deref(), Some(want), "{}", found.name);
        }
    }

    #[test]
    fn objects_get_other_paths_addresses_and_patterns_and_may_be_left_out() {
        let types = applied(
            r#"[{"argument": "config", "defaultPath": "./b.txt"},
                {"function": ["echoArgs"], "argument": "base", "defaultAddress": "debian:12"},
                {"function": ["echoArgs"], "argument": "source", "ignore": ["b"]}]"#,
        )
        .unwrap();
        let config = arg(&types, 0, None, 1);
        assert_eq!(config.default_path.as_deref(), Some("./b.txt"));
        assert_eq!(config.ty, "File");
        let base = arg(&types, 0, Some(0), 3);
        assert_eq!(base.user_default.as_deref(), Some("debian:12"));
        assert_eq!(base.ty, "Container");
        assert_eq!(arg(&types, 0, Some(0), 4).ignore, ["b"]);
    }

    #[test]
    fn what_names_nothing_is_passed_over_and_what_cannot_be_is_refused() {
        applied(
            r#"[{"function": ["none"], "argument": "x", "default": "y"},
                {"function": ["echoArgs", "x"], "argument": "x", "default": "y"},
                {"argument": "none", "default": "y"}]"#,
        )
        .unwrap();
        let types = applied(r#"[{"function": ["echoArgs"], "argument": "times", "default": "x"}]"#);
        let times = arg(&types.unwrap(), 0, Some(0), 1);
        assert_eq!(times.default_value.as_deref(), Some("1"));
        for (custom, word) in [
            (
                r#"{"function": ["echoArgs"], "argument": "source", "default": "."}"#,
                "`defaultPath`",
            ),
            (
                r#"{"argument": "config", "defaultAddress": "debian"}"#,
                "is for a Container",
            ),
        ] {
            let error = applied(&format!("[{custom}]")).err().unwrap();
            assert!(format!("{error:#}").contains(word), "{error:#}");
        }
    }
}
