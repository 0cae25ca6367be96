//! A layer of 1 GiB out of an archive, into an empty state directory.

use std::fs;
use std::process::Command;

use eyre::Result;

use crate::bench::series::{Bound, Row, in_turns};
use crate::bench::{Context, time};

pub fn measure(context: &Context) -> Result<Vec<Row>> {
    let at = |name: &str| context.scratch.join(name);
    let (image, tar) = (at("image.tar"), at("layer.tar"));
    let contents = at("contents");
    fs::create_dir_all(&contents)?;
    for n in 0..64 {
        let file = contents.join(format!("file-{n}"));
        let bytes = format!("if=/dev/urandom of={} bs=1M count=16", file.display());
        time(Command::new("dd").args(bytes.split(' ')))?;
    }
    let export = format!(
        "container | with-directory / $(host | directory {}) | export {} --forced-compression Uncompressed",
        contents.display(),
        image.display()
    );
    let state = at("state");
    let fresh = || {
        if state.exists() {
            fs::remove_dir_all(&state)?;
        }
        Ok::<_, eyre::Report>(())
    };
    time(context.script(&export).env("PONIARD_STATE", &state))?;
    time(
        Command::new("tar")
            .arg("-cf")
            .arg(&tar)
            .arg("-C")
            .arg(&contents)
            .arg("."),
    )?;
    fs::remove_dir_all(&contents)?;

    let import = format!(
        "container | import $(host | file {}) | rootfs | entries",
        image.display()
    );
    // Neither waits for what was written before.
    let mut ours = || {
        fresh()?;
        rustix::fs::sync();
        let took = time(context.script(&import).env("PONIARD_STATE", &state));
        fresh()?;
        took
    };
    let out = at("out");
    let mut by_hand = || {
        fs::create_dir_all(&out)?;
        rustix::fs::sync();
        let took = time(Command::new("tar").arg("-xf").arg(&tar).arg("-C").arg(&out));
        fs::remove_dir_all(&out)?;
        took
    };
    let [ours, reference] = in_turns(context.rounds, [&mut ours, &mut by_hand])?;
    Ok(vec![Row {
        name: "engine: import of a layer of 1 GiB, against tar x",
        ours,
        reference: Some(reference),
        bound: Bound::Times(1.3),
    }])
}
