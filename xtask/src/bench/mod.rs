//! How fast poniard is, as ratios within one run.
//!
//! Each benchmark measures poniard and, where there is one, the same work by
//! hand, in turns (A B A B …), so that what else the machine does falls on both.
//! [`series`] holds the measurements and their table; each other file is one
//! benchmark; [`bundle`] runs a command by hand in the root file system of an
//! image. Nothing here is a test: figures depend on the machine.

mod backup;
mod build_released;
mod bundle;
mod call;
mod compile;
mod edit;
mod engine;
mod exec;
mod lambda;
mod memory;
mod php;
mod preview;
mod series;
mod shell;
mod website;
mod wire;

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use clap::{Args, ValueEnum};
use eyre::{Result, WrapErr, bail};
use xshell::cmd;

use crate::bench::series::Row;
use crate::project::{Poniard, Project};
use crate::setup;

/// Measure poniard against its bounds.
///
/// Prints minimum, median and maximum of each measurement, its ratio to the
/// same work by hand, and whether the bound is kept.
#[derive(Args)]
pub struct Bench {
    /// What to measure.
    #[arg(default_value = "all")]
    name: Name,
    /// How often; what takes milliseconds is measured ten times as often.
    #[arg(long, default_value_t = 7)]
    rounds: usize,
    /// Measure the debug build.
    #[arg(long)]
    debug: bool,
    /// Measure this program, which is there already.
    #[arg(long, value_name = "FILE", conflicts_with = "debug")]
    poniard: Option<PathBuf>,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Name {
    /// A cached one-line pipeline.
    Shell,
    /// The engine by itself: start, commands, files, layers, memory.
    Engine,
    /// A fresh command in a container, against runc.
    Exec,
    /// A call of a module's function.
    Call,
    /// A website, against the same build by hand.
    Website,
    /// The image of a PHP application, against the same commands by hand.
    Php,
    /// A preview of a website whose page was edited, against Wrangler by hand.
    Preview,
    /// A version of a Lambda function, against the same calls by hand.
    Lambda,
    /// From an edit of a module's source to the result of a call.
    Edit,
    /// Modules from nothing and after an edit, their size and start. Takes minutes.
    Compile,
    /// The first call of a module that a release has compiled.
    Released,
    /// Peak memory while exporting a large file.
    Memory,
    /// A backup of 1 GB into S3, against pg_dump, zstd and curl.
    Backup,
    All,
}

/// What every benchmark gets.
struct Context<'a> {
    project: &'a Project,
    poniard: Poniard<'a>,
    rounds: usize,
    /// For files that are made on the way; emptied before each benchmark.
    scratch: PathBuf,
}

impl Bench {
    pub fn run(&self, project: &Project) -> Result<()> {
        setup::install(&project.sh, &[setup::PONIARD])?;
        let poniard = match &self.poniard {
            Some(program) => project.at(program.clone()),
            None if self.debug => project.build()?,
            None => project.build_release()?,
        };
        let context = Context {
            project,
            poniard,
            rounds: self.rounds.max(1),
            scratch: project.target.join("poniard-bench"),
        };
        type Measure = fn(&Context) -> Result<Vec<Row>>;
        // Each with the names that it is measured for.
        let all: [(&[Name], Measure); 16] = [
            (&[Name::Shell], shell::measure),
            (&[Name::Engine], engine::start::measure),
            (&[Name::Engine, Name::Exec], exec::measure),
            (&[Name::Engine], engine::commands::measure),
            (&[Name::Engine], engine::files::measure),
            (&[Name::Engine], engine::layer::measure),
            (&[Name::Engine, Name::Memory], memory::measure),
            (&[Name::Call], call::measure),
            (&[Name::Website], website::measure),
            (&[Name::Php], php::measure),
            (&[Name::Preview], preview::measure),
            (&[Name::Lambda], lambda::measure),
            (&[Name::Edit], edit::measure),
            (&[Name::Compile], compile::measure),
            (&[Name::Released], build_released::measure),
            (&[Name::Backup], backup::measure),
        ];
        let mut rows = Vec::new();
        let asked = all
            .iter()
            .filter(|(names, _)| self.name == Name::All || names.contains(&self.name));
        let measured: Result<()> = asked.map(|(_, measure)| measure).try_for_each(|measure| {
            context.empty_scratch()?;
            rows.extend(measure(&context)?);
            Ok(())
        });
        context.empty_scratch()?;
        // What was measured before one failed is not lost.
        print!("{}", series::table(&rows));
        measured
    }
}

impl Context<'_> {
    /// Rounds for what takes milliseconds, where chance weighs more.
    fn many_rounds(&self) -> usize {
        10 * self.rounds
    }

    fn empty_scratch(&self) -> Result<()> {
        let scratch = &self.scratch;
        if scratch.exists() {
            fs::remove_dir_all(scratch)
                .wrap_err_with(|| format!("cannot empty `{}`", scratch.display()))?;
        }
        Ok(fs::create_dir_all(scratch)?)
    }

    /// A copy of an example in a folder of the scratch directory, as it is
    /// checked out: without what builds left there.
    fn example(&self, example: &str, folder: &str) -> Result<PathBuf> {
        let (sh, copy) = (&self.project.sh, self.scratch.join(folder));
        let path = format!("examples/{example}");
        let files = cmd!(sh, "git ls-files -z {path}").quiet().read()?;
        let files: Vec<&str> = files.split_terminator('\0').collect();
        fs::create_dir_all(&copy)?;
        cmd!(sh, "cp --parents --no-dereference {files...} {copy}")
            .quiet()
            .run()?;
        Ok(copy.join(path))
    }

    /// A copy of the repository in a folder of the scratch directory, for edits.
    fn checkout(&self, folder: &str) -> Result<PathBuf> {
        let (sh, copy) = (&self.project.sh, self.scratch.join(folder));
        fs::create_dir_all(&copy)?;
        let files = cmd!(sh, "git ls-files -z --cached --others --exclude-standard")
            .quiet()
            .read()?;
        // The recordings are many, and no module reads them.
        let files: Vec<&str> = files
            .split_terminator('\0')
            .filter(|file| !file.starts_with("tests/conformance/cases/") && sh.path_exists(file))
            .collect();
        cmd!(sh, "cp --parents --no-dereference {files...} {copy}")
            .quiet()
            .run()?;
        cmd!(sh, "git init --quiet {copy}").quiet().run()?;
        Ok(copy)
    }

    /// A run of a shell script of poniard's.
    fn script(&self, script: &str) -> Command {
        let mut command = self.poniard.command();
        command.args(["-M", "-c", script]);
        command
    }
}

/// Seconds that a command takes. Its output is shown only when it fails.
fn time(command: &mut Command) -> Result<f64> {
    let started = Instant::now();
    let done = command.stdin(Stdio::null()).output();
    let seconds = started.elapsed().as_secs_f64();
    let done = done.wrap_err_with(|| format!("cannot run {command:?}"))?;
    if !done.status.success() {
        let (stdout, stderr) = (
            String::from_utf8_lossy(&done.stdout),
            String::from_utf8_lossy(&done.stderr),
        );
        bail!("{command:?} failed ({}):\n{stdout}{stderr}", done.status);
    }
    Ok(seconds)
}

/// A word that no earlier run has used, so that nothing is in a cache.
fn nonce() -> String {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    format!("n{:x}", now.as_nanos())
}
