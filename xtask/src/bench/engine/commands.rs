//! Many commands in containers at once.

use std::io::Write as _;
use std::process::{Command, Stdio};
use std::thread::available_parallelism;

use eyre::{OptionExt, Result, bail};

use crate::bench::bundle::Bundle;
use crate::bench::exec::IMAGE;
use crate::bench::series::{Bound, Row, in_turns};
use crate::bench::{Context, nonce, time};

const MANY: usize = 200;
/// Something for a core to do.
const WORK: [&str; 3] = [
    "sh",
    "-c",
    "i=0; while [ $i -lt 20000 ]; do i=$((i + 1)); done",
];

pub fn measure(context: &Context) -> Result<Vec<Row>> {
    let work = Bundle::of(context, IMAGE)?.command(&WORK, "/");
    let [ours, reference] = in_turns(
        context.rounds.min(3),
        [&mut || many(context), &mut || many_by_hand(&work)],
    )?;
    Ok(vec![Row {
        name: "engine: 200 independent execs, against as many of runc",
        ours,
        reference: Some(reference),
        bound: Bound::Times(1.1),
    }])
}

/// One query with a field for each.
fn many(context: &Context) -> Result<f64> {
    let args = serde_json::to_string(&WORK)?;
    let word = nonce();
    let field = |n| {
        format!(
            "a{n}: container {{ from(address: \"debian:bookworm-slim\") \
             {{ withEnvVariable(name: \"N\", value: \"{word}-{n}\") {{ withExec(args: {args}) {{ sync }} }} }} }}"
        )
    };
    let fields: Vec<String> = (0..MANY).map(field).collect();
    let file = context.scratch.join("many.graphql");
    std::fs::write(&file, format!("{{ {} }}", fields.join("\n")))?;
    let mut command = context.poniard.command();
    command.args(["-M", "query", "--doc"]).arg(file);
    time(&mut command)
}

/// As many at a time as there are cores.
fn many_by_hand(work: &Bundle) -> Result<f64> {
    let cores = available_parallelism()?.to_string();
    let started = std::time::Instant::now();
    let mut xargs = Command::new("xargs")
        .args(["-P", &cores, "-I", "{}", "runc", "run", "--bundle"])
        .arg(work.written()?)
        .arg("{}")
        .stdin(Stdio::piped())
        .spawn()?;
    let mut input = xargs.stdin.take().ok_or_eyre("xargs has no input")?;
    for n in 0..MANY {
        writeln!(input, "{}-{n}", nonce())?;
    }
    drop(input);
    let status = xargs.wait()?;
    if !status.success() {
        bail!("`xargs runc run` failed ({status})");
    }
    Ok(started.elapsed().as_secs_f64())
}
