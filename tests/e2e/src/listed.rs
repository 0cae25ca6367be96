//! What a `dagger.json` makes of the modules that it lists, and of its own files:
//! blueprints, toolchains with other defaults, `include` and `exclude`; and how
//! long results of functions are kept.

use serde_json::Value;
use test_support::Running;

use crate::fixture::greeter;
use crate::place::{LIMIT, Place, nonce};

const SOURCE: &str = r#"
use std::hash::{BuildHasher, Hasher, RandomState};

use poniard_sdk::prelude::*;

/// Greets.
#[object]
pub struct Greeter {
    greeting: String,
}

/// Whom to greet.
#[object]
pub struct Guest {}

#[functions]
impl Greeter {
    pub fn new(#[arg(default = "Hello")] greeting: String) -> Self {
        Self { greeting }
    }

    /// Greets somebody.
    pub fn greet(&self, #[arg(default = "Ann")] name: String) -> String {
        format!("{}, {name}!", self.greeting)
    }

    /// Reads settings.
    pub async fn settings(&self, #[arg(default_path = "./settings.txt")] file: File) -> Result<String> {
        Ok(file.contents().await?)
    }

    /// Lists what is there.
    pub async fn list(&self, #[arg(default_path = ".", ignore = ["*.json"])] dir: Directory) -> Result<String> {
        Ok(dir.entries().await?.join(" "))
    }

    /// A guest.
    pub fn guest(&self) -> Guest {
        Guest {}
    }

    /// A check.
    #[function(check)]
    pub fn polite(&self) -> Result<()> {
        Ok(())
    }

    /// A new word for each `key`.
    pub fn kept(&self, key: String) -> String {
        word(&key)
    }

    /// A new word in an hour.
    #[function(cache = "1h")]
    pub fn for_an_hour(&self, key: String) -> String {
        word(&key)
    }

    /// A new word in each run.
    #[function(cache = "session")]
    pub fn each_run(&self, key: String) -> String {
        word(&key)
    }

    /// A new word.
    #[function(cache = "never")]
    pub fn new_word(&self, key: String) -> String {
        word(&key)
    }
}

#[functions]
impl Guest {
    /// Where the guest is from.
    pub fn planet(&self, #[arg(default = "Earth")] planet: String) -> String {
        planet
    }
}

fn word(key: &str) -> String {
    format!("{key}-{}", RandomState::new().build_hasher().finish())
}
"#;

/// What a run in a directory of the place says.
#[track_caller]
fn gives(place: &Place, dir: &str, args: &[&str]) -> String {
    let mut command = place.command(args);
    let done = Running::to_end(command.current_dir(place.path(dir)), "", LIMIT).expect("a run");
    assert_eq!(done.code, 0, "{args:?}: {}", done.stderr());
    done.stdout()
}

