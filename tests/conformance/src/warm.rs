//! Fills the caches that all cases share, one after another, so that no case
//! spends its time on making the image or building the module.

use std::path::Path;
use std::time::Duration;

use test_support::{Cli, Running};

/// For one preparation: an image made from packages, a module built from source.
const LIMIT: Duration = Duration::from_secs(15 * 60);

/// Prepares the image and the sink module; says what did not work. The cases
/// run all the same, and those that need it fail by themselves.
pub fn warm(cli: &Cli, sink: &Path) -> Vec<String> {
    let image = ["-M", "-c", "container | from debian:bookworm-slim | sync"].map(str::to_owned);
    // Not `functions`: types load without building anything.
    let module = [
        "call",
        "-m",
        &sink.to_string_lossy(),
        "ask-dep",
        "--name",
        "warm",
    ]
    .map(str::to_owned);
    [image.to_vec(), module.to_vec()]
        .iter()
        .filter_map(|argv| prepare(cli, argv))
        .collect()
}

fn prepare(cli: &Cli, argv: &[String]) -> Option<String> {
    let shown = argv.join(" ");
    match Running::to_end(cli.command().args(argv), "", LIMIT) {
        Ok(done) if done.code == 0 => None,
        Ok(done) => {
            let stderr = done.stderr();
            let end: Vec<&str> = stderr.lines().rev().take(12).collect();
            let end: Vec<&str> = end.into_iter().rev().collect();
            Some(format!(
                "`{shown}` ended with code {}:\n{}",
                done.code,
                end.join("\n")
            ))
        }
        Err(e) => Some(format!("cannot run `{}`: {e}", cli.program().display())),
    }
}
