//! `cargo xtask dist`: poniard as others download it.

use std::fs;

use clap::Args;
use eyre::{Result, WrapErr, ensure};
use xshell::cmd;

use crate::project::Project;
use crate::release::{architecture, hex};
use crate::setup;

/// What is downloaded in every job stays small.
const MAX_BYTES: u64 = 25_000_000;

/// Make `poniard` one static file, for any Linux on this kind of machine.
///
/// Lays `target/dist-poniard/poniard-linux-<architecture>` and its checksum, linked
/// against musl: it needs no library of the machine it runs on.
#[derive(Args)]
pub struct Dist {}

impl Dist {
    pub fn run(&self, project: &Project) -> Result<()> {
        let sh = &project.sh;
        let machine = std::env::consts::ARCH;
        let target = format!("{machine}-unknown-linux-musl");
        setup::install(sh, &[setup::MUSL])?;
        setup::standard_library(sh, &target)?;
        cmd!(
            sh,
            "cargo build --locked --release --target {target} --package poniard"
        )
        .run()?;
        let built = project.target.join(&target).join("release/poniard");
        let headers = cmd!(sh, "readelf --wide --program-headers {built}")
            .quiet()
            .read()?;
        ensure!(
            !headers.contains("INTERP"),
            "`{}` is not static: it asks for a loader",
            built.display()
        );
        let bytes = fs::metadata(&built)?.len();
        ensure!(
            bytes <= MAX_BYTES,
            "`{}` has {bytes} bytes, which is more than {MAX_BYTES}",
            built.display()
        );
        cmd!(sh, "{built} version").run()?;
        let dir = project.target.join("dist-poniard");
        fs::create_dir_all(&dir)?;
        let name = format!("poniard-linux-{}", architecture(machine));
        let program = dir.join(&name);
        fs::copy(&built, &program)
            .wrap_err_with(|| format!("cannot write `{}`", program.display()))?;
        let sum = hex(&fs::read(&program)?);
        fs::write(
            dir.join(format!("{name}.sha256")),
            format!("{sum}  {name}\n"),
        )?;
        println!("{}: {:.1} MB", program.display(), bytes as f64 / 1e6);
        Ok(())
    }
}
