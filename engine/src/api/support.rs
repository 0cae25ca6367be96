//! What of Dagger's API is there: `names.txt` lists what Dagger has, the
//! [`Model`] what poniard serves, and the difference is refused by name.
//!
//! `docs/api-support.md` is the table of it, held current by a test.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use crate::suggest;

use super::model::kebab;
use super::sdl;

/// A type: the line that begins it, and those of its fields by name. All but
/// objects and interfaces are one line.
struct Type {
    line: &'static str,
    fields: BTreeMap<&'static str, &'static str>,
}

static NAMES: LazyLock<BTreeMap<&'static str, Type>> =
    LazyLock::new(|| read(include_str!("names.txt")));

fn read(text: &'static str) -> BTreeMap<&'static str, Type> {
    let mut names: BTreeMap<_, Type> = BTreeMap::new();
    let mut last = None;
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let name_of = |text: &'static str| text.split(['(', ':', ' ']).next().unwrap_or(text);
        match (line.strip_prefix("  "), line.split_once(' ')) {
            (Some(field), _) => {
                if let Some(ty) = last.and_then(|last| names.get_mut(last)) {
                    ty.fields.insert(name_of(field), field);
                }
            }
            (None, Some((_, rest))) => {
                let fields = BTreeMap::new();
                last = Some(name_of(rest));
                names.insert(name_of(rest), Type { line, fields });
            }
            _ => {}
        }
    }
    names
}

/// Whether a type is one of Dagger's own.
pub fn is_core(type_name: &str) -> bool {
    NAMES.contains_key(type_name)
}

/// Objects and interfaces that Dagger loads by their ids.
pub fn loadable<'a>() -> impl Iterator<Item = &'a str> {
    NAMES
        .iter()
        .filter(|(name, ty)| {
            **name != "Query" && (ty.line.starts_with("type ") || ty.line.starts_with("interface "))
        })
        .map(|(name, _)| *name)
}

/// The field of `Query` that loads a type.
pub fn load_field(type_name: &str) -> String {
    format!("load{type_name}FromID")
}

/// Whether that field can give null, as a few do in Dagger.
pub fn may_load_null(type_name: &str) -> bool {
    let query = NAMES.get("Query");
    query.is_some_and(|query| query.fields.contains_key(load_field(type_name).as_str()))
}

/// Whether poniard has a type that is loaded by its id.
fn is_there(type_name: &str) -> bool {
    sdl::core().is_ok_and(|model| {
        model.object(type_name).is_some() || model.interfaces.contains_key(type_name)
    })
}

/// What to say when `field` of a type is not there: a name of Dagger's API, in
/// camelCase or kebab-case, deserves another answer than any other word.
pub fn refusal(type_name: &str, field: &str) -> Option<String> {
    let is_meant = |name: &str| name == field || kebab(name) == field;
    let known = NAMES.get(type_name)?.fields.keys();
    let name = known
        .map(|name| (*name).to_owned())
        .find(|name| is_meant(name))
        .or_else(|| {
            let loaded = loadable().find(|ty| is_meant(&load_field(ty)))?;
            (type_name == "Query" && !is_there(loaded)).then(|| load_field(loaded))
        })?;
    Some(format!(
        "`{type_name}.{name}` is not implemented in poniard: use a Dagger Engine (`--engine dagger`) for it"
    ))
}

/// `; did you mean …?` for a field that a type of Dagger's API does not have.
pub fn hint(type_name: &str, field: &str) -> String {
    let known = NAMES.get(type_name);
    let fields = known.into_iter().flat_map(|ty| ty.fields.keys());
    suggest::hint(field, fields.copied())
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;
    use std::path::Path;

    use super::*;
    use crate::api::Model;
    use crate::api::model::{Arg, Object};

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

    /// Fields that do not go without saying.
    fn fields(ty: &Type) -> Vec<&'static str> {
        let fields = ty.fields.keys().copied();
        fields.filter(|field| !field.starts_with("load")).collect()
    }

    fn table(model: &Model) -> String {
        let types = || {
            let objects = NAMES.iter().filter(|(_, ty)| ty.line.starts_with("type "));
            objects.map(|(name, ty)| (*name, fields(ty)))
        };
        let all: Vec<_> = types()
            .flat_map(|(ty, fields)| fields.into_iter().map(move |field| (ty, field)))
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
        for (ty, fields) in types().filter(|(ty, _)| !absent(ty)) {
            let _ = write!(text, "\n## {ty}\n\n| field | |\n|---|---|\n");
            if fields.is_empty() {
                let _ = writeln!(text, "| `id` | yes |");
            }
            for field in fields {
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

    /// As `names.txt` has it.
    fn argument(model: &Model, arg: &Arg) -> String {
        let on_wire = arg.ty.to_string();
        let ty = match on_wire.contains("ID") {
            true => on_wire.replace("ID", &arg.expected),
            false => on_wire,
        };
        let mut text = format!("{}: {ty}", arg.name);
        if let Some(default) = &arg.default {
            let member = default.as_str().filter(|_| model.is_enum(arg.ty.name()));
            let default = member.map_or_else(|| default.to_string(), str::to_owned);
            let _ = write!(text, " = {default}");
        }
        text
    }

    fn with_arguments(model: &Model, name: &str, args: &[Arg]) -> String {
        let args: Vec<_> = args.iter().map(|arg| argument(model, arg)).collect();
        match args.is_empty() {
            true => name.to_owned(),
            false => format!("{name}({})", args.join(", ")),
        }
    }

    fn wrong_fields(model: &Model, ty: &str, own: &Object, wrong: &mut Vec<String>) {
        let known = NAMES.get(ty);
        for (name, function) in &own.functions {
            let head = with_arguments(model, name, &function.args);
            let line = format!("{head}: {}", function.ty);
            let other = known.and_then(|ty| ty.fields.get(name.as_str()));
            if other != Some(&line.as_str()) {
                wrong.push(format!("{ty}.{line}\n  {}", other.unwrap_or(&"unknown")));
            }
        }
    }

    fn has_all(object: &Object, interface: &str) -> bool {
        let shared = NAMES.get(interface).map(|ty| ty.fields.keys());
        shared.is_some_and(|mut fields| fields.all(|f| object.functions.contains_key(*f)))
    }

    #[test]
    fn what_is_there_is_as_in_dagger() {
        let model = sdl::core().unwrap();
        let mut wrong = Vec::new();
        let mut lines = Vec::new();
        for (name, object) in &model.objects {
            let Some(of_dagger) = NAMES.get(name.as_str()) else {
                wrong.push(format!("type {name}\n  unknown"));
                continue;
            };
            let wanted: Vec<_> = (of_dagger.line.split_once(" implements "))
                .map_or("", |(_, all)| all)
                .split(" & ")
                .filter(|interface| has_all(object, interface))
                .collect();
            if object.interfaces != wanted {
                wrong.push(format!("type {name} implements {}", wanted.join(" & ")));
            }
            wrong_fields(&model, name, object, &mut wrong);
        }
        for (name, interface) in &model.interfaces {
            lines.push(format!("interface {name}"));
            wrong_fields(&model, name, interface, &mut wrong);
        }
        for (name, def) in &model.enums {
            let members: Vec<_> = def.members.iter().map(|(name, _)| name.as_str()).collect();
            lines.push(format!("enum {name} {}", members.join(" ")));
        }
        for (name, args) in &model.inputs {
            lines.push(with_arguments(&model, &format!("input {name}"), args));
        }
        lines.extend(model.scalars.iter().map(|name| format!("scalar {name}")));
        for line in lines {
            if !NAMES.values().any(|ty| ty.line == line) {
                wrong.push(line);
            }
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    }

    #[test]
    fn no_interface_scalar_or_input_of_dagger_is_missing() {
        let model = sdl::core().unwrap();
        let missing: Vec<_> = NAMES
            .iter()
            .filter(|(name, ty)| match ty.line.split_once(' ') {
                Some(("interface", _)) => !model.interfaces.contains_key(**name),
                Some(("scalar", _)) => !model.scalars.iter().any(|own| own == *name),
                Some(("input", _)) => !model.inputs.contains_key(**name),
                _ => false,
            })
            .map(|(_, ty)| ty.line)
            .collect();
        assert!(missing.is_empty(), "{missing:?}");
    }

    #[test]
    fn spellings_of_enum_members_stand_for_others() {
        for (name, def) in &sdl::core().unwrap().enums {
            let is_member = |member: &str| def.members.iter().any(|(own, _)| own == member);
            for (alias, meant) in &def.aliases {
                assert!(is_member(alias) && is_member(meant), "{name}.{alias}");
                assert!(!def.aliases.contains_key(meant), "{name}.{alias}: {meant}");
            }
        }
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
        for name in ["loadLLMFromID", "load-llmfrom-id"] {
            let said = refusal("Query", name).unwrap();
            assert!(said.contains("is not implemented in poniard"), "{said}");
        }
        for name in [
            "loadContainerFromID",
            "loadSyncerFromID",
            "loadNothingFromID",
        ] {
            assert_eq!(refusal("Query", name), None);
        }
        assert_eq!(refusal("Query", "nothingOfDagger"), None);
        assert_eq!(refusal("Lab", "greet"), None);
    }
}
