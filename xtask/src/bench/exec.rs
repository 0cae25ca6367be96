//! A command that has not run before, against `runc run` of the same command in
//! the same root file system.

use eyre::Result;

use super::bundle::Bundle;
use super::series::{Bound, Row, in_turns};
use super::{Context, nonce, time};

pub const IMAGE: &str = "container | from debian:bookworm-slim";

pub fn measure(context: &Context) -> Result<Vec<Row>> {
    let bundle = Bundle::of(context, IMAGE)?.command(&["true"], "/");
    let fresh = || {
        format!(
            "{IMAGE} | with-env-variable FRESH {} | with-exec true | sync",
            nonce()
        )
    };
    let [ours, reference] = in_turns(
        context.rounds,
        [&mut || time(&mut context.script(&fresh())), &mut || {
            bundle.time()
        }],
    )?;
    Ok(vec![Row {
        name: "exec: fresh `with-exec true`, against runc run",
        ours,
        reference: Some(reference),
        bound: Bound::Times(2.0),
    }])
}
