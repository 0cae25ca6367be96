//! What could come next in a line: functions of what is piped in, flags,
//! variables, paths.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;

use crate::api::Model;
use crate::api::model::{Function, Object, kebab};
use crate::client::{Paths, lookup};
use crate::shell::builtin;
use crate::shell::state::Shell;

/// What a shell knows by name, at one moment.
pub struct Names {
    model: Arc<Model>,
    /// Type of the current module's main object.
    main: Option<String>,
    /// Words that begin a pipeline and are no functions of the API.
    words: Vec<String>,
    /// Variables, with the type of the object that they hold.
    variables: HashMap<String, Option<String>>,
    paths: Paths,
}

impl Names {
    pub fn of(shell: &Shell) -> Self {
        let module = shell.place.module.as_ref();
        let mut words: Vec<String> = builtin::DOT
            .iter()
            .map(|(name, ..)| (*name).to_owned())
            .collect();
        words.extend(shell.functions.keys().cloned());
        words.extend(module.iter().flat_map(|m| m.dependencies.iter().cloned()));
        words.extend(module.map(|m| m.name.clone()));
        let typed = |name: String| {
            let value = shell.variables.get(&name)?;
            Some((
                name,
                value.as_chain().map(|chain| chain.type_name().to_owned()),
            ))
        };
        Self {
            model: shell.engine.model(),
            main: module.map(|m| m.object.clone()),
            words,
            variables: shell
                .variables
                .names()
                .into_iter()
                .filter_map(typed)
                .collect(),
            paths: shell.place.paths(),
        }
    }

    fn object(&self, name: &str) -> Option<&Object> {
        self.model.object(name)
    }

    /// The function that a word at the beginning of a pipeline means.
    fn first(&self, word: &str) -> Option<&Function> {
        let main = self.main.as_deref().and_then(|main| self.object(main));
        main.and_then(|object| lookup::function(object, word))
            .or_else(|| {
                self.object("Query")
                    .and_then(|query| lookup::function(query, word))
            })
    }

    /// The type of what earlier stages give, and the function of the last one.
    fn follow(&self, stages: &[&str]) -> (Option<String>, Option<&Function>) {
        let mut type_name: Option<String> = None;
        let mut last = None;
        for (i, stage) in stages.iter().enumerate() {
            let word = stage.split_whitespace().next().unwrap_or_default();
            let word = word.rsplit_once("=$").map_or(word, |(_, word)| word);
            if let Some(name) = word.strip_prefix('$') {
                let name = name.trim_matches(['{', '}']);
                (type_name, last) = (self.variables.get(name).cloned().flatten(), None);
                continue;
            }
            last = match &type_name {
                None if i == 0 => self.first(word),
                None => None,
                Some(name) => self
                    .object(name)
                    .and_then(|object| lookup::function(object, word)),
            };
            type_name = last.map(|function| function.ty.name().to_owned());
        }
        (type_name, last)
    }
}

/// Completions of the end of `line`, and where the completed word starts.
pub fn complete(names: &Names, line: &str) -> (usize, Vec<String>) {
    let list = &line[line
        .rfind([';', '&', '(', '{', '\n', '`'])
        .map_or(0, |at| at + 1)..];
    let stages: Vec<&str> = list.split('|').collect();
    let Some((current, before)) = stages.split_last() else {
        return (line.len(), Vec::new());
    };
    let word = current
        .rsplit(char::is_whitespace)
        .next()
        .unwrap_or_default();
    let start = line.len() - word.len();
    let is_first = current.trim_start().len() == word.len();
    let mut found = if let Some(at) = word.rfind('$') {
        let prefix = &word[at + 1..];
        let known = names
            .variables
            .keys()
            .filter(|name| name.starts_with(prefix));
        known
            .map(|name| format!("{}${name}", &word[..at]))
            .collect()
    } else if is_first {
        functions(names, before, word)
    } else if word.starts_with('-') {
        flags(names, &stages, word)
    } else {
        files(names, word)
    };
    found.sort();
    found.dedup();
    (start, found)
}

fn functions(names: &Names, before: &[&str], word: &str) -> Vec<String> {
    let of = |object: Option<&Object>| -> Vec<String> {
        let all = object.into_iter().flat_map(lookup::visible);
        all.map(|function| kebab(&function.name)).collect()
    };
    let mut all = if before.is_empty() {
        let mut all = names.words.clone();
        all.extend(of(names
            .main
            .as_deref()
            .and_then(|main| names.object(main))));
        all.extend(of(names.object("Query")));
        all
    } else {
        let (type_name, _) = names.follow(before);
        of(type_name.as_deref().and_then(|name| names.object(name)))
    };
    all.retain(|name| name.starts_with(word));
    all
}

fn flags(names: &Names, stages: &[&str], word: &str) -> Vec<String> {
    let (_, function) = names.follow(stages);
    let args = function
        .into_iter()
        .flat_map(|f| &f.args)
        .filter(|arg| lookup::is_flag(arg));
    args.map(|arg| format!("--{}", kebab(&arg.name)))
        .filter(|flag| flag.starts_with(word))
        .collect()
}

fn files(names: &Names, word: &str) -> Vec<String> {
    let (dir, prefix) = match word.rfind('/') {
        Some(at) => word.split_at(at + 1),
        None => ("", word),
    };
    let Ok(path): Result<PathBuf, _> = names.paths.resolve(if dir.is_empty() { "." } else { dir })
    else {
        return Vec::new();
    };
    let entries = std::fs::read_dir(path).into_iter().flatten().flatten();
    entries
        .filter_map(|entry| {
            let name = entry.file_name().into_string().ok()?;
            let hidden = name.starts_with('.') && !prefix.starts_with('.');
            let slash = if entry.file_type().ok()?.is_dir() {
                "/"
            } else {
                ""
            };
            (name.starts_with(prefix) && !hidden).then(|| format!("{dir}{name}{slash}"))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::Engine;
    use crate::client::testing::Fake;

    #[test]
    fn words_are_completed_by_what_is_piped_into_them() {
        let dir = tempfile::tempdir().expect("a directory");
        std::fs::create_dir(dir.path().join("data")).expect("made");
        std::fs::write(dir.path().join("data/one.txt"), "").expect("written");
        let names = Names {
            model: Fake::new().model(),
            main: Some("Sink".into()),
            words: vec![".echo".into(), "sink".into()],
            variables: [("dir".into(), Some("Directory".into())), ("n".into(), None)].into(),
            paths: Paths {
                dir: dir.path().into(),
                context: Some(dir.path().into()),
            },
        };
        let cases: &[(&str, usize, &[&str])] = &[
            (".e", 0, &[".echo"]),
            ("gre", 0, &["greet"]),
            ("conta", 0, &["container"]),
            ("directory | with-new-f", 12, &["with-new-file"]),
            (
                "directory | with-new-file --p",
                26,
                &["--path", "--permissions"],
            ),
            ("person x | ol", 11, &["older"]),
            ("$dir | ent", 7, &["entries"]),
            ("x=$(directory | ent", 16, &["entries"]),
            (".echo $d", 6, &["$dir"]),
            ("read-file da", 10, &["data/"]),
            ("read-file ./data/o", 10, &["./data/one.txt"]),
            ("greet | na", 8, &[]),
        ];
        for (line, start, want) in cases {
            assert_eq!(
                complete(&names, line),
                (*start, want.iter().map(|w| (*w).to_owned()).collect()),
                "{line}"
            );
        }
    }
}
