//! Scripts run against the fake engine, with the results recorded of the real
//! CLI where a case has the same script.

mod core;
mod failure;
mod grammar;
mod module;

use std::sync::{Arc, Mutex};

use crate::client::Failure;
use crate::client::testing::Fake;

use super::{Place, Printer, Shell};

/// Result, stdout, stderr and queries of a script.
struct Ran {
    result: Result<(), Failure>,
    stdout: String,
    told: String,
    asked: Vec<String>,
}

fn run_at(script: &str, place: Place) -> Ran {
    let engine = Fake::new();
    let collect = || {
        let text = Arc::new(Mutex::new(String::new()));
        let sink = text.clone();
        let printer: Printer = Arc::new(move |t| {
            sink.lock().expect("no poison").push_str(t);
            Ok(())
        });
        (text, printer)
    };
    let ((stdout, printer), (told, teller)) = (collect(), collect());
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .build()
        .expect("a runtime");
    let mut shell = Shell::new(engine.clone(), place, true, printer, teller);
    let result = runtime.block_on(shell.script(script));
    let take = |text: Arc<Mutex<String>>| text.lock().expect("no poison").clone();
    let asked = engine.asked.lock().expect("no poison").clone();
    Ran {
        result,
        stdout: take(stdout),
        told: take(told),
        asked,
    }
}

fn run(script: &str) -> Ran {
    run_at(script, Place::plain(std::path::Path::new("/nonexistent")))
}

/// A directory with a module.
fn sink() -> (tempfile::TempDir, Place) {
    let dir = tempfile::tempdir().expect("a directory");
    std::fs::write(dir.path().join("dagger.json"), "{}").expect("written");
    let module = crate::client::testing::sink(dir.path());
    let place = Place::of(module, dir.path());
    (dir, place)
}

fn check(cases: &[(&str, &str)], place: impl Fn() -> (Option<tempfile::TempDir>, Place)) {
    for (script, want) in cases {
        let (_dir, place) = place();
        let ran = run_at(script, place);
        assert!(ran.result.is_ok(), "{script}\nfailed: {:?}", ran.result);
        assert_eq!(ran.stdout, *want, "{script}");
    }
}
