//! A hundred thousand files: copied into a directory, and read from the host.

use std::fs;
use std::path::Path;
use std::process::Command;

use eyre::Result;

use crate::bench::series::{Bound, Row, in_turns};
use crate::bench::{Context, nonce, time};

const FILES: usize = 100_000;
const IN_EACH: usize = 100;

pub fn measure(context: &Context) -> Result<Vec<Row>> {
    let (tree, copy) = (context.scratch.join("tree"), context.scratch.join("copy"));
    make(&tree)?;
    let mark = context.scratch.join("mark");
    fs::write(&mark, "")?;

    let host = format!("host | directory {}", tree.display());
    let scan = format!("{host} | digest");
    let [ours, reference] = in_turns(
        context.rounds,
        [&mut || time(&mut context.script(&scan)), &mut || {
            time(Command::new("find").arg(&tree).arg("-newer").arg(&mark))
        }],
    )?;
    let scan = Row {
        name: "engine: 100,000 unchanged files of the host, against find -newer",
        ours,
        reference: Some(reference),
        bound: Bound::Times(1.5),
    };

    // What is copied is in the state already, as is any directory a step has made.
    let held = format!("held=$(container | with-directory /held $({host}) | directory /held)\n");
    let script = std::cell::RefCell::new(String::new());
    let copied = || time(&mut context.script(&script.borrow()));
    let [first, again, reference] = in_turns(
        context.rounds.min(3),
        [
            &mut || {
                let word = nonce();
                *script.borrow_mut() =
                    format!("{held}directory | with-directory /to-{word} $held | sync");
                copied()
            },
            &mut || copied(),
            &mut || {
                let took = time(Command::new("cp").arg("-a").arg(&tree).arg(&copy));
                fs::remove_dir_all(&copy)?;
                took
            },
        ],
    )?;
    Ok(vec![
        scan,
        Row {
            name: "engine: with-directory of 100,000 files, against cp -a",
            ours: first,
            reference: Some(reference.clone()),
            bound: Bound::Times(1.2),
        },
        Row {
            name: "engine: the same a second time",
            ours: again,
            reference: Some(reference),
            bound: Bound::Times(0.05),
        },
    ])
}

fn make(tree: &Path) -> Result<()> {
    for dir in 0..FILES / IN_EACH {
        let dir = tree.join(format!("dir-{dir}"));
        fs::create_dir_all(&dir)?;
        for file in 0..IN_EACH {
            fs::write(
                dir.join(format!("file-{file}")),
                format!("{file} of {}", dir.display()),
            )?;
        }
    }
    Ok(())
}
