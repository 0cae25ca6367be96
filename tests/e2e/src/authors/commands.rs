//! Commands that the documentation shows: functions, fields and flags of the
//! modules, and flags and variables of poniard, are those that there are.

use std::fs;

use serde_json::Value as Json;
use test_support::repository;

use super::pages;
use crate::fixture::module;
use crate::git::modules;
use crate::place::Place;

/// Types of all modules.
struct Known(Vec<(String, Json)>);

/// A place in a chain: an object of a module, or something of the core.
#[derive(Clone, Copy)]
enum At<'a> {
    Object(&'a Json, &'a Json),
    Core,
}

impl Known {
    fn read() -> Self {
        let types = |name: String| {
            let text = fs::read_to_string(module(&name).join("dagger.types.json"));
            let types = serde_json::from_str(&text.expect("types")).expect("JSON");
            (name, types)
        };
        Self(modules().into_iter().map(types).collect())
    }

    /// The module that a word names: `config`, `../dagger/config`, an address of it.
    fn module(&self, word: &str) -> Option<&Json> {
        let word = word.split('@').next().unwrap_or_default();
        let last = word.rsplit('/').next().unwrap_or_default();
        self.0
            .iter()
            .find(|(name, _)| name == last)
            .map(|known| &known.1)
    }
}

fn list<'a>(of: &'a Json, key: &str) -> impl Iterator<Item = &'a Json> {
    of[key].as_array().into_iter().flatten()
}

fn text<'a>(of: &'a Json, key: &str) -> &'a str {
    of[key].as_str().unwrap_or_default()
}

/// `withD2` and `with-d-2` alike.
fn alike(api: &str, word: &str) -> bool {
    api.to_lowercase() == word.replace('-', "").to_lowercase()
}

/// A function, or none for a field or a constructor without arguments; and where
/// it leads.
fn step<'a>(at: At<'a>, word: &str) -> Result<(Option<&'a Json>, At<'a>), String> {
    let At::Object(module, object) = at else {
        return Ok((None, At::Core));
    };
    let mut all = list(object, "functions").chain(list(object, "fields"));
    let found = all.find(|each| alike(text(each, "name"), word));
    let found = found.ok_or_else(|| format!("`{}` has no `{word}`", text(object, "name")))?;
    let named = text(found, "type").trim_matches(['[', ']', '!']);
    let next = list(module, "objects").find(|object| text(object, "name") == named);
    Ok((
        Some(found),
        next.map_or(At::Core, |next| At::Object(module, next)),
    ))
}

/// Looks at the arguments of a function up to the next word that is none; gives
/// how many words they are. In the shell required ones come without a flag.
fn arguments(function: Option<&Json>, words: &[String], shell: bool) -> Result<usize, String> {
    let Some(function) = function else {
        return Ok(if shell { words.len() } else { 0 });
    };
    let name = text(function, "name");
    let is_required = |arg: &&Json| {
        let ty = text(arg, "type");
        let has = |key: &str| !arg[key].is_null();
        let is_given = has("defaultValue") || has("defaultPath") || has("defaultAddress");
        ty.ends_with('!') && ty != "Workspace!" && !is_given
    };
    let required = list(function, "args").filter(is_required).count();
    let (mut at, mut plain) = (0, 0);
    while let Some(word) = words.get(at) {
        let Some(flag) = word.strip_prefix("--") else {
            if !shell {
                break;
            }
            plain += 1;
            at += 1;
            continue;
        };
        let (flag, value) = match flag.split_once('=') {
            Some((flag, _)) => (flag, true),
            None => (flag, false),
        };
        let arg = list(function, "args").find(|arg| alike(text(arg, "name"), flag));
        let arg = arg.ok_or_else(|| format!("`{name}` has no `--{flag}`"))?;
        let is_switch = text(arg, "type").starts_with("Boolean");
        at += if value || is_switch { 1 } else { 2 };
    }
    match plain > required {
        true => Err(format!(
            "`{name}` takes {required} arguments without a flag"
        )),
        false => Ok(at),
    }
}

