//! Checks of this repository: `dagger check` in a checkout runs them.
//!
//! What can be made again is a generator ([`generated`]): as a check it passes
//! when it has nothing to change, and `dagger generate` applies it. The others
//! run in containers of [`toolchain`] and [`components`].

#![cfg_attr(test, allow(clippy::unwrap_used))]

mod components;
mod generated;
#[path = "../../modules/readme.rs"]
mod readme;
mod toolchain;

use poniard_sdk::api::WorkspaceDirectoryOptsBuilder;
use poniard_sdk::prelude::*;

use toolchain::Toolchain;

/// Crates whose tests mount, make networks or install programs: a container has
/// no right to. `cargo xtask test` runs them.
const PRIVILEGED: [&str; 6] = [
    "conformance",
    "e2e",
    "poniard",
    "stand-ins",
    "test-support",
    "xtask",
];

/// Checks of this repository.
#[object]
pub struct Ci {
    rust: String,
    python: String,
}

#[functions]
impl Ci {
    pub fn new(
        /// Tag of the image `rust`.
        #[arg(default = "1.95-slim")]
        rust: String,
        /// Tag of the image `python`.
        #[arg(default = "3.11-slim")]
        python: String,
    ) -> Self {
        Self { rust, python }
    }

    /// Formats the code.
    #[function(generate)]
    pub async fn format(&self, workspace: Workspace) -> Result<Changeset> {
        let source = source(&workspace)?;
        let formatted = Toolchain::new(&self.rust, &["rustfmt"])
            .over(&source)
            .with_exec(words("cargo fmt --all"))
            .directory("/src");
        changes(&workspace, &source, formatted).await
    }

    /// Renews the types of every module: its `dagger.types.json`.
    #[function(generate)]
    pub async fn types(&self, workspace: Workspace) -> Result<Changeset> {
        let source = source(&workspace)?;
        let renewed = generated::types(&source).await?;
        changes(&workspace, &source, renewed).await
    }

    /// Renews the tables of functions in every module's README.
    #[function(generate)]
    pub async fn readmes(&self, workspace: Workspace) -> Result<Changeset> {
        let source = source(&workspace)?;
        let renewed = generated::readmes(&source).await?;
        changes(&workspace, &source, renewed).await
    }

    /// Fails when clippy has something to say.
    #[function(check)]
    pub async fn clippy(&self, workspace: Workspace) -> Result<()> {
        let command = "cargo clippy --quiet --workspace --all-targets -- -D warnings";
        self.cargo(&workspace, &["clippy"], command).await
    }

    /// Fails when a test of the SDK or of a module does; those of the engine need a machine: `cargo xtask test`.
    #[function(check)]
    pub async fn test(&self, workspace: Workspace) -> Result<()> {
        let mut command = "cargo test --quiet --workspace".to_owned();
        for package in PRIVILEGED {
            command += " --exclude ";
            command += package;
        }
        self.cargo(&workspace, &[], &command).await
    }

    /// Fails when the SDK's documentation has a broken link or a gap.
    #[function(check)]
    pub async fn docs(&self, workspace: Workspace) -> Result<()> {
        let command =
            "cargo doc --quiet --no-deps -p poniard-http -p poniard-macros -p poniard-sdk";
        self.cargo(&workspace, &[], command).await
    }

    /// Fails when GitLab would not accept a component of `templates/` or a pipeline.
    #[function(check)]
    pub async fn components(&self, workspace: Workspace) -> Result<()> {
        components::check(&self.python, &source(&workspace)?).await
    }

    async fn cargo(&self, workspace: &Workspace, parts: &[&str], command: &str) -> Result<()> {
        let ran = Toolchain::new(&self.rust, parts)
            .over(&source(workspace)?)
            .with_env_variable("RUSTDOCFLAGS", "-D warnings")
            .with_exec(words(command));
        ran.sync().await?;
        Ok(())
    }
}

/// The checkout, without what is made from it.
fn source(workspace: &Workspace) -> Result<Directory> {
    let opts = WorkspaceDirectoryOptsBuilder::default()
        .exclude(vec![".git", "**/target", "**/node_modules"])
        .build()?;
    Ok(workspace.directory_opts("/", opts))
}

/// What differs at the caller's directory and below, since changes are applied
/// there.
async fn changes(workspace: &Workspace, before: &Directory, after: Directory) -> Result<Changeset> {
    let path = workspace.path().await?;
    Ok(match path.trim_matches('/') {
        "" | "." => after.changes(before.clone()),
        below => after.directory(below).changes(before.directory(below)),
    })
}

fn words(command: &str) -> Vec<&str> {
    command.split(' ').collect()
}

#[cfg(test)]
mod tests;
