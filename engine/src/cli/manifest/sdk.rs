//! The SDK of a new module: how `dagger.json` names it, what it lays down, and
//! where the module's crate finds those of the SDK.

use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::client::Failure;
use crate::module::git::{Reference, commit, version};

use super::file::{self, relative};
use super::wait;

/// The crates that a module is compiled with, as folders of the SDK.
const CRATES: [&str; 2] = ["poniard-macros", "poniard-sdk"];

/// An SDK whose files are at hand.
pub struct Sdk {
    /// What `dagger.json` says.
    pub source: String,
    /// What stands after `poniard-sdk = ` in the module's `Cargo.toml`.
    pub dependency: String,
    /// Files outside of the module that it is compiled with.
    pub include: Vec<String>,
    dir: PathBuf,
    _checkout: Option<TempDir>,
}

impl Sdk {
    /// Finds the SDK of a module in `dir` with its code in `code`. As with Dagger,
    /// a path counts from the module's directory.
    pub fn find(typed: &str, workdir: &Path, dir: &Path, code: &Path) -> Result<Self, Failure> {
        match Reference::read(typed, dir)? {
            Some(reference) => Self::in_git(&reference),
            None => Self::local(typed, workdir, dir, code),
        }
    }

    /// The files that it lays down.
    pub fn template(&self) -> PathBuf {
        self.dir.join("template")
    }

    /// The versions that it is tested with.
    pub fn lock_file(&self) -> Option<Vec<u8>> {
        let root = cargo_workspace(&self.dir)?;
        std::fs::read(root.join("Cargo.lock")).ok()
    }

    fn in_git(reference: &Reference) -> Result<Self, Failure> {
        let (commit, checkout) = wait(async {
            let commit = version::find(reference).await?.commit;
            let checkout = commit::lay_out(reference, &commit).await?;
            Ok((commit, checkout))
        })?;
        let dir = checkout.path().join(&reference.subdir);
        if !dir.join(file::NAME).exists() {
            let name = file::NAME;
            return Err(Failure::new(format!(
                "cannot use the SDK `{reference}`: there is no {name} in it"
            )));
        }
        let url = for_cargo(&reference.url());
        let version = reference.version.as_deref();
        let version = version.map_or_else(String::new, |version| format!(" # {version}"));
        Ok(Self {
            source: reference.to_string(),
            dependency: format!(r#"{{ git = "{url}", rev = "{commit}" }}{version}"#),
            include: Vec::new(),
            dir,
            _checkout: Some(checkout),
        })
    }

    fn local(typed: &str, workdir: &Path, dir: &Path, code: &Path) -> Result<Self, Failure> {
        let failed = |why: String| Failure::new(format!("cannot use the SDK `{typed}`: {why}"));
        let dir = real(dir);
        let path = crate::client::paths::normal(&dir.join(typed));
        if !path.join(file::NAME).exists() {
            let why = format!("there is no {} in `{}`", file::NAME, path.display());
            let meant = workdir.join(typed).canonicalize().ok();
            let meant = meant.filter(|meant| meant.join(file::NAME).exists());
            let hint = meant.map_or_else(String::new, |meant| {
                let meant = relative(&dir, &meant);
                format!("; a path counts from the module's directory: `{meant}`")
            });
            return Err(failed(why + &hint));
        }
        let path = path.canonicalize()?;
        let context = file::context(&dir);
        if !path.starts_with(context) {
            return Err(failed(format!(
                "it lies outside of `{}`, which is what belongs to the module: name it by its git address",
                context.display()
            )));
        }
        let mut include = Vec::new();
        if let Some(root) = cargo_workspace(&path) {
            include.extend(["Cargo.toml", "Cargo.lock"].map(|name| root.join(name)));
        }
        for name in CRATES {
            let of = path.join(name);
            include.extend([of.join("Cargo.toml"), of.join("src")]);
        }
        let [_, own] = CRATES.map(|name| path.join(name));
        Ok(Self {
            source: relative(&dir, &path),
            dependency: format!(r#"{{ path = "{}" }}"#, relative(&real(code), &own)),
            include: include.iter().map(|path| relative(&dir, path)).collect(),
            dir: path,
            _checkout: None,
        })
    }
}

/// Cargo knows no `user@host:path`.
fn for_cargo(url: &str) -> String {
    if url.contains("://") {
        return url.to_owned();
    }
    format!("ssh://{}", url.replacen(':', "/", 1))
}

/// The cargo workspace around a directory, up to its repository.
fn cargo_workspace(dir: &Path) -> Option<PathBuf> {
    let context = file::context(dir);
    let is_workspace = |d: &&Path| {
        let text = std::fs::read_to_string(d.join("Cargo.toml")).unwrap_or_default();
        text.parse::<toml::Table>()
            .is_ok_and(|table| table.contains_key("workspace"))
    };
    let mut above = dir.ancestors().take_while(|d| d.starts_with(context));
    above.find(is_workspace).map(Path::to_owned)
}

/// The directory without links, also while its last parts do not exist.
pub fn real(dir: &Path) -> PathBuf {
    for there in dir.ancestors() {
        if let (Ok(real), Ok(rest)) = (there.canonicalize(), dir.strip_prefix(there)) {
            return real.join(rest);
        }
    }
    dir.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cargo_is_given_an_address_with_a_scheme() {
        let cases = [
            ("git@git.test:a/b.git", "ssh://git@git.test/a/b.git"),
            ("https://git.test/b.git", "https://git.test/b.git"),
        ];
        for (url, want) in cases {
            assert_eq!(for_cargo(url), want);
        }
    }
}
