//! A one-line pipeline whose result is in the cache.

use eyre::Result;

use super::series::{Bound, Row, in_turns};
use super::{Context, time};

pub fn measure(context: &Context) -> Result<Vec<Row>> {
    let script = "container | from debian:bookworm-slim | with-exec echo hello | stdout";
    let [ours] = in_turns(
        context.many_rounds(),
        [&mut || time(&mut context.script(script))],
    )?;
    Ok(vec![Row {
        name: "shell: cached one-line pipeline",
        ours,
        reference: None,
        bound: Bound::Seconds(0.1),
    }])
}
