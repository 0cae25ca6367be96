//! The directory of a git repository without what is not committed.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;

use eyre::{Result, WrapErr, bail};

use super::git::{Repository, Source, Tree};
use super::node::Changeset;
use super::{Directory, Engine, Fs};
use crate::store::Hasher;

/// What of a repository's own settings decides about the contents of files. The
/// others are not used: some name programs, and nobody has vouched for those.
const SETTINGS: [&str; 5] = [
    "core.autocrlf",
    "core.eol",
    "core.filemode",
    "core.ignorecase",
    "core.symlinks",
];

impl Repository {
    /// What is not committed: nothing in a remote one, or one without files.
    pub async fn uncommitted(self: &Arc<Self>, engine: &Arc<Engine>) -> Result<Changeset> {
        let Source::Directory(after) = &self.source else {
            let options = Tree {
                discard_git_dir: false,
                depth: 1,
                include_tags: false,
            };
            let head = Arc::new(self.head(engine).await?).tree(engine, options);
            return Ok(Changeset {
                before: head.clone(),
                after: head,
            });
        };
        let (this, engine, after) = (self.clone(), engine.clone(), after.clone());
        let directory = after.clone();
        let fs = Fs::lazy(async move {
            let commit = this.head(&engine).await?.commit;
            let snapshot = directory.fs.snapshot().await?;
            let path = directory.path;
            let key = Hasher::new("git-cleaned-1")
                .with(snapshot.id)
                .with(&path)
                .digest();
            let store = engine.store.clone();
            let change = move |tree: &crate::store::Tree| {
                let temp = store.temp_dir()?;
                clean(&tree.host_path(&path)?, temp.path(), &commit)
            };
            engine.store.edit(key, &snapshot, change).await
        });
        let before = Directory {
            fs,
            path: after.path.clone(),
        };
        Ok(Changeset { before, after })
    }
}

/// Makes the files in `dir` those of the commit; ignored ones stay. Git works in
/// a directory of its own, `temp`, with the repository's objects and index.
fn clean(dir: &Path, temp: &Path, commit: &str) -> Result<()> {
    let own = dir.join(".git");
    match fs::symlink_metadata(&own) {
        Ok(found) if found.is_dir() => {}
        // A bare repository has no files.
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Ok(_) => bail!(
            "cannot tell what is not committed: `.git` is no directory, for the repository is elsewhere"
        ),
        Err(error) => return Err(error).wrap_err("cannot read `.git`"),
    }
    for name in ["objects/info", "refs", "info"] {
        fs::create_dir_all(temp.join(name))?;
    }
    fs::write(temp.join("HEAD"), format!("{commit}\n"))?;
    let objects = format!("{}\n", own.join("objects").display());
    fs::write(temp.join("objects/info/alternates"), objects)?;
    let mut config = "[core]\n\tbare = false\n".to_owned();
    for name in ["index", "info/exclude"] {
        if is_file(&own.join(name)) {
            fs::copy(own.join(name), temp.join(name))?;
        }
    }
    if is_file(&own.join("config")) {
        for setting in SETTINGS {
            let asked = Command::new("git")
                .args(["config", "--no-includes", "--get", "--file"])
                .args([own.join("config").as_os_str(), setting.as_ref()])
                .stderr(Stdio::null())
                .output();
            let said = asked.wrap_err("cannot run `git`; install git")?.stdout;
            let value = String::from_utf8_lossy(&said);
            let value = value.trim();
            let is_word = !value.is_empty() && value.chars().all(|c| c.is_ascii_alphanumeric());
            if let Some(name) = setting.strip_prefix("core.").filter(|_| is_word) {
                config += &format!("\t{name} = {value}\n");
            }
        }
    }
    fs::write(temp.join("config"), config)?;
    // Not `reset --hard`, which writes every file.
    for args in [
        &["restore", "--staged", "."][..],
        &["restore", "."],
        &["clean", "-fdq"],
    ] {
        let output = Command::new("git")
            .args(args)
            .current_dir(dir)
            .env("GIT_DIR", temp)
            .env("GIT_WORK_TREE", dir)
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env_remove("GIT_INDEX_FILE")
            .env_remove("GIT_CONFIG_COUNT")
            .env_remove("GIT_CONFIG_PARAMETERS")
            .stdin(Stdio::null())
            .output()
            .wrap_err("cannot run `git`; install git")?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr);
            let (args, said) = (args.join(" "), said.trim());
            bail!("cannot tell what is not committed: git {args}: {said}");
        }
    }
    Ok(())
}

fn is_file(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|found| found.is_file())
}
