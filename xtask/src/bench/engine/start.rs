//! From the start of the program to a value.

use eyre::Result;

use crate::bench::series::{Bound, Row, in_turns};
use crate::bench::{Context, time};

pub fn measure(context: &Context) -> Result<Vec<Row>> {
    let cached = "container | from debian:bookworm-slim | with-exec echo hello | stdout";
    let [first, cached] = in_turns(
        context.many_rounds(),
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
