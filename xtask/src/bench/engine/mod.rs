//! The engine by itself, against what the kernel and runc need for the same work.

mod commands;
mod files;
mod layer;

use eyre::Result;

use super::series::{Bound, Row, in_turns};
use super::{Context, memory, time};

pub fn measure(context: &Context) -> Result<Vec<Row>> {
    let mut rows = start(context)?;
    rows.extend(commands::measure(context)?);
    rows.extend(files::measure(context)?);
    rows.extend(layer::measure(context)?);
    rows.extend(memory::measure(context)?);
    Ok(rows)
}

fn start(context: &Context) -> Result<Vec<Row>> {
    let cached = "container | from debian:bookworm-slim | with-exec echo hello | stdout";
    let [first, cached] = in_turns(
        context.rounds,
        [
            &mut || time(&mut context.script("container | platform")),
            &mut || time(&mut context.script(cached)),
        ],
    )?;
    let row = |name, ours, limit| Row {
        name,
        ours,
        reference: None,
        bound: Bound::Seconds(limit),
    };
    Ok(vec![
        row("engine: start to first value", first, 0.05),
        row("engine: cached pipeline", cached, 0.06),
    ])
}
