//! From a fresh machine to a website that is built, deployed and previewed.

mod page;
pub mod services;
mod site;

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Instant;

use clap::Args;
use eyre::{OptionExt, Result, WrapErr, bail};

use crate::project::{Poniard, Project};
use crate::{setup, tools};
use services::Services;
use site::Site;

/// Build the example website with poniard, deploy it, and preview it for a merge request.
///
/// Installs what is missing (on Debian, as root), builds poniard, and runs the
/// scripts of `examples/website`; the modules are built on demand. Cloudflare and
/// GitLab are stand-ins on this machine, or the real ones when
/// `CLOUDFLARE_WORKERS_TOKEN`, `CICD_COMMENT_TOKEN` and `CI_MERGE_REQUEST_IID`
/// are set. A second run finds everything in its caches.
#[derive(Args)]
pub struct Demo {}

impl Demo {
    pub fn run(&self, project: &Project) -> Result<()> {
        setup::install(&project.sh, &[setup::PONIARD, setup::PYTHON])?;
        let started = Instant::now();
        let poniard = project.build_with(&["stand-ins"])?;
        let compiled = started.elapsed();
        tools::node(project)?;

        let services = Services::find(&project.target.join("debug/stand-ins"))?;
        let demo = Website {
            dir: project.root.join("examples/website"),
            poniard,
            services,
        };
        demo.build()?;
        demo.deploy("deploy.dsh")?;
        let first = demo.deploy("preview.dsh")?;
        // As a second push does: the note is updated, not doubled.
        let second = demo.deploy("preview.dsh")?;
        if first.last() != second.last() {
            bail!("the second preview has another note than the first: {second:?}");
        }
        let took = started.elapsed() - compiled;
        println!(
            "all in {:.1} s (and {:.1} s to build poniard)",
            took.as_secs_f64(),
            compiled.as_secs_f64()
        );
        Ok(())
    }
}

struct Website<'a> {
    dir: PathBuf,
    poniard: Poniard<'a>,
    services: Services,
}

impl Website<'_> {
    fn build(&self) -> Result<()> {
        // The pipeline ends in an export, which prints the path.
        let printed = self.script("pipeline.dsh")?;
        let dist = self.dir.join(printed.lines().last().unwrap_or_default());
        let Site {
            pages,
            files,
            bytes,
        } = Site::measure(&dist)?;
        println!(
            "{pages} pages ({files} files, {bytes} bytes) in {}",
            dist.display()
        );
        Ok(())
    }

    /// Runs a script that prints what it did, and opens every address in that.
    fn deploy(&self, script: &str) -> Result<Vec<String>> {
        let summary = self.script(script)?;
        let addresses = addresses(&summary);
        for url in &addresses {
            match self.services.local(url)? {
                Some(local) => println!("  {local}: {}", page::title(&local)?),
                None if url.contains("/merge_requests/") => {}
                None => self.smoke(url)?,
            }
        }
        Ok(addresses.into_iter().map(str::to_owned).collect())
    }

    /// Waits until an address of the real Cloudflare answers.
    fn smoke(&self, url: &str) -> Result<()> {
        let smoke = format!("cloudflare-deploy | smoke {url} | summary");
        let mut command = self.poniard.command();
        let status = command.args(["-c", &smoke]).current_dir(&self.dir).status();
        match status.wrap_err("cannot run poniard")?.success() {
            true => Ok(()),
            false => bail!("`{url}` does not answer"),
        }
    }

    /// Runs a script; gives what it printed, after showing it.
    fn script(&self, name: &str) -> Result<String> {
        eprintln!("$ cd examples/website && poniard shell {name}");
        let mut command = self.poniard.command();
        command
            .args(["shell", name])
            .current_dir(&self.dir)
            .stdout(Stdio::piped());
        self.services.announce(&mut command);
        let mut running = command.spawn().wrap_err("cannot run poniard")?;
        let stdout = running.stdout.take().ok_or_eyre("no output")?;
        let mut printed = String::new();
        for line in BufReader::new(stdout).lines() {
            let line = line?;
            println!("{line}");
            printed += &line;
            printed.push('\n');
        }
        let status = running.wait()?;
        if !status.success() {
            bail!("`{name}` failed ({status})");
        }
        Ok(printed)
    }
}

/// The addresses in a text of Markdown.
fn addresses(text: &str) -> Vec<&str> {
    let ends = |c: char| c.is_whitespace() || "()<>`|\"".contains(c);
    let words = text
        .split(ends)
        .map(|word| word.trim_end_matches([',', '.', ':', ';']));
    let mut found: Vec<&str> = words.filter(|word| word.starts_with("http")).collect();
    found.dedup();
    found
}
