//! A command that has not run before, against `runc run` of the same command in
//! the same root file system.

use std::thread;
use std::time::Duration;

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
    // The kernel takes namespaces away some time after their end. Neither is to pay for
    // what the other has left.
    let calm = || thread::sleep(Duration::from_millis(250));
    let mut ours = || {
        calm();
        time(&mut context.script(&fresh()))
    };
    let mut by_hand = || {
        calm();
        bundle.time()
    };
    let [ours, reference] = in_turns(context.many_rounds(), [&mut ours, &mut by_hand])?;
    Ok(vec![Row {
        name: "exec: fresh `with-exec true`, against runc run",
        ours,
        reference: Some(reference),
        bound: Bound::Times(2.0),
    }])
}
