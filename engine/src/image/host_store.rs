//! Image stores of container engines on this machine, by their programs: an
//! archive goes in by `docker load`, and out by `docker save`.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};

use eyre::{Result, WrapErr, bail};
use tokio::process::Command;

use crate::programs;

/// Names one, as for Dagger's CLI.
const VARIABLE: &str = "_EXPERIMENTAL_DAGGER_RUNNER_IMAGESTORE";

/// Their names in [`VARIABLE`], and programs that take the same words; the first
/// that works is used.
const STORES: [(&str, &str); 4] = [
    ("docker-image", "docker"),
    ("podman-image", "podman"),
    ("nerdctl-image", "nerdctl"),
    ("finch-image", "finch"),
];

/// The image store of a container engine.
#[derive(Debug)]
pub struct HostStore {
    program: PathBuf,
    pub name: &'static str,
}

impl HostStore {
    /// The one that the caller named, or else the first that works.
    pub async fn find() -> Result<Self> {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let asked = std::env::var(VARIABLE).ok();
        Self::find_in(&path, asked.as_deref().filter(|asked| !asked.is_empty())).await
    }

    async fn find_in(path: &OsStr, asked: Option<&str>) -> Result<Self> {
        let at = |name: &'static str| {
            let program = programs::all_in(path, name).next()?;
            Some(Self { program, name })
        };
        if let Some(asked) = asked {
            let Some((_, name)) = STORES.iter().find(|(store, _)| *store == asked) else {
                let known: Vec<_> = STORES.iter().map(|(store, _)| *store).collect();
                bail!(
                    "the image store `{asked}` of `{VARIABLE}` is not supported by poniard: expected one of {}",
                    known.join(", ")
                );
            };
            return at(name).ok_or_else(|| {
                eyre::eyre!("there is no `{name}` in `PATH`, which `{VARIABLE}` asks for")
            });
        }
        let mut silent = Vec::new();
        for (_, name) in STORES {
            let Some(store) = at(name) else {
                continue;
            };
            match store.run(&["version"], Stdio::null(), Stdio::piped()).await {
                Ok(_) => return Ok(store),
                Err(error) => silent.push(format!("\n{error:#}")),
            }
        }
        bail!(
            "there is no image store on this machine: of `docker`, `podman`, `nerdctl` and `finch`, {}",
            match silent.len() {
                0 => "none is in `PATH`; install one".to_owned(),
                _ => format!("none works; start one:{}", silent.concat()),
            }
        )
    }

    /// Puts the image of an archive into the store, by a name.
    pub async fn load(&self, archive: &Path, name: &str) -> Result<()> {
        let file = std::fs::File::open(archive)
            .wrap_err_with(|| format!("cannot read `{}`", archive.display()))?;
        let output = self
            .run(&["load"], file.into(), Stdio::piped())
            .await
            .wrap_err_with(|| format!("cannot load image `{name}`"))?;
        let said = String::from_utf8_lossy(&output.stdout);
        let Some(image) = loaded(&said) else {
            bail!(
                "`{} load` does not say which image it made of `{name}`: {}",
                self.name,
                said.trim()
            );
        };
        self.run(&["tag", image, name], Stdio::null(), Stdio::piped())
            .await
            .wrap_err_with(|| format!("cannot name image `{image}` `{name}`"))?;
        Ok(())
    }

    /// Writes the archive of an image of the store.
    pub async fn save(&self, name: &str, archive: &Path) -> Result<()> {
        let file = std::fs::File::create(archive)
            .wrap_err_with(|| format!("cannot write `{}`", archive.display()))?;
        self.run(&["save", name], Stdio::null(), file.into())
            .await
            .wrap_err_with(|| format!("cannot read image `{name}`"))?;
        Ok(())
    }

    async fn run(&self, args: &[&str], stdin: Stdio, stdout: Stdio) -> Result<Output> {
        let child = Command::new(&self.program)
            .args(args)
            .stdin(stdin)
            .stdout(stdout)
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .wrap_err_with(|| format!("cannot start `{}`", self.program.display()))?;
        let output = child.wait_with_output().await?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr);
            let last = said.trim().lines().last().unwrap_or_default();
            let (name, args, status) = (self.name, args.join(" "), output.status);
            bail!("`{name} {args}` failed ({status}): {last}");
        }
        Ok(output)
    }
}

