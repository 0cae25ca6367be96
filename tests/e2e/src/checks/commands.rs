//! The commands, on a module that has one of each.

use std::net::TcpStream;
use std::time::{Duration, Instant};

use rustix::process::Signal;
use test_support::Running;

use crate::fixture::greeter;
use crate::place::{GRACE, LIMIT, Place};

const SOURCE: &str = r##"use poniard_sdk::prelude::*;

/// Greets.
#[object]
pub struct Greeter {}

#[functions]
impl Greeter {
    /// Passes.
    #[function(check, cache = "never")]
    pub fn polite(&self) {}

    /// Fails with a command.
    #[function(check)]
    pub async fn spelling(&self) -> Result<()> {
        let said = debian().with_exec(vec!["sh", "-c", "echo looked at words; echo teh >&2; exit 3"]);
        said.sync().await?;
        Ok(())
    }

    /// Writes the greeting down.
    #[function(generate)]
    pub async fn card(&self, workspace: Workspace) -> Result<Changeset> {
        let before = workspace.directory(".");
        Ok(before.with_new_file("card.txt", "hello\n").changes(before.clone()))
    }

    /// Parts of it.
    pub fn parts(&self) -> Parts {
        Parts {}
    }

    /// Says hello on port 8417.
    #[function(up)]
    pub fn web(&self) -> Service {
        const SERVER: &str = r#"use IO::Socket::INET; my $s = IO::Socket::INET->new(LocalPort => 8417, Listen => 5, ReuseAddr => 1) or die; while (my $c = $s->accept) { print $c "hello\n"; close $c }"#;
        debian().with_exposed_port(8417).with_default_args(vec!["perl", "-e", SERVER]).as_service()
    }
}

/// Parts.
#[object]
pub struct Parts {}

#[functions]
impl Parts {
    /// Passes as well.
    #[function(check)]
    pub fn short(&self) {}
}

fn debian() -> Container {
    dag().container().from("debian:bookworm-slim")
}
"##;

#[test]
fn checks_generators_and_services_are_found_run_and_told() {
    let (place, module) = greeter(SOURCE);
    let run = |args: &[&str]| {
        let mut command = place.command(args);
        Running::to_end(command.current_dir(&module), "", LIMIT).expect("a run")
    };
    lists(&run);
    checks(&run);
    generates(&run, &module.join("card.txt"));
    is_up(&place, &module);
    place.nothing_is_left();
}

type Run<'a> = dyn Fn(&[&str]) -> test_support::Finished + 'a;

fn lists(run: &Run) {
    let done = run(&["check", "-l"]);
    assert_eq!(done.code, 0, "{}", done.stderr());
    let table = "Name                  Description\n\
                 greeter:parts:short   Passes as well.\n\
                 greeter:polite        Passes.\n\
                 greeter:spelling      Fails with a command.\n\
                 \n\
                 Generators\n\
                 greeter:card          Writes the greeting down.\n";
    assert_eq!(done.stdout(), table);
    let done = run(&["check", "-l", "--no-generate", "p*"]);
    let table = "Name             Description\ngreeter:polite   Passes.\n";
    assert_eq!(done.stdout(), table);
    let done = run(&["generate", "-l"]);
    let table = "Name           Description\ngreeter:card   Writes the greeting down.\n";
    assert_eq!(done.stdout(), table);
    let done = run(&["up", "-l"]);
    let table = "Name          Description\ngreeter:web   Says hello on port 8417.\n";
    assert_eq!(done.stdout(), table);
}

fn checks(run: &Run) {
    for chosen in ["greeter:polite", "polite", "greeter:parts", "parts:*"] {
        let done = run(&["check", chosen]);
        assert_eq!(
            (done.code, done.stdout()),
            (0, String::new()),
            "{}",
            done.stderr()
        );
    }
    let done = run(&["-s", "check", "polite", "shrt"]);
    let want = "warning: no check is called `shrt`, so none was run for it: `-l` lists them; did you mean `greeter:parts:short`?\n";
    assert_eq!((done.code, done.stderr()), (0, want.into()));
    let done = run(&["check"]);
    let stderr = done.stderr();
    assert_eq!(done.code, 1, "{stderr}");
    for word in [
        "2 checks failed",
        "greeter:spelling: process `sh -c",
        "exit code: 3",
        "Stdout:\nlooked at words\n",
        "Stderr:\nteh\n",
        "generate function greeter:card produced changes; run 'dagger generate greeter:card' to apply: card.txt",
    ] {
        assert!(stderr.contains(word), "no `{word}`:\n{stderr}");
    }
    let done = run(&["check", "--failfast", "spelling"]);
    assert_eq!(done.code, 1, "{}", done.stderr());
    let done = run(&["check", "--generate", "--no-generate"]);
    assert_ne!(done.code, 0);
    assert!(
        done.stderr().contains("[no-generate generate]"),
        "{}",
        done.stderr()
    );
}

fn generates(run: &Run, card: &std::path::Path) {
    let done = run(&["generate"]);
    assert_ne!(done.code, 0);
    assert!(done.stderr().contains("`-y`"), "{}", done.stderr());
    assert!(!card.exists());
    let done = run(&["generate", "-y", "greeter:card"]);
    assert_eq!(done.code, 0, "{}", done.stderr());
    assert_eq!(std::fs::read_to_string(card).expect("a card"), "hello\n");
    let done = run(&["generate", "-y"]);
    assert!(
        done.stderr().contains("no changes to apply"),
        "{}",
        done.stderr()
    );
    let done = run(&["check", "--generate"]);
    assert_eq!(done.code, 0, "{}", done.stderr());
}

/// Until Ctrl-C, which is a good end.
fn is_up(place: &Place, module: &std::path::Path) {
    let mut command = place.command(&["up"]);
    let running = Running::start(command.current_dir(module), "").expect("a run");
    assert!(
        running.says("ready http://localhost:8417", LIMIT),
        "nothing is up"
    );
    let deadline = Instant::now() + GRACE;
    let said = loop {
        let said = TcpStream::connect(("127.0.0.1", 8417))
            .and_then(|mut stream| std::io::read_to_string(&mut stream));
        match said {
            Ok(said) if !said.is_empty() => break said,
            _ => assert!(Instant::now() < deadline, "nothing answers"),
        }
        std::thread::sleep(Duration::from_millis(50));
    };
    assert_eq!(said, "hello\n");
    running.signal(Signal::INT).expect("a signal");
    let done = running.finish(LIMIT).expect("an end");
    assert_eq!(done.code, 0, "{}", done.stderr());
}
