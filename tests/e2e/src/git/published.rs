//! The modules of this repository, published.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;
use test_support::repository;

/// A bare repository `poniard.git` with this repository's modules, its tags
/// `v0.1.0` and `modules/<name>/v0.1.0` for each of them on the branch `main`.
pub struct Published {
    dir: TempDir,
}

impl Published {
    pub fn new() -> Self {
        let dir = tempfile::Builder::new()
            .prefix("published-")
            .tempdir()
            .expect("a directory");
        let published = Self { dir };
        published.lay_out();
        published.git(&["init", "--quiet", "--initial-branch=main"]);
        published.commit("one");
        published.tag("v0.1.0");
        for module in modules() {
            published.tag(&format!("modules/{module}/v0.1.0"));
        }
        let bare = published.bare();
        let bare = bare.to_str().expect("a path in UTF-8");
        published.git(&["clone", "--quiet", "--bare", ".", bare]);
        published.git(&["remote", "add", "origin", bare]);
        published
    }

    /// Where bare repositories lie.
    pub fn root(&self) -> &Path {
        self.dir.path()
    }

    pub fn bare(&self) -> PathBuf {
        self.root().join("poniard.git")
    }

    fn work(&self) -> PathBuf {
        self.root().join("work")
    }

    /// The commit of a name.
    pub fn id(&self, name: &str) -> String {
        self.git(&["rev-parse", &format!("{name}^{{commit}}")])
    }

    /// Says something else of the module `config`, commits that on `main` and
    /// publishes it, with tags.
    pub fn describe_config(&self, text: &str, tags: &[&str]) {
        let path = self.work().join("modules/config/dagger.types.json");
        let types = fs::read_to_string(&path).expect("types");
        let types: serde_json::Value = serde_json::from_str(&types).expect("JSON");
        let mut types = types;
        types["description"] = text.into();
        types["objects"][0]["description"] = text.into();
        if let Some(constructor) = types["objects"][0].get_mut("constructor") {
            constructor["description"] = text.into();
        }
        fs::write(&path, types.to_string()).expect("written");
        self.commit(text);
        for tag in tags {
            self.tag(tag);
        }
        self.git(&["push", "--quiet", "--tags", "origin", "main"]);
    }

    fn lay_out(&self) {
        let root = repository();
        for name in tracked(&root) {
            let to = self.work().join(&name);
            fs::create_dir_all(to.parent().expect("a parent")).expect("a directory");
            fs::copy(root.join(&name), to).expect("a copy");
        }
    }

    fn commit(&self, message: &str) {
        self.git(&["add", "--all", "--force"]);
        self.git(&["commit", "--quiet", "--message", message]);
    }

    fn tag(&self, name: &str) {
        self.git(&["tag", "--annotate", "--message", name, name]);
    }

    fn git(&self, args: &[&str]) -> String {
        // The same contents have the same id in every run.
        let date = "2026-01-01T00:00:00Z";
        let output = Command::new("git")
            .args([
                "-c",
                "user.name=tests",
                "-c",
                "user.email=tests@example.com",
            ])
            .args(["-c", "commit.gpgSign=false", "-c", "tag.gpgSign=false"])
            .args(args)
            .envs([("GIT_AUTHOR_DATE", date), ("GIT_COMMITTER_DATE", date)])
            .current_dir(self.work())
            .output()
            .expect("git runs");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "git {args:?}: {said}");
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }
}

/// Names of the modules that the `dagger.json` at the root lists.
pub fn modules() -> Vec<String> {
    let text = fs::read_to_string(repository().join("dagger.json")).expect("a dagger.json");
    let json: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    let listed = json["dependencies"].as_array().expect("dependencies");
    let name = |module: &serde_json::Value| module["name"].as_str().map(str::to_owned);
    listed
        .iter()
        .map(|module| name(module).expect("a name"))
        .collect()
}

/// Files of a repository that git knows, without those that no module is made of.
fn tracked(root: &Path) -> Vec<String> {
    let listed = Command::new("git")
        .args(["ls-files", "--cached", "--others", "--exclude-standard"])
        .args([":!tests/conformance/cases", ":!examples", ":!images"])
        .current_dir(root)
        .output()
        .expect("a list");
    let listed = String::from_utf8_lossy(&listed.stdout).into_owned();
    let is_there = |name: &&str| root.join(name).is_file();
    listed.lines().filter(is_there).map(str::to_owned).collect()
}