/// The image in `Loaded image: …`: a digest, or a name with its tag.
fn loaded(said: &str) -> Option<&str> {
    let mut words = said.split_whitespace();
    words.find(|word| {
        let parts = word.split_once(':');
        parts.is_some_and(|(name, tag)| !name.is_empty() && !tag.is_empty())
    })
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    /// Programs of these names and scripts, in a directory of their own.
    fn programs(all: &[(&str, &str)]) -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        for (name, script) in all {
            let path = dir.path().join(name);
            std::fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
        }
        dir
    }

    async fn find(dir: &tempfile::TempDir, asked: Option<&str>) -> Result<HostStore> {
        HostStore::find_in(dir.path().as_os_str(), asked).await
    }

    #[tokio::test]
    async fn the_first_that_works_is_used_unless_one_is_asked_for() {
        let dir = programs(&[("docker", "echo no daemon >&2; exit 1"), ("podman", "")]);
        assert_eq!(find(&dir, None).await.unwrap().name, "podman");
        let asked = find(&dir, Some("docker-image")).await.unwrap();
        assert_eq!(asked.name, "docker");
    }

    #[tokio::test]
    async fn what_was_looked_for_is_said() {
        let none = programs(&[]);
        let error = find(&none, None).await.unwrap_err().to_string();
        assert!(
            error.contains("`docker`, `podman`, `nerdctl` and `finch`, none is in `PATH`"),
            "{error}"
        );
        let dead = programs(&[("docker", "echo no daemon >&2; exit 1")]);
        let error = find(&dead, None).await.unwrap_err().to_string();
        assert!(
            error.contains("none works") && error.contains("): no daemon"),
            "{error}"
        );
        let error = find(&none, Some("podman-image")).await.unwrap_err();
        assert!(error.to_string().contains("no `podman` in `PATH`"));
        let error = find(&none, Some("containerd")).await.unwrap_err();
        assert!(error.to_string().contains("`containerd`"), "{error}");
    }

    #[tokio::test]
    async fn an_image_is_named_as_asked_for_and_an_error_is_told() {
        let script = r#"cd "${0%/*}"
case $1 in
load) cat > loaded; echo "Loaded image: sha256:abc" ;;
tag) echo "$2 $3" > tagged ;;
save) echo "no such image: $2" >&2; exit 125 ;;
esac"#;
        let dir = programs(&[("docker", script)]);
        let store = find(&dir, None).await.unwrap();
        let at = |name: &str| dir.path().join(name);
        std::fs::write(at("archive"), "bytes").unwrap();
        store.load(&at("archive"), "shop:1").await.unwrap();
        assert_eq!(std::fs::read_to_string(at("loaded")).unwrap(), "bytes");
        let tagged = std::fs::read_to_string(at("tagged")).unwrap();
        assert_eq!(tagged, "sha256:abc shop:1\n");
        let error = store.save("shop:2", &at("out")).await.unwrap_err();
        let error = format!("{error:#}");
        assert!(
            error.starts_with("cannot read image `shop:2`: `docker save shop:2` failed"),
            "{error}"
        );
        assert!(error.ends_with("no such image: shop:2"), "{error}");
    }

    #[test]
    fn the_image_is_found_in_what_a_program_says() {
        for (said, want) in [
            ("Loaded image ID: sha256:abc\n", Some("sha256:abc")),
            ("Loaded image: localhost/a:1\n", Some("localhost/a:1")),
            ("unpacking a:1 (sha256:ab)...done\n", Some("a:1")),
            ("Loaded image: \n", None),
        ] {
            assert_eq!(loaded(said), want, "{said}");
        }
    }
}
