//! A command that has not run before, against `runc run` of the same command in
//! the same root file system.

use eyre::Result;

use super::bundle::Bundle;
use super::series::{Bound, Row, in_turns};
use super::{Context, nonce, time};

pub const IMAGE: &str = "container | from debian:bookworm-slim";

pub fn measure(context: &Context) -> Result<Vec<Row>> {
    let image = Bundle::of(context, IMAGE)?;
    let name = "exec: fresh `with-exec true`";
    Ok(vec![fresh(context, image, name, Bound::Times(3.0))?])
}

/// The row of a fresh command in `image`, a bundle of [`IMAGE`].
pub fn fresh(context: &Context, image: Bundle, name: &'static str, bound: Bound) -> Result<Row> {
    let bundle = image.command(&["true"], "/");
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
    Ok(Row {
        name,
        ours,
        reference: Some(reference),
        bound,
    })
}