fn main_object(module: &Json) -> At<'_> {
    At::Object(module, &module["objects"][0])
}

/// Words of a command; quotes and `$(…)` hold together.
fn words(command: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let (mut quote, mut depth) = (None, 0);
    for c in command.chars() {
        match (c, quote) {
            ('"' | '\'', None) => quote = Some(c),
            (c, Some(open)) if c == open => quote = None,
            ('(', None) => depth += 1,
            (')', None) => depth -= 1,
            (c, None) if c.is_whitespace() && depth == 0 => words.push(String::new()),
            _ => {}
        }
        if quote.is_some() || depth > 0 || !c.is_whitespace() {
            words.last_mut().expect("a word").push(c);
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

/// `config | for-branch main | url`; how many functions it names.
fn pipeline(known: &Known, line: &str) -> Result<usize, String> {
    let all = words(line);
    let mut parts = all.split(|word| word == "|");
    let first = parts.next().unwrap_or_default();
    let Some((name, rest)) = first.split_first() else {
        return Ok(0);
    };
    let Some(types) = known.module(name).filter(|_| all.contains(&"|".into())) else {
        return Ok(0);
    };
    let At::Object(_, object) = main_object(types) else {
        return Ok(0);
    };
    arguments(Some(&object["constructor"]), rest, true)?;
    let (mut at, mut named) = (main_object(types), 0);
    for part in parts {
        let Some((word, rest)) = part.split_first() else {
            continue;
        };
        // `.help`, `…`, and whatever begins no function.
        if !word.starts_with(|c: char| c.is_ascii_lowercase()) || matches!(at, At::Core) {
            break;
        }
        let (function, next) = step(at, word)?;
        arguments(function, rest, true)?;
        (at, named) = (next, named + 1);
    }
    Ok(named)
}

/// `dagger call -m config for-branch --name main url`, and `dagger call config …`.
fn call(known: &Known, line: &str) -> Result<usize, String> {
    let all = words(line);
    let Some(start) = all
        .windows(2)
        .position(|pair| ["dagger", "poniard"].contains(&&*pair[0]) && pair[1] == "call")
    else {
        return Ok(0);
    };
    let end = all.iter().position(|word| word == "|" || word == "#");
    let mut rest = &all[start + 2..end.unwrap_or(all.len()).max(start + 2)];
    let found = match rest {
        [flag, module, more @ ..] if flag == "-m" => {
            rest = more;
            known.module(module)
        }
        [module, more @ ..] => {
            rest = more;
            known
                .0
                .iter()
                .find(|(name, _)| name == module)
                .map(|known| &known.1)
        }
        [] => None,
    };
    let Some(types) = found else { return Ok(0) };
    let At::Object(_, object) = main_object(types) else {
        return Ok(0);
    };
    rest = &rest[arguments(Some(&object["constructor"]), rest, false)?..];
    let (mut at, mut named) = (main_object(types), 0);
    while let ([word, more @ ..], At::Object(..)) = (rest, at) {
        if !word.starts_with(|c: char| c.is_ascii_lowercase()) {
            break;
        }
        let (function, next) = step(at, word)?;
        rest = &more[arguments(function, more, false)?.min(more.len())..];
        (at, named) = (next, named + 1);
    }
    Ok(named)
}

/// Lines and pieces of code of a page, without what continues a line.
fn pieces(page: &str) -> Vec<String> {
    let page = page.replace("\\|", "|").replace("\\\n", " ");
    let mut pieces = Vec::new();
    let mut fenced = false;
    for line in page.lines() {
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
        } else if fenced {
            let script = ["dagger -c '", "poniard -c '"]
                .iter()
                .find_map(|begin| Some(line.split_once(begin)?.1.trim_end_matches('\'')));
            pieces.push(script.unwrap_or(line).trim().to_owned());
        } else {
            pieces.extend(line.split('`').skip(1).step_by(2).map(str::to_owned));
        }
    }
    pieces
}

#[test]
fn functions_fields_and_flags_that_the_documentation_names_exist() {
    let known = Known::read();
    let (mut found, mut problems) = (0, Vec::new());
    for page in pages::tracked() {
        let text = fs::read_to_string(&page).expect("a page");
        for piece in pieces(&text) {
            for looked in [pipeline(&known, &piece), call(&known, &piece)] {
                match looked {
                    Ok(named) => found += named,
                    Err(problem) => {
                        problems.push(format!("{}: {problem}: {piece}", page.display()));
                    }
                }
            }
        }
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
    assert!(found > 40, "only {found} functions are named");
}

#[test]
fn a_command_with_a_word_that_is_not_there_is_found() {
    let known = Known::read();
    let good = "config --file ci.yaml | for-branch main | url";
    assert_eq!(pipeline(&known, good), Ok(2));
    assert_eq!(
        call(&known, "dagger call -m ../config for-branch --branch x url"),
        Ok(2)
    );
    for (bad, problem) in [
        (
            "config | for-branches main",
            "`Config` has no `for-branches`",
        ),
        ("config --path x | for-branch main", "`` has no `--path`"),
        (
            "config | for-branch main | uri",
            "`Environment` has no `uri`",
        ),
        (
            "config | for-branch main other",
            "`forBranch` takes 1 arguments without a flag",
        ),
    ] {
        assert_eq!(pipeline(&known, bad), Err(problem.to_owned()));
    }
    let bad = "dagger call config for-branch --name x";
    assert_eq!(call(&known, bad), Err("`forBranch` has no `--name`".into()));
}

/// Those of the core's API are not: in the shell they follow the same form.
#[test]
fn commands_flags_and_variables_of_poniard_that_the_documentation_names_exist() {
    let place = Place::new();
    let help = |command: &str| place.run(&[command, "--help"]).stdout();
    let general = place.run(&["--help"]).stdout();
    let mut problems = Vec::new();
    let mut found = 0;
    for page in pages::tracked() {
        let text = fs::read_to_string(&page).expect("a page");
        for piece in pieces(&text) {
            let words = words(&piece);
            let begins = words.iter().position(|word| !word.contains('='));
            let Some(at) = begins.filter(|at| words[*at] == "poniard") else {
                continue;
            };
            let mut told = general.clone();
            for (nth, word) in words[at + 1..].iter().enumerate() {
                let is_command = nth == 0 && word.chars().all(|c| c.is_ascii_lowercase());
                if is_command {
                    if ["call", "core"].contains(&word.as_str()) {
                        break;
                    }
                    if !general.contains(&format!("  {word} ")) {
                        problems.push(format!("{}: no `poniard {word}`", page.display()));
                        break;
                    }
                    told = help(word);
                    found += 1;
                } else if let Some(flag) = word.strip_prefix("--").filter(|flag| !flag.is_empty()) {
                    let flag = flag.split('=').next().unwrap_or_default();
                    if !told.contains(&format!("--{flag}")) {
                        problems.push(format!("{}: no `--{flag}`: {piece}", page.display()));
                    }
                    found += 1;
                }
            }
        }
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
    assert!(found > 8, "only {found} are named");
    // A variable that nothing reads is a wrong name.
    let sources = sources();
    for page in pages::tracked() {
        let text = fs::read_to_string(&page).expect("a page");
        let names = text.split(|c: char| !c.is_ascii_uppercase() && c != '_');
        for name in names.filter(|name| name.starts_with("PONIARD_")) {
            assert!(sources.contains(name), "{}: {name}", page.display());
        }
    }
}

/// What programs of this repository are made of.
fn sources() -> String {
    let walk = ["engine/src", "templates", "tests", "xtask/src"]
        .into_iter()
        .flat_map(|dir| walkdir::WalkDir::new(repository().join(dir)));
    walk.filter_map(|entry| {
        let path = entry.ok()?.into_path();
        let is_source = path
            .extension()
            .is_some_and(|end| end == "rs" || end == "yml");
        is_source.then(|| fs::read_to_string(path).unwrap_or_default())
    })
    .collect()
}
