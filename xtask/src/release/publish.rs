//! A release becomes visible: the image, then commits and tags in one push.
//!
//! Nothing leads to an image whose digest nobody knows, so a failure after it has
//! moved nothing; git takes all branches and tags, or none. Here, nothing but
//! objects is made before the remote has them.

use std::path::Path;

use eyre::{Result, WrapErr, bail};
use xshell::{Shell, cmd};

use super::{Plan, changelog, pin, sign};
use crate::setup;

pub struct Publication<'a> {
    pub sh: &'a Shell,
    pub plan: &'a Plan,
    pub repository: &'a str,
    pub digest: &'a str,
    pub layout: &'a Path,
    pub remote: &'a str,
    pub branch: &'a str,
    pub sign_key: Option<&'a Path>,
}

impl Publication<'_> {
    pub fn run(&self) -> Result<()> {
        setup::install(self.sh, &[setup::REGISTRY])?;
        let head = self.git(&["rev-parse", "HEAD"])?;
        let (noted, pinned) = self.commits(&head)?;
        self.push_image()?;
        self.push_git(&noted, &pinned)?;
        println!("released v{} as {}", self.plan.version, self.image());
        println!(
            "`git pull --tags {} {}` brings it here",
            self.remote, self.branch
        );
        Ok(())
    }

    /// The image as modules name it: by its digest, whatever becomes of the tag.
    pub fn image(&self) -> String {
        format!("{}:v{}@{}", self.repository, self.plan.version, self.digest)
    }

    /// A commit for the branch, with the changelog, and on it one that only tags
    /// lead to, with the image in each `dagger.json`: on the branch sources move
    /// on, and the image would have none of them.
    fn commits(&self, head: &str) -> Result<(String, String)> {
        let version = &self.plan.version;
        let day = self.git(&["log", "-1", "--format=%cs", head])?;
        let text = self.git(&["show", &format!("{head}:CHANGELOG.md")])? + "\n";
        let text = changelog::released(&text, version, &day)?;
        let message = format!("Changelog of v{version}");
        let noted = self.commit(head, &message, &[("CHANGELOG.md".to_owned(), text)])?;
        let mut files = Vec::new();
        for module in &self.plan.modules {
            let path = format!("{}/dagger.json", module.dir);
            let text = self.git(&["show", &format!("{head}:{path}")])?;
            let text = pin::pinned(&text, &self.image())
                .wrap_err_with(|| format!("cannot pin the image in `{path}`"))?;
            files.push((path, text));
        }
        let message = format!(
            "Release v{version}\n\nThe programs of its modules are in the image that each dagger.json names."
        );
        let pinned = self.commit(&noted, &message, &files)?;
        Ok((noted, pinned))
    }

    /// A commit on `parent` with other contents of files, without touching the
    /// checkout, the index or any branch.
    fn commit(&self, parent: &str, message: &str, files: &[(String, String)]) -> Result<String> {
        let dir = self.sh.create_temp_dir()?;
        let index = dir.path().join("index");
        let _index = self.sh.push_env("GIT_INDEX_FILE", &index);
        self.git(&["read-tree", parent])?;
        for (path, text) in files {
            let blob = cmd!(self.sh, "git hash-object -w --stdin")
                .quiet()
                .stdin(text)
                .read()?;
            self.git(&[
                "update-index",
                "--cacheinfo",
                &format!("100644,{blob},{path}"),
            ])?;
        }
        let tree = self.git(&["write-tree"])?;
        self.git(&["commit-tree", &tree, "-p", parent, "-m", message])
    }

    fn push_image(&self) -> Result<()> {
        let version = &self.plan.version;
        self.copy(self.layout, version, &format!("v{version}"))?;
        let Some(key) = self.sign_key else {
            return Ok(());
        };
        let dir = self.sh.create_temp_dir()?;
        let layout = dir.path().join("signature");
        sign::write(self.sh, self.repository, self.digest, key, &layout)?;
        self.copy(&layout, "signature", &sign::tag(self.digest))
    }

    /// Copies what a layout has under a name to a tag of the repository.
    fn copy(&self, layout: &Path, name: &str, tag: &str) -> Result<()> {
        let from = format!("oci:{}:{name}", layout.display());
        let to = format!("docker://{}:{tag}", self.repository);
        let mut options = vec!["--all", "--preserve-digests"];
        if is_loopback(self.repository) {
            options.push("--dest-tls-verify=false");
        }
        // Without a policy of the machine; what is copied was made here.
        cmd!(
            self.sh,
            "skopeo --insecure-policy copy {options...} {from} {to}"
        )
        .run()
        .wrap_err("cannot push the image; nothing was published")
    }

    fn push_git(&self, noted: &str, pinned: &str) -> Result<()> {
        let mut moved = vec![format!("{noted}:refs/heads/{}", self.branch)];
        moved.extend(
            self.plan
                .tags()
                .iter()
                .map(|tag| format!("{pinned}:refs/tags/{tag}")),
        );
        let remote = self.remote;
        if cmd!(self.sh, "git push --atomic {remote} {moved...}")
            .run()
            .is_err()
        {
            bail!(
                "`{remote}` took neither branch nor tags: nothing is released; the image that was pushed has the digest `{}`, and the next try uses it again",
                self.digest
            );
        }
        Ok(())
    }

    fn git(&self, args: &[&str]) -> Result<String> {
        Ok(cmd!(self.sh, "git {args...}").quiet().read()?)
    }
}

/// A registry of this machine, which needs no TLS.
fn is_loopback(repository: &str) -> bool {
    let host = repository.split('/').next().unwrap_or_default();
    let name = host.split(':').next().unwrap_or_default();
    name == "localhost" || name.starts_with("127.")
}
