//! Where things lie, and how poniard is built and run.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use eyre::{OptionExt, Result};
use xshell::{Shell, cmd};

/// This repository.
pub struct Project {
    pub sh: Shell,
    pub root: PathBuf,
    /// Cargo's target directory; all tasks and tests share it.
    pub target: PathBuf,
    /// poniard's images and caches; all tasks and tests share them.
    pub state: PathBuf,
}

impl Project {
    pub fn here() -> Result<Self> {
        let home = Path::new(env!("CARGO_MANIFEST_DIR"));
        let root = home.parent().ok_or_eyre("cannot find the repository")?;
        let exe = env::current_exe()?;
        let target = exe
            .ancestors()
            .find(|dir| dir.join("CACHEDIR.TAG").exists());
        let target = target.map_or_else(|| root.join("target"), Path::to_path_buf);
        let state = env::var_os("PONIARD_STATE");
        let state = state.map_or_else(|| target.join("poniard-state"), PathBuf::from);
        let sh = Shell::new()?;
        sh.change_dir(root);
        Ok(Self {
            sh,
            root: root.to_path_buf(),
            target,
            state,
        })
    }

    /// Builds poniard as `cargo build` does.
    pub fn build(&self) -> Result<Poniard<'_>> {
        self.build_with(&[])
    }

    /// The same with other packages: what they share is compiled once.
    pub fn build_with(&self, packages: &[&str]) -> Result<Poniard<'_>> {
        let packages = packages.iter().flat_map(|name| ["--package", name]);
        cmd!(self.sh, "cargo build --package poniard {packages...}").run()?;
        Ok(self.built("debug"))
    }

    /// Builds poniard as it is released.
    pub fn build_release(&self) -> Result<Poniard<'_>> {
        cmd!(self.sh, "cargo build --package poniard --release").run()?;
        Ok(self.built("release"))
    }

    /// The poniard that lies in the folder of a profile.
    pub fn built(&self, profile: &str) -> Poniard<'_> {
        self.at(self.target.join(profile).join("poniard"))
    }

    /// A poniard that somebody else has built.
    pub fn at(&self, program: PathBuf) -> Poniard<'_> {
        Poniard {
            project: self,
            program,
        }
    }
}

/// A poniard that has been built here.
pub struct Poniard<'a> {
    project: &'a Project,
    program: PathBuf,
}

impl Poniard<'_> {
    /// A command with the state directory of tasks and tests, and the
    /// repository's image recipes.
    pub fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command.env("PONIARD_STATE", &self.project.state);
        command.env("PONIARD_CONFIG", self.project.root.join("poniard.toml"));
        command
    }
}
