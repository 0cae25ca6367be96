//! A typed call of a module's function, with an argument that is new each time,
//! so that the module really runs.

use eyre::Result;

use super::series::{Bound, Row, in_turns};
use super::{Context, nonce, time};

pub fn measure(context: &Context) -> Result<Vec<Row>> {
    let sink = context.project.root.join("tests/conformance/sink");
    let mut call = || {
        let mut command = context.poniard.command();
        command
            .args(["call", "-m"])
            .arg(&sink)
            .args(["greet", "--name", &nonce()]);
        time(&mut command)
    };
    let [ours] = in_turns(context.rounds, [&mut call])?;
    Ok(vec![Row {
        name: "call: function of a module, warm",
        ours,
        reference: None,
        bound: Bound::Seconds(0.15),
    }])
}
