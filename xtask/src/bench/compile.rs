//! How long modules take to compile with what engines compile them with, and what
//! comes of it: the size of a program, and the time from its start to its first
//! request.

use std::fs::{self, OpenOptions};
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use eyre::{OptionExt, Result};

use super::series::{Bound, Row, Series, in_turns};
use super::{Context, nonce, time};
use crate::release;

/// From nothing, which takes minutes: all modules against dagger-sdk alone. Then
/// one module after an edit, and all programs.
pub fn measure(context: &Context) -> Result<Vec<Row>> {
    let copy = context.checkout("checkout")?;
    let modules = release::modules(context.project)?;
    let target = context.scratch.join("family");
    let build = |target: &Path, packages: &[&str]| {
        let mut command = Command::new("cargo");
        command.args([
            "build",
            "--locked",
            "--target",
            "host-tuple",
            "--profile",
            "dagger",
        ]);
        for package in packages {
            command.args(["--package", package]);
        }
        command.current_dir(&copy).env("CARGO_TARGET_DIR", target);
        command.env("RUSTFLAGS", "-C target-feature=+crt-static");
        command
    };
    let names: Vec<&str> = modules.iter().map(String::as_str).collect();
    let alone = time(&mut build(&context.scratch.join("alone"), &["dagger-sdk"]))?;
    let family = time(&mut build(&target, &names))?;
    fs::remove_dir_all(context.scratch.join("alone"))?;

    let edited = copy.join("modules/config/src/lib.rs");
    let mut edit = || {
        let mut source = OpenOptions::new().append(true).open(&edited)?;
        writeln!(source, "// Edited: {}.", nonce())?;
        time(&mut build(&target, &["config"]))
    };
    let [edit] = in_turns(context.rounds, [&mut edit])?;

    let mut rows = vec![
        Row {
            name: "compile: the family from nothing, against dagger-sdk",
            ours: Series::new(vec![family]),
            reference: Some(Series::new(vec![alone])),
            bound: Bound::Times(1.15),
        },
        Row {
            name: "compile: a module that was edited",
            ours: edit,
            reference: None,
            bound: Bound::Seconds(3.0),
        },
    ];
    let programs: Vec<PathBuf> = names
        .iter()
        .map(|name| program(&target, name))
        .collect::<Result<_>>()?;
    let mut sizes = Vec::new();
    for program in &programs {
        sizes.push(fs::metadata(program)?.len() as f64 / 1e6);
    }
    rows.push(Row {
        name: "program: size, of all modules",
        ours: Series::new(sizes),
        reference: None,
        bound: Bound::Megabytes(6.0),
    });
    let mut starts = Vec::new();
    for program in programs
        .iter()
        .cycle()
        .take(programs.len() * context.rounds)
    {
        starts.push(first_request(program)?);
    }
    rows.push(Row {
        name: "program: from start to first request, of all modules",
        ours: Series::new(starts),
        reference: None,
        bound: Bound::Seconds(0.010),
    });
    Ok(rows)
}

/// Where cargo put the program of a module, below the one target it has.
fn program(target: &Path, name: &str) -> Result<PathBuf> {
    let found = fs::read_dir(target)?
        .filter_map(|entry| Some(entry.ok()?.path().join("dagger").join(name)))
        .find(|path| path.is_file());
    found.ok_or_eyre("cargo built no program")
}

/// Starts a program as an engine does, and waits for what it asks first.
fn first_request(program: &Path) -> Result<f64> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let port = listener.local_addr()?.port();
    let started = Instant::now();
    let mut child = Command::new(program)
        .env("DAGGER_SESSION_PORT", port.to_string())
        .env("DAGGER_SESSION_TOKEN", "token")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()?;
    let (stream, _) = listener.accept()?;
    let mut line = String::new();
    BufReader::new(stream).read_line(&mut line)?;
    let seconds = started.elapsed().as_secs_f64();
    child.kill()?;
    child.wait()?;
    Ok(seconds)
}