#[test]
fn a_blueprint_stands_for_a_module_and_works_on_the_callers_files() {
    let (place, _) = greeter(SOURCE);
    place.write("greeter/settings.txt", "of the blueprint");
    place.write("site/settings.txt", "of the site");
    place.write("site/pages/settings.txt", "of the pages");
    gives(&place, "site", &["init", "--blueprint=../greeter"]);

    assert_eq!(gives(&place, "site", &["call", "greet"]), "Hello, Ann!");
    let flags = ["call", "--greeting", "Hi", "greet", "--name", "Bob"];
    assert_eq!(gives(&place, "site", &flags), "Hi, Bob!");
    let settings = ["call", "settings"];
    assert_eq!(gives(&place, "site", &settings), "of the site");
    assert_eq!(gives(&place, "site/pages", &settings), "of the pages");
    // Named by `-m`, and by its name, it works on its own files.
    let named = ["call", "-m", "site", "settings"];
    assert_eq!(gives(&place, "", &named), "of the site");
    let named = ["call", "site", "settings"];
    assert_eq!(gives(&place, "site/pages", &named), "of the site");
    let functions = gives(&place, "site", &["functions"]);
    for name in ["greet ", "settings ", "site "] {
        assert!(functions.contains(&format!("\n{name}")), "{functions}");
    }
    let script = "greet --name Zoe; .echo; . --greeting Hey | greet; .echo; greeter | settings";
    let said = gives(&place, "site", &["-c", script]);
    assert_eq!(said, "Hello, Zoe!\nHey, Ann!\nof the site");
    let checks = gives(&place, "site", &["check", "-l"]);
    assert!(checks.contains("site:polite"), "{checks}");

    place.write("site/.env", "GREETING=Servus\n");
    assert_eq!(gives(&place, "site", &["call", "greet"]), "Servus, Ann!");

    let other = r#"{ "name": "tools", "blueprint": { "name": "greeter", "source": "../greeter" },
        "toolchains": [{ "name": "also", "source": "../greeter" }] }"#;
    place.write("tools/dagger.json", other);
    assert_eq!(gives(&place, "tools", &["call", "greet"]), "Hello, Ann!");
    let also = ["call", "also", "greet", "--name", "Eve"];
    assert_eq!(gives(&place, "tools", &also), "Hello, Eve!");
    place.write(
        "wrong/dagger.json",
        other.replace(r#""toolchains""#, r#""dependencies""#),
    );
    place.fails(
        &["call", "-m", "wrong", "greet"],
        &["`blueprint` and `dependencies` can't both be set"],
    );
}

#[test]
fn a_toolchain_works_on_the_callers_files_with_the_defaults_of_its_entry() {
    let (place, _) = greeter(SOURCE);
    place.write("greeter/settings.txt", "of the module");
    place.write("site/settings.txt", "of the site");
    place.write("site/pages/settings.txt", "of the pages");
    place.write("site/pages/index.html", "");
    place.write("site/pages/other.txt", "another");
    let entry = |more: &str| {
        let text = format!(
            r#"{{ "name": "site", "toolchains": [{{ "name": "tool", "source": "../greeter"{more} }}] }}"#
        );
        place.write("site/dagger.json", text);
    };
    entry("");
    let settings = ["call", "tool", "settings"];
    assert_eq!(gives(&place, "site/pages", &settings), "of the pages");
    let list = ["call", "tool", "list"];
    assert_eq!(
        gives(&place, "site/pages", &list),
        "index.html other.txt settings.txt"
    );
    assert_eq!(
        gives(&place, "", &["call", "-m", "site", "tool", "settings"]),
        "of the site"
    );
    // As a module of its own it has its own files.
    let own = ["call", "-m", "greeter", "settings"];
    assert_eq!(gives(&place, "", &own), "of the module");

    entry(
        r#", "customizations": [
        { "argument": "greeting", "default": "Hola" },
        { "function": ["greet"], "argument": "name", "default": "8.0" },
        { "function": ["guest", "planet"], "argument": "planet", "default": "Mars" },
        { "function": ["settings"], "argument": "file", "defaultPath": "./other.txt" },
        { "function": ["list"], "argument": "dir", "ignore": ["*.txt"] }]"#,
    );
    for (args, want) in [
        (&["greet"][..], "Hola, 8.0!"),
        (&["--greeting", "Hi", "greet", "--name", "Bob"], "Hi, Bob!"),
        (&["guest", "planet"], "Mars"),
        (&["settings"], "another"),
        (&["list"], "index.html"),
    ] {
        let args = [&["call", "tool"], args].concat();
        assert_eq!(gives(&place, "site/pages", &args), want, "{args:?}");
    }
    let said = gives(&place, "site/pages", &["-c", "tool | greet"]);
    assert_eq!(said, "Hola, 8.0!");
    // Another default is another result.
    entry(r#", "customizations": [{ "argument": "greeting", "default": "Salut" }]"#);
    assert_eq!(
        gives(&place, "site/pages", &["call", "tool", "greet"]),
        "Salut, Ann!"
    );
}

