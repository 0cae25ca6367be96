//! Defaults for arguments of modules, from the user's `.env` files.

use std::process::Command;
use std::time::SystemTime;

use test_support::{Finished, Running};

use crate::fixture::greeter;
use crate::place::{LIMIT, Place, kept_out_of};

const SOURCE: &str = r#"
use poniard_sdk::prelude::*;

/// How big.
#[enumeration]
#[derive(Clone, Copy)]
pub enum Size {
    /// Small.
    Small,
    /// Large.
    Large,
}

/// Greets.
#[object]
pub struct Greeter {
    greeting: String,
}

#[functions]
impl Greeter {
    pub fn new(#[arg(default = "Hello")] greeting: String) -> Self {
        Self { greeting }
    }

    /// Greets somebody.
    pub fn greet_all(&self, name: String) -> String {
        format!("{}, {name}!", self.greeting)
    }

    /// Says what it was given.
    pub fn show(&self, times: u16, loud: bool, ratio: f64, size: Size, tags: Vec<String>) -> String {
        format!("{times} {loud} {ratio} {} {}", size.name(), tags.join("+"))
    }

    /// Looks at things.
    pub async fn look(
        &self,
        #[arg(ignore = ["*.log"])] source: Directory,
        note: File,
        password: Secret,
    ) -> Result<String> {
        let length = password.plaintext().await?.len();
        let names = source.entries().await?.join("+");
        Ok(format!("{names} {} {length}", note.contents().await?.trim()))
    }
}
"#;

const CANARY: &str = "canary-7d1e0b52";

fn run(command: &mut Command) -> Finished {
    Running::to_end(command, "", LIMIT).expect("a run")
}

/// `dagger call` in a directory of the place.
fn call(place: &Place, dir: &str, args: &[&str]) -> Finished {
    let module = place.path("greeter");
    let module = module.to_str().expect("a path");
    let mut command = place.command(&[&["call", "-m", module], args].concat());
    command.env("NAME_OUTSIDE", "Zoe").env("CANARY", CANARY);
    run(command.current_dir(place.path(dir)))
}

#[track_caller]
fn says(done: &Finished, want: &str) {
    assert_eq!(
        (done.code, done.stdout().as_str()),
        (0, want),
        "{}",
        done.stderr()
    );
}

#[test]
fn a_flag_wins_over_the_callers_file_and_that_over_the_modules() {
    let (place, _) = greeter(SOURCE);
    place.write("site/pages/.keep", "");
    place.write("greeter/.env", "GREETING=Hi\nGREET_ALL_NAME=inner\n");
    says(&call(&place, "site/pages", &["greet-all"]), "Hi, inner!");

    place.write(
        ".env",
        "# Ours.\nexport GREETER_greet_all_NAME=\"${NAME_OUTSIDE} & co\"\nGREETING=Ignored\n",
    );
    let done = call(&place, "site/pages", &["greet-all"]);
    says(&done, "Hi, Zoe & co!");
    for told in [
        "user default: greeter(greeting=\"Hi\")",
        "user default: greeter.greetAll(name=\"Zoe & co\")",
    ] {
        let times = done.stderr().matches(told).count();
        assert_eq!(times, 1, "`{told}`: {}", done.stderr());
    }
    let flags = ["--greeting", "Hey", "greet-all", "--name", "Bob"];
    says(&call(&place, "site/pages", &flags), "Hey, Bob!");

    let script = "../greeter | greet-all";
    let mut shell = place.command(&["-c", script]);
    shell
        .env("NAME_OUTSIDE", "Zoe")
        .current_dir(place.path("site"));
    says(&run(&mut shell), "Hi, Zoe & co!");
    // The result is another as soon as a value is.
    place.write("site/.env", "GREETER_GREET_ALL_NAME=nearer\n");
    says(&call(&place, "site/pages", &["greet-all"]), "Hi, nearer!");
}

#[test]
fn every_kind_of_value_has_a_default_and_required_arguments_may_be_left_out() {
    let (place, _) = greeter(SOURCE);
    place.write("site/src/page", "");
    place.write("site/src/build.log", "");
    place.write("site/note", "noted\n");
    place.write(
        "site/.env",
        "GREETER_SHOW_TIMES=3\nGREETER_SHOW_LOUD=true\nGREETER_SHOW_RATIO=1.5\n\
         GREETER_SHOW_SIZE='\"LARGE\"'\nGREETER_SHOW_TAGS=a,b\n\
         ROOT=.\nGREETER_LOOK_SOURCE=${ROOT}/src\nGREETER_LOOK_NOTE=note\nGREETER_LOOK_PASSWORD=env://CANARY\n",
    );
    let help = call(&place, "site", &["show", "--help"]).stdout();
    for line in ["--times", "(default 3)", "(default \"LARGE\")"] {
        assert!(help.contains(line), "no `{line}`:\n{help}");
    }
    assert!(!help.contains("required"), "{help}");
    says(&call(&place, "site", &["show"]), "3 true 1.5 LARGE a+b");

    let start = SystemTime::now();
    let looked = format!("page noted {}", CANARY.len());
    let done = call(&place, "site", &["look"]);
    says(&done, &looked);
    if place.cli.is_built_here() {
        kept_out_of(&place.state, start, &[CANARY]);
    }
    assert!(!done.stderr().contains(CANARY), "{}", done.stderr());
}

#[test]
fn a_default_that_cannot_be_is_named_before_anything_is_run() {
    let (place, module) = greeter(SOURCE);
    let greeter = ["call", "-m", module.to_str().expect("a path")];
    let fails = |args: &[&str], words: &[&str]| place.fails(&[&greeter, args].concat(), words);
    place.write(".env", "GREETER_SHOW_SIZE=LARGE\n");
    fails(
        &["greet-all", "--name", "x"],
        &["greeter.show(size=", "'\"NAME\"'"],
    );
    place.write(".env", "GREETER_GREET_ALL_NAME=${NOWHERE_TO_BE_FOUND}\n");
    fails(&["show"], &["NOWHERE_TO_BE_FOUND", "unbound variable"]);
    place.write(".env", "GREETER_GREET_ALL_NAME=\"open\n");
    fails(&["show"], &[".env", "line 1"]);
    // The secret itself in the place of its address.
    let start = SystemTime::now();
    place.write(".env", format!("GREETER_LOOK_PASSWORD={CANARY}\n"));
    let look = [
        "look",
        "--source",
        "greeter",
        "--note",
        "greeter/dagger.json",
    ];
    let done = fails(&look, &["`password`", "secret env var not found"]);
    assert!(!done.stderr().contains(CANARY), "{}", done.stderr());
    assert!(
        done.stderr().contains("greeter.look(password=*****)"),
        "{}",
        done.stderr()
    );
    if place.cli.is_built_here() {
        kept_out_of(&place.state, start, &[CANARY]);
    }
}
