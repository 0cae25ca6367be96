//! `cargo xtask release`: the modules as static programs in an image, and the tags
//! under which they are installed.
//!
//! [`checks`] refuses what must not be released. [`compile`] makes the programs,
//! [`image`] an OCI layout of them, [`sbom`] and [`checksums`] say what is inside, [`sign`] by whom;
//! all of it lies in `target/dist`, and the same commit gives the same bytes.
//! [`publish`] puts it where others find it: first the image, to which nothing
//! leads yet, then all branches and tags at once. [`pin`] and [`changelog`] are
//! what the commits of a release change.

mod changelog;
mod checks;
mod checksums;
mod compile;
mod image;
pub mod pin;
mod publish;
mod sbom;
mod sign;
#[cfg(test)]
mod tests;

use std::fs;
use std::path::{Path, PathBuf};

use clap::Args;
use eyre::{Result, WrapErr};
use xshell::Shell;

use crate::project::Project;
pub use checksums::hex;

/// Make a release of the modules, and publish it with `--push`.
///
/// Compiles every module for amd64 and arm64, and lays an image with the programs,
/// checksums and an SBOM of each module into `target/dist`. Needs a clean checkout
/// whose version is not tagged yet. See docs/releasing.md.
#[derive(Args)]
pub struct Release {
    /// Version, as a check: it must be that of Cargo.toml.
    #[arg(long)]
    version: Option<String>,
    /// Say what would be done, and do nothing.
    #[arg(long)]
    dry_run: bool,
    /// Publish: the image to this repository of a registry, the tags to git.
    #[arg(long, value_name = "REGISTRY/REPOSITORY")]
    push: Option<String>,
    /// Git remote that gets the commits and tags.
    #[arg(long, default_value = "origin")]
    remote: String,
    /// Branch of the remote that gets the changelog.
    #[arg(long, default_value = "main")]
    branch: String,
    /// Private key (P-256, in PEM) to sign the image with, as cosign does it; its
    /// password, if it has one, is in RELEASE_KEY_PASSWORD.
    #[arg(long, value_name = "FILE", requires = "push")]
    sign_key: Option<PathBuf>,
}

/// What is released.
struct Plan {
    version: String,
    modules: Vec<Module>,
}

/// A module of the family.
struct Module {
    name: String,
    /// Relative to the repository.
    dir: String,
    /// Of its sources; see the crate module-source.
    key: String,
}

/// A kind of machine that programs are made for.
struct Platform {
    architecture: &'static str,
    target: &'static str,
    /// As Debian names the compiler of C for it.
    gnu: &'static str,
}

const PLATFORMS: [Platform; 2] = [
    Platform {
        architecture: "amd64",
        target: "x86_64-unknown-linux-gnu",
        gnu: "x86_64-linux-gnu",
    },
    Platform {
        architecture: "arm64",
        target: "aarch64-unknown-linux-gnu",
        gnu: "aarch64-linux-gnu",
    },
];

impl Platform {
    /// As Rust names it.
    fn machine(&self) -> &'static str {
        self.target.split('-').next().unwrap_or(self.target)
    }
}

/// As images call a machine that Rust calls `machine`.
pub fn architecture(machine: &str) -> &str {
    let known = PLATFORMS.iter().find(|known| known.machine() == machine);
    known.map_or(machine, |known| known.architecture)
}

impl Release {
    pub fn run(&self, project: &Project) -> Result<()> {
        let (sh, root) = (&project.sh, project.root.as_path());
        let plan = Plan::read(sh, root)?;
        let remote = self.push.is_some().then_some(self.remote.as_str());
        checks::all(sh, &plan, self.version.as_deref(), remote)?;
        if self.dry_run {
            print!(
                "{}",
                plan.text(self.push.as_deref(), &self.remote, &self.branch)
            );
            return Ok(());
        }
        let dist = project.target.join("dist");
        let digest = make(project, &plan, &dist)?;
        println!("{}: image {digest}", dist.display());
        let Some(repository) = &self.push else {
            return Ok(());
        };
        publish::Publication {
            sh,
            plan: &plan,
            repository,
            digest: &digest,
            layout: &dist.join("image"),
            remote: &self.remote,
            branch: &self.branch,
            sign_key: self.sign_key.as_deref(),
        }
        .run()
    }
}

/// The names of the modules that a release has.
pub fn modules(project: &Project) -> Result<Vec<String>> {
    let plan = Plan::read(&project.sh, &project.root)?;
    Ok(plan.modules.into_iter().map(|module| module.name).collect())
}

/// Lays an image with one program for all platforms, of the module in a checkout,
/// into `layout`; gives its digest.
pub fn image_of(checkout: &Path, name: &str, program: &Path, layout: &Path) -> Result<String> {
    let sh = Shell::new()?;
    sh.change_dir(checkout);
    let mut plan = Plan::read(&sh, checkout)?;
    plan.modules.retain(|module| module.name == name);
    let programs = layout.join("programs");
    for platform in &PLATFORMS {
        let dir = programs.join(platform.architecture);
        fs::create_dir_all(&dir)?;
        fs::copy(program, dir.join(name))?;
    }
    image::write(&plan, &programs, layout)
}

/// Fills `dist`; gives the digest of the image.
fn make(project: &Project, plan: &Plan, dist: &Path) -> Result<String> {
    if dist.exists() {
        fs::remove_dir_all(dist).wrap_err_with(|| format!("cannot empty `{}`", dist.display()))?;
    }
    let programs = dist.join("programs");
    compile::all(project, plan, &programs)?;
    let digest = image::write(plan, &programs, &dist.join("image"))?;
    fs::write(dist.join("image.digest"), format!("{digest}\n"))?;
    sbom::write_all(&project.sh, plan, &dist.join("sbom"))?;
    checksums::write(dist)?;
    Ok(digest)
}

impl Plan {
    /// The version and modules of a checkout.
    fn read(sh: &Shell, root: &Path) -> Result<Self> {
        Ok(Self {
            version: checks::version(root)?,
            modules: checks::modules(sh, root)?,
        })
    }

    /// The names under which git has the release: a module's own is what engines
    /// look for first when they are asked for `<module>@<version>`.
    fn tags(&self) -> Vec<String> {
        let own = |module: &Module| format!("{}/v{}", module.dir, self.version);
        let mut tags = vec![format!("v{}", self.version)];
        tags.extend(self.modules.iter().map(own));
        tags
    }

    fn text(&self, repository: Option<&str>, remote: &str, branch: &str) -> String {
        let mut lines = vec![format!("release v{}", self.version), String::new()];
        for Module { name, key, .. } in &self.modules {
            lines.push(format!("/{}", module_source::program_path(name, key)));
        }
        lines.push(String::new());
        match repository {
            Some(repository) => {
                lines.push(format!("image {repository}:v{}", self.version));
                lines.push(format!("to {remote}: branch {branch}"));
                let tags = self.tags();
                lines.extend(tags.iter().map(|tag| format!("to {remote}: tag {tag}")));
            }
            None => lines.push("nothing is published without --push".to_owned()),
        }
        lines.join("\n") + "\n"
    }
}