#[test]
fn results_are_kept_as_long_as_functions_say_and_while_the_modules_files_are_the_same() {
    let (place, module) = greeter(SOURCE);
    let config = std::fs::read_to_string(module.join("dagger.json")).expect("a dagger.json");
    let config = config.replacen(
        "\"include\": [",
        "\"exclude\": [\"docs/**\"], \"include\": [\"../notes.txt\", ",
        1,
    );
    place.write("greeter/dagger.json", config);
    place.write("notes.txt", "1");
    place.write("beside.txt", "1");
    place.write("greeter/docs/guide.md", "1");
    let key = nonce();
    let word = |function: &str| gives(&place, "greeter", &["call", function, "--key", &key]);
    let twice = |function: &str| {
        let script = format!("{function} {key}; .echo; {function} {key}");
        let said = gives(&place, "greeter", &["-c", &script]);
        let (one, other) = said.split_once('\n').expect("two words");
        (one.to_owned(), other.trim_end().to_owned())
    };

    // Compiling may bring the lock file up to date, which is a part of the module.
    gives(&place, "greeter", &["functions"]);
    let [kept, hour] = ["kept", "for-an-hour"].map(word);
    assert_eq!(word("kept"), kept);
    assert_eq!(word("for-an-hour"), hour);
    let (one, other) = twice("each-run");
    assert_eq!(one, other);
    assert_ne!(word("each-run"), one);
    let (one, other) = twice("new-word");
    assert_ne!(one, other);

    place.write("greeter/docs/guide.md", "2");
    place.write("beside.txt", "2");
    assert_eq!(word("kept"), kept, "what is no part of the module counts");
    place.write("notes.txt", "2");
    assert_ne!(word("kept"), kept, "what is included counts");

    let text = std::fs::read_to_string(module.join("dagger.json")).expect("a dagger.json");
    let text = text.replacen('{', "{ \"disableDefaultFunctionCaching\": true, ", 1);
    place.write("greeter/dagger.json", text);
    let (one, other) = twice("kept");
    assert_eq!(one, other);
    assert_ne!(word("kept"), one, "the module wants a word for each run");
    let hour = word("for-an-hour");
    assert_eq!(word("for-an-hour"), hour, "the function says otherwise");
}

/// Makes the kept results that contain a text `secs` older than they are.
#[track_caller]
fn age(place: &Place, text: &str, secs: u64) {
    let kept = walkdir::WalkDir::new(place.state.join("cache/function"));
    let mut aged = 0;
    for file in kept.into_iter().filter_map(Result::ok) {
        let Ok(record) = std::fs::read_to_string(file.path()) else {
            continue;
        };
        if record.contains(text) {
            let mut record: Value = serde_json::from_str(&record).expect("JSON");
            let until = record["value"]["until"].as_u64().expect("a time");
            record["value"]["until"] = (until - secs).into();
            std::fs::write(file.path(), record.to_string()).expect("written");
            aged += 1;
        }
    }
    assert_eq!(
        aged,
        1,
        "results with `{text}` in {}",
        place.state.display()
    );
}

#[test]
fn a_result_is_computed_anew_when_its_time_is_over_and_not_before() {
    const HOUR: u64 = 3600;
    const WEEK: u64 = 7 * 24 * HOUR;
    let (place, _) = greeter(SOURCE);
    gives(&place, "greeter", &["functions"]);
    for (function, time) in [("for-an-hour", HOUR), ("kept", WEEK)] {
        let key = nonce();
        let word = || gives(&place, "greeter", &["call", function, "--key", &key]);
        let first = word();
        // What is left of its time is more than this test takes.
        age(&place, &first, time - 600);
        assert_eq!(word(), first, "{function}");
        age(&place, &first, 600);
        let second = word();
        assert_ne!(second, first, "{function}");
        // The new one has its whole time, and is kept in the place of the old one.
        age(&place, &second, time - 600);
        assert_eq!(word(), second, "{function}");
    }
}
