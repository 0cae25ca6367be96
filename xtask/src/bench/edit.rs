//! From an edit of a module's source to the result of a call of it, in a copy
//! of the repository.

use std::fs::OpenOptions;
use std::io::Write;

use eyre::Result;

use super::series::{Bound, Row, in_turns};
use super::{Context, nonce, time};

pub fn measure(context: &Context) -> Result<Vec<Row>> {
    let copy = context.checkout("checkout")?;

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
