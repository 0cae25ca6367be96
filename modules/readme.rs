//! The part of a module's README between the two `functions` comments is what
//! its `dagger.types.json` says.
//!
//! In a module, for its tests: `#[cfg(test)] #[path = "../../readme.rs"] mod readme;`.
//! The module `ci` renews all READMEs with it.

use std::fmt::Write as _;

use poniard_sdk::serde_json::Value;

const START: &str = "<!-- functions: from dagger.types.json, see modules/readme.rs -->\n";
const END: &str = "<!-- /functions -->";

/// The README with current tables; none if it has no place for them.
pub fn renewed(readme: &str, types: &Value) -> Option<String> {
    let (before, rest) = readme.split_once(START)?;
    let (_, after) = rest.split_once(END)?;
    Some(format!("{before}{START}{}{END}{after}", tables(types)))
}

#[cfg(test)]
#[test]
fn readme_is_current() {
    use poniard_sdk::serde_json;
    use std::fs;

    let folder = env!("CARGO_MANIFEST_DIR");
    let read = |name: &str| fs::read_to_string(format!("{folder}/{name}")).unwrap();
    let types: Value = serde_json::from_str(&read("dagger.types.json")).unwrap();
    let readme = read("README.md");
    let wanted = renewed(&readme, &types).expect("the comments around the functions");
    if std::env::var_os("UPDATE_README").is_some() {
        fs::write(format!("{folder}/README.md"), &wanted).unwrap();
    }
    let package = env!("CARGO_PKG_NAME");
    assert!(
        std::env::var_os("UPDATE_README").is_some() || readme == wanted,
        "README.md is not current: UPDATE_README=1 cargo test -p {package} readme_is_current"
    );
}

fn tables(types: &Value) -> String {
    let mut text = String::new();
    for (i, object) in list(&types["objects"]).iter().enumerate() {
        if i > 0 {
            let _ = write!(
                text,
                "\n### {}\n\n{}\n",
                word(&object["name"]),
                word(&object["description"])
            );
        }
        let _ = write!(text, "\n| function | returns | |\n|---|---|---|\n");
        if let (0, Some(new)) = (i, object.get("constructor")) {
            let usage = usage(&kebab(word(&object["name"])), new);
            let _ = writeln!(
                text,
                "| {usage} | {} | |",
                shown(&object["constructor"]["type"])
            );
        }
        for field in list(&object["fields"])
            .iter()
            .chain(list(&object["functions"]))
        {
            let kind = match ["check", "generate", "up"].map(|kind| field[kind] == true) {
                [true, ..] => " (a check)",
                [_, true, _] => " (a generator)",
                [_, _, true] => " (a service for `up`)",
                _ => "",
            };
            let returns = shown(&field["type"]);
            let text_of = word(&field["description"])
                .replace('\n', " ")
                .replace('|', "\\|");
            let _ = writeln!(
                text,
                "| {} | {returns} | {text_of}{kind} |",
                usage(&kebab(word(&field["name"])), field)
            );
        }
    }
    for member in list(&types["enums"]) {
        let names: Vec<_> = list(&member["members"])
            .iter()
            .map(|m| format!("`{}`", word(&m["name"])))
            .collect();
        let _ = write!(text, "\n{}: {}\n", word(&member["name"]), names.join(", "));
    }
    text + "\n"
}

/// `deploy <dist> --message? --percent = 100`; what the engine fills in is left out.
fn usage(name: &str, function: &Value) -> String {
    let mut usage = name.to_owned();
    for arg in list(&function["args"]) {
        let (name, of_type) = (kebab(word(&arg["name"])), word(&arg["type"]));
        let _ = match (arg["defaultValue"].as_str(), of_type) {
            (_, "Workspace!") => Ok(()),
            (Some(default), _) => write!(usage, " --{name} = {}", default.trim_matches('"')),
            (None, _) if of_type.ends_with('!') => write!(usage, " <{name}>"),
            (None, _) => write!(usage, " --{name}?"),
        };
    }
    format!("`{}`", usage.replace('|', "\\|"))
}

fn shown(of_type: &Value) -> String {
    match word(of_type).replace('!', "").as_str() {
        "Void" => String::new(),
        name => name.to_owned(),
    }
}

/// As Dagger's CLI spells it: a word also ends around digits, `with-d-2`.
fn kebab(name: &str) -> String {
    let mut kebab = String::new();
    let mut last = ' ';
    for c in name.chars() {
        let upper = last.is_ascii_lowercase() && c.is_ascii_uppercase();
        let digit = last.is_ascii_alphanumeric() && last.is_ascii_digit() != c.is_ascii_digit();
        if upper || digit {
            kebab.push('-');
        }
        kebab.push(c.to_ascii_lowercase());
        last = c;
    }
    kebab
}

fn word(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}
