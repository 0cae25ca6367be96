//! What of Dagger's API is there: `names.txt` lists what Dagger has, the
//! [`Model`] what poniard serves, and the difference is refused by name.
//!
//! `docs/api-support.md` is the table of it, held current by a test.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use crate::suggest;

use super::model::kebab;

/// Fields by type, and the names of their arguments.
type Names = BTreeMap<&'static str, BTreeMap<&'static str, Vec<&'static str>>>;

static NAMES: LazyLock<Names> = LazyLock::new(|| read(include_str!("names.txt")));

fn read(text: &'static str) -> Names {
    let mut names = Names::new();
    let mut fields = None;
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        match line.strip_prefix("  ") {
            None => fields = Some(names.entry(line).or_default()),
            Some(field) => {
                let mut words = field.split(' ');
                if let (Some(fields), Some(name)) = (fields.as_mut(), words.next()) {
                    fields.insert(name, words.collect());
                }
            }
        }
    }
    names
}

/// Whether a type is one of Dagger's own.
pub fn is_core(type_name: &str) -> bool {
    NAMES.contains_key(type_name)
}

/// What to say when `field` of a type is not there: a name of Dagger's API, in
/// camelCase or kebab-case, deserves another answer than any other word.
pub fn refusal(type_name: &str, field: &str) -> Option<String> {
    let fields = NAMES.get(type_name)?;
    let name = fields
        .keys()
        .find(|name| **name == field || kebab(name) == field)?;
    Some(format!(
        "`{type_name}.{name}` is not implemented in poniard: use a Dagger Engine (`--engine dagger`) for it"
    ))
}

/// `; did you mean …?` for a field that a type of Dagger's API does not have.
pub fn hint(type_name: &str, field: &str) -> String {
    let fields = NAMES.get(type_name).into_iter().flat_map(BTreeMap::keys);
    suggest::hint(field, fields.copied())
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;
    use std::path::Path;

    use super::*;
    use crate::api::{Model, sdl};

    /// Types that nothing leads to here, and why.
    const ABSENT: [(&str, &str); 3] = [
        (
            "Binding, Env, LLM, LLMTokenUsage",
            "Language models and their environments are not part of poniard.",
        ),
        ("Cloud", "There is no Dagger Cloud behind poniard."),
        (
            "ClientFilesyncMirror, HTTPState, RemoteGitMirror",
            "Inner workings of a Dagger Engine.",
        ),
    ];

    fn supported(model: &Model, type_name: &str, field: &str) -> bool {
        let object = model.object(type_name);
        object.is_some_and(|object| object.functions.contains_key(field))
    }

    fn table(model: &Model) -> String {
        let all: Vec<_> = NAMES
            .iter()
            .flat_map(|(ty, fields)| fields.keys().map(move |field| (*ty, *field)))
            .collect();
        let there = all
            .iter()
            .filter(|(ty, field)| supported(model, ty, field))
            .count();
        let mut text = include_str!("support.md")
            .replace("COUNT", &format!("{there} of {} fields", all.len()));
        for (types, why) in ABSENT {
            let names: Vec<_> = types.split(", ").map(|name| format!("`{name}`")).collect();
            let _ = writeln!(text, "- {}: {why}", names.join(", "));
        }
        let absent = |ty: &str| {
            ABSENT
                .iter()
                .any(|(all, _)| all.split(", ").any(|t| t == ty))
        };
        for (ty, fields) in NAMES.iter().filter(|(ty, _)| !absent(ty)) {
            let _ = write!(text, "\n## {ty}\n\n| field | |\n|---|---|\n");
            if fields.is_empty() {
                let _ = writeln!(text, "| `id` | yes |");
            }
            for field in fields.keys() {
                let answer = if supported(model, ty, field) {
                    "yes"
                } else {
                    "no"
                };
                let _ = writeln!(text, "| `{field}` | {answer} |");
            }
        }
        text
    }

    #[test]
    fn the_list_of_supported_fields_is_current() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/api-support.md");
        let table = table(&sdl::core().unwrap());
        if std::env::var_os("UPDATE_DOCS").is_some() {
            std::fs::write(&path, &table).unwrap();
        }
        let listed = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(
            listed == table,
            "docs/api-support.md is not current: UPDATE_DOCS=1 cargo test -p poniard supported_fields"
        );
    }

    #[test]
    fn nothing_is_there_that_dagger_has_not_and_arguments_are_whole() {
        let mut wrong = Vec::new();
        for (ty, object) in &sdl::core().unwrap().objects {
            for (field, function) in &object.functions {
                let Some(args) = NAMES.get(ty.as_str()).and_then(|f| f.get(field.as_str())) else {
                    wrong.push(format!("{ty}.{field} is not in Dagger's API"));
                    continue;
                };
                let own: Vec<_> = function.args.iter().map(|arg| arg.name.as_str()).collect();
                let differ = args.iter().any(|arg| !own.contains(arg)) || own.len() != args.len();
                if differ {
                    wrong.push(format!("{ty}.{field}: {own:?}, not {args:?}"));
                }
            }
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    }

    #[test]
    fn only_names_of_dagger_are_refused_as_missing() {
        let said = refusal("Query", "llm").unwrap();
        assert!(said.starts_with("`Query.llm` is not implemented"), "{said}");
        assert_eq!(
            refusal("LLM", "with-prompt").as_deref(),
            Some(
                "`LLM.withPrompt` is not implemented in poniard: use a Dagger Engine (`--engine dagger`) for it"
            )
        );
        assert_eq!(refusal("Query", "nothingOfDagger"), None);
        assert_eq!(refusal("Lab", "greet"), None);
    }
}
