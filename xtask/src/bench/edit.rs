//! From an edit of a module's source to the result of a call of it, in a copy
//! of the repository.

use std::fs::{self, OpenOptions};
use std::io::Write;

use eyre::Result;
use xshell::cmd;

use super::series::{Bound, Row, in_turns};
use super::{Context, nonce, time};

pub fn measure(context: &Context) -> Result<Vec<Row>> {
    let (sh, copy) = (&context.project.sh, context.scratch.join("checkout"));
    fs::create_dir_all(&copy)?;
    let files = cmd!(sh, "git ls-files -z --cached --others --exclude-standard")
        .quiet()
        .read()?;
    // The recordings are many, and no module reads them.
    let files: Vec<&str> = files
        .split_terminator('\0')
        .filter(|file| !file.starts_with("tests/conformance/cases/") && sh.path_exists(file))
        .collect();
    cmd!(sh, "cp --parents --no-dereference {files...} {copy}")
        .quiet()
        .run()?;
    cmd!(sh, "git init --quiet {copy}").quiet().run()?;

    let sink = copy.join("tests/conformance/sink");
    let mut edit_and_call = || {
        let word = nonce();
        let mut source = OpenOptions::new()
            .append(true)
            .open(sink.join("src/lib.rs"))?;
        writeln!(source, "// Edited: {word}.")?;
        let mut command = context.poniard.command();
        command
            .args(["call", "-m"])
            .arg(&sink)
            .args(["greet", "--name", &word]);
        time(&mut command)
    };
    let [ours] = in_turns(context.rounds.min(3), [&mut edit_and_call])?;
    Ok(vec![Row {
        name: "edit: from a module's source to a result",
        ours,
        reference: None,
        bound: Bound::Seconds(5.0),
    }])
}
