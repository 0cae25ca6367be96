//! How long modules take to compile with what engines compile them with, and what
//! comes of it: the size of a program, and the time from its start to its first
//! request.

use std::fs::{self, OpenOptions};
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use eyre::{OptionExt, Result, ensure};

use super::series::{Bound, Row, Series, in_turns};
use super::{Context, nonce, time};
use crate::release;

/// From nothing, which takes minutes: all modules, one by one as engines compile
/// them, against dagger-sdk alone. Then one module after an edit, and all programs.
///
/// Seconds of the processor tell more than those of the clock: they do not depend
/// on how many cores there are, and little on what else runs.
pub fn measure(context: &Context) -> Result<Vec<Row>> {
    let copy = context.checkout("checkout")?;
    let modules = release::modules(context.project)?;
    let names: Vec<&str> = modules.iter().map(String::as_str).collect();
    let target = context.scratch.join("family");
    // In the directory of the module, whose settings for cargo count.
    let module = |name: &str| {
        let mut command = cargo(&copy.join("modules").join(name), &target);
        command.args(["--bin", name]);
        command
    };

    let alone_target = context.scratch.join("alone");
    let mut command = cargo(&copy, &alone_target);
    let (alone, alone_cpu) = time_cpu(command.args(["--package", "dagger-sdk"]))?;
    fs::remove_dir_all(&alone_target)?;
    let (mut family, mut family_cpu) = (0.0, 0.0);
    for name in &names {
        let (seconds, cpu) = time_cpu(&mut module(name))?;
        family += seconds;
        family_cpu += cpu;
    }
    let builds = builds_of(&target, "dagger_sdk")?;
    ensure!(
        builds == 1,
        "dagger-sdk was compiled {builds} times: modules ask for other features of what it \
         depends on; name them in `sdk/poniard-sdk/Cargo.toml`"
    );

    // The worst of them decides, here and below, not the one in the middle.
    let mut slowest_edit = Series::new(vec![0.0]);
    for name in &names {
        let edited = copy.join("modules").join(name).join("src/lib.rs");
        let mut edit = || {
            let mut source = OpenOptions::new().append(true).open(&edited)?;
            writeln!(source, "// Edited: {}.", nonce())?;
            time(&mut module(name))
        };
        let [edit] = in_turns(context.rounds, [&mut edit])?;
        eprintln!("{name}: {:.1} s after an edit", edit.median());
        slowest_edit = slowest_edit.worse(edit);
    }

    let against = |name, ours: f64, reference: f64| Row {
        name,
        ours: Series::new(vec![ours]),
        reference: Some(Series::new(vec![reference])),
        bound: Bound::Times(1.15),
    };
    let mut rows = vec![
        against("compile: the family, against dagger-sdk", family, alone),
        against("compile: the same, processor", family_cpu, alone_cpu),
        Row {
            name: "compile: a module that was edited, the slowest",
            ours: slowest_edit,
            reference: None,
            bound: Bound::Seconds(3.0),
        },
    ];

    let (mut largest, mut slowest) = (0.0_f64, Series::new(vec![0.0]));
    for name in &names {
        let program = program(&target, name)?;
        let size = fs::metadata(&program)?.len() as f64 / 1e6;
        let starts: Vec<f64> = (0..context.rounds)
            .map(|_| first_request(&program))
            .collect::<Result<_>>()?;
        let starts = Series::new(starts);
        eprintln!("{name}: {size:.1} MB, {:.4} s to start", starts.median());
        largest = largest.max(size);
        slowest = slowest.worse(starts);
    }
    rows.push(Row {
        name: "program: size of the largest",
        ours: Series::new(vec![largest]),
        reference: None,
        bound: Bound::Megabytes(6.0),
    });
    rows.push(Row {
        name: "program: from start to first request, of the slowest",
        ours: slowest,
        reference: None,
        bound: Bound::Seconds(0.010),
    });
    Ok(rows)
}

/// What engines run in the directory of a module.
fn cargo(directory: &Path, target: &Path) -> Command {
    let mut command = Command::new("cargo");
    command.args(["build", "--locked", "--target", "host-tuple"]);
    command.args(["--profile", "dagger"]);
    command
        .current_dir(directory)
        .env("CARGO_TARGET_DIR", target);
    command.env("RUSTFLAGS", "-C target-feature=+crt-static");
    command
}

/// Seconds that a command takes, and those of the processor.
fn time_cpu(command: &mut Command) -> Result<(f64, f64)> {
    let before = children_cpu()?;
    let seconds = time(command)?;
    Ok((seconds, children_cpu()? - before))
}

/// Seconds of the processor that all ended children took, with theirs.
fn children_cpu() -> Result<f64> {
    // The kernel counts in hundredths here, whatever its own clock.
    const TICKS_PER_SECOND: f64 = 100.0;
    let stat = fs::read_to_string("/proc/self/stat")?;
    // Behind the name, which may contain spaces: cutime and cstime are 16 and 17.
    let (_, fields) = stat
        .rsplit_once(')')
        .ok_or_eyre("no name in /proc/self/stat")?;
    let ticks: Vec<u64> = fields
        .split_whitespace()
        .skip(13)
        .take(2)
        .map(str::parse)
        .collect::<Result<_, _>>()?;
    Ok(ticks.iter().sum::<u64>() as f64 / TICKS_PER_SECOND)
}

/// How often a library lies below the one target: once for each set of features.
fn builds_of(target: &Path, library: &str) -> Result<usize> {
    let mut builds = 0;
    for entry in fs::read_dir(target)? {
        let libraries = entry?.path().join("dagger/deps");
        // Without a target, for the host: macros, and the folder of the profile itself.
        if !libraries.is_dir() {
            continue;
        }
        for file in fs::read_dir(libraries)? {
            let name = file?.file_name();
            let name = name.to_string_lossy();
            if name.starts_with(&format!("lib{library}-")) && name.ends_with(".rlib") {
                builds += 1;
            }
        }
    }
    Ok(builds)
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
