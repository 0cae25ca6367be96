//! From a fresh machine to a built website.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Instant;

use clap::Args;
use eyre::{OptionExt, Result, WrapErr, bail};

use crate::project::Project;
use crate::setup;

/// Build the example website with poniard, from nothing.
///
/// Installs what is missing (on Debian, as root), builds poniard, and runs
/// `examples/website/pipeline.dsh`; the modules are built on demand. A second
/// run finds everything in its caches.
#[derive(Args)]
pub struct Demo {}

impl Demo {
    pub fn run(&self, project: &Project) -> Result<()> {
        setup::install(&project.sh, &[setup::PONIARD])?;
        let started = Instant::now();
        let poniard = project.build()?;
        let built = started.elapsed();

        let site = project.root.join("examples/website");
        eprintln!("$ cd examples/website && poniard shell pipeline.dsh");
        let started = Instant::now();
        let mut running = poniard
            .command()
            .args(["shell", "pipeline.dsh"])
            .current_dir(&site)
            .stdout(Stdio::piped())
            .spawn()
            .wrap_err("cannot run poniard")?;
        // The pipeline ends in an export, which prints the path.
        let stdout = running.stdout.take().ok_or_eyre("no output")?;
        let mut last = String::new();
        for line in BufReader::new(stdout).lines() {
            last = line?;
            println!("{last}");
        }
        let status = running.wait()?;
        if !status.success() {
            bail!("the pipeline failed ({status})");
        }
        let dist = site.join(last.trim());
        let Site {
            pages,
            files,
            bytes,
        } = measure(&dist)?;
        println!(
            "{pages} pages ({files} files, {bytes} bytes) in {:.1} s (and {:.1} s to build poniard): {}",
            started.elapsed().as_secs_f64(),
            built.as_secs_f64(),
            dist.display()
        );
        Ok(())
    }
}

#[derive(Default)]
struct Site {
    pages: usize,
    files: usize,
    bytes: u64,
}

fn measure(dist: &Path) -> Result<Site> {
    let mut site = Site::default();
    let mut dirs: Vec<PathBuf> = vec![dist.to_path_buf()];
    while let Some(dir) = dirs.pop() {
        let entries =
            fs::read_dir(&dir).wrap_err_with(|| format!("cannot read `{}`", dir.display()))?;
        for entry in entries {
            let entry = entry?;
            if entry.file_type()?.is_dir() {
                dirs.push(entry.path());
                continue;
            }
            site.files += 1;
            site.bytes += entry.metadata()?.len();
            site.pages += usize::from(
                entry
                    .path()
                    .extension()
                    .is_some_and(|extension| extension == "html"),
            );
        }
    }
    if site.pages == 0 {
        bail!("`{}` holds no page", dist.display());
    }
    Ok(site)
}
