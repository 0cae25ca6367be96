//! Recipes: small ones on the host and in containers, and the project's own.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex};

use eyre::Result;

use crate::image::{Image, Images, RecipeRunner, host_platform};
use crate::progress::{Event, Progress};
use crate::store::testing::{TestStore, store};
use crate::store::{Digest, Snapshot, Store};

/// Runs scripts in a chroot with the host's network and certificates.
struct Chroot(Arc<Store>);

#[async_trait::async_trait]
impl RecipeRunner for Chroot {
    async fn run(
        &self,
        base: &Image,
        script: &Path,
        args: &[String],
        inputs: &Path,
        caches: &[(PathBuf, PathBuf)],
        id: Digest,
        _: &Progress,
    ) -> Result<Snapshot> {
        let mount = self.0.mount_rw(&base.rootfs)?;
        let root = mount.path().display().to_string();
        let mut steps = format!("set -eu; cd {root}; mkdir -p recipe proc dev etc/ssl/certs\n");
        let mut bind = |from: &Path, to: &str, options: &str| {
            steps += &format!("mount --bind {} {root}/{to}\n", from.display());
            if !options.is_empty() {
                steps += &format!("mount -o remount,bind,{options} {root}/{to}\n");
            }
        };
        bind(inputs, "recipe", "ro");
        for (from, to) in caches {
            std::fs::create_dir_all(mount.path().join(to.strip_prefix("/")?))?;
            bind(from, &to.display().to_string(), "");
        }
        bind(Path::new("/dev"), "dev", "");
        for file in ["/etc/resolv.conf", "/etc/ssl/certs/ca-certificates.crt"] {
            let target = mount.path().join(&file[1..]);
            if Path::new(file).exists() && target.parent().is_some_and(Path::is_dir) {
                std::fs::File::options()
                    .create(true)
                    .append(true)
                    .open(&target)?;
                bind(Path::new(file), &file[1..], "");
            }
        }
        let script = Path::new("/recipe").join(script).display().to_string();
        steps +=
            &format!("mount -t proc proc {root}/proc\nexec chroot {root} sh -eu {script} \"$@\"\n");
        let mut command = Command::new("unshare");
        command
            .args(["--mount", "sh", "-c", &steps, "recipe"])
            .args(args)
            .env("HOME", "/root");
        let output = tokio::task::spawn_blocking(move || command.output()).await??;
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        eyre::ensure!(output.status.success(), "{}\n{text}", output.status);
        mount.commit(id)
    }
}

fn images(store: &TestStore, settings: &Path) -> Images {
    let runner = Arc::new(Chroot(store.store.clone()));
    Images::new(store.store.clone(), Some(settings), runner).expect("reads the settings")
}

/// The project's `poniard.toml`.
fn own_settings() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../poniard.toml")
}

async fn get(images: &Images, name: &str, progress: &Progress) -> Result<Image> {
    images
        .get(name, host_platform(), &BTreeMap::new(), progress)
        .await
}

/// A settings file with scripts beside it.
fn settings(store: &TestStore, text: &str, scripts: &[(&str, &str)]) -> PathBuf {
    for (name, script) in scripts {
        std::fs::write(store.dir.path().join(name), script).expect("writes");
    }
    let path = store.dir.path().join("poniard.toml");
    std::fs::write(&path, text).expect("writes");
    path
}

#[tokio::test]
async fn a_recipe_on_the_host_fills_a_directory_once_and_is_announced() {
    let store = store();
    let log = store.dir.path().join("log");
    let path = settings(
        &store,
        "[[image]]\nname = \"made:*\"\nscript = \"make.sh\"\nargs = [\"{tag}\", \"a b\"]\ncmd = [\"x\"]\nenv = [\"K=v=w\"]\nworkdir = \"/w\"\n",
        &[(
            "make.sh",
            &format!("echo run >> {}; echo \"$2 $3\" > \"$1/f\"\n", log.display()),
        )],
    );
    let notes = Arc::new(Mutex::new(Vec::new()));
    let sink = notes.clone();
    let progress = Progress::new(move |event| {
        if let Event::Note { text } = event {
            sink.lock().expect("is whole").push(text);
        }
    });
    let images = images(&store, &path);
    let (a, b) = tokio::join!(
        get(&images, "made:1", &progress),
        get(&images, "made:1", &progress)
    );
    let (a, b) = (a.expect("makes"), b.expect("makes"));
    assert_eq!(a, b);
    assert_eq!(store.read(&a.rootfs, "f"), "1 a b\n");
    assert_eq!(std::fs::read_to_string(&log).expect("reads"), "run\n");
    assert_eq!(
        (a.config.cmd, a.config.workdir),
        (vec!["x".to_owned()], "/w".to_owned())
    );
    assert!(a.config.env.contains(&("K".to_owned(), "v=w".to_owned())));
    assert!(a.config.env.iter().any(|(name, _)| name == "PATH"));
    assert!(
        a.reference.starts_with("docker.io/library/made:1@sha256:"),
        "{}",
        a.reference
    );
    let expected = "image `made:1` is made by recipe make.sh (poniard.toml)";
    assert_eq!(*notes.lock().expect("is whole"), [expected]);
    let other = get(&images, "made:2", &progress).await.expect("makes");
    assert_eq!(store.read(&other.rootfs, "f"), "2 a b\n");
}

#[tokio::test]
async fn a_changed_script_makes_the_image_anew() {
    let store = store();
    let text = "[[image]]\nname = \"made\"\nscript = \"make.sh\"\n";
    for contents in ["1", "2"] {
        let path = settings(
            &store,
            text,
            &[("make.sh", &format!("echo {contents} > \"$1/f\"\n"))],
        );
        let image = get(&images(&store, &path), "made", &Progress::silent())
            .await
            .expect("makes");
        assert_eq!(store.read(&image.rootfs, "f"), format!("{contents}\n"));
    }
}

#[tokio::test]
async fn a_recipe_that_fails_says_what_it_said_and_leaves_nothing() {
    let store = store();
    let path = settings(
        &store,
        "[[image]]\nname = \"made\"\nscript = \"make.sh\"\n[[image]]\nname = \"empty\"\nscript = \"true.sh\"\n[[image]]\nname = \"loop\"\nscript = \"true.sh\"\nfrom = \"loop\"\n",
        &[
            (
                "make.sh",
                "touch \"$1/f\"; echo no such suite >&2; exit 3\n",
            ),
            ("true.sh", "true\n"),
        ],
    );
    let images = images(&store, &path);
    let error = format!(
        "{:#}",
        get(&images, "made", &Progress::silent())
            .await
            .expect_err("fails")
    );
    for expected in ["`made`", "make.sh", "no such suite", "3"] {
        assert!(error.contains(expected), "{error}");
    }
    let error = format!(
        "{:#}",
        get(&images, "empty", &Progress::silent())
            .await
            .expect_err("fails")
    );
    assert!(error.contains("empty"), "{error}");
    let error = format!(
        "{:#}",
        get(&images, "loop", &Progress::silent())
            .await
            .expect_err("fails")
    );
    assert!(error.contains("needs itself"), "{error}");
    assert_eq!(
        std::fs::read_dir(store.root().join("layers"))
            .expect("is there")
            .count(),
        0
    );
    let error = images
        .get("made", "linux/s390x", &BTreeMap::new(), &Progress::silent())
        .await;
    assert!(
        error
            .expect_err("is another platform")
            .to_string()
            .contains("linux/s390x")
    );
}

/// Takes a minute on a busy machine, and needs the network and `mmdebstrap`.
#[tokio::test]
async fn the_debian_recipe_makes_an_image_that_runs() {
    if std::env::var_os("PONIARD_TEST_SLOW").is_none() {
        return;
    }
    let store = store();
    let images = images(&store, &own_settings());
    let image = get(&images, "debian:bookworm-slim", &Progress::silent())
        .await
        .expect("makes");
    assert_eq!(image.config.cmd, ["bash"]);
    let mount = store.mount(&image.rootfs).expect("a mount");
    let script = "curl --version >/dev/null && git --version >/dev/null && perl -v >/dev/null && cat /etc/debian_version";
    let output = Command::new("chroot")
        .arg(mount.path())
        .args(["sh", "-c", script])
        .output()
        .expect("runs");
    assert!(output.status.success(), "{output:?}");
    assert!(
        String::from_utf8_lossy(&output.stdout).starts_with("12."),
        "{output:?}"
    );
    let tree = mount.tree();
    for gone in [
        "etc/resolv.conf",
        "etc/apt/apt.conf.d/99mmdebstrap",
        "usr/share/man/man1",
    ] {
        assert_eq!(tree.stat(gone, true).expect("looks"), None, "{gone}");
    }
}

/// Takes minutes: every recipe of the project, each used once.
#[tokio::test]
async fn the_recipes_make_images_whose_programs_run() {
    if std::env::var_os("PONIARD_TEST_SLOW").is_none() {
        return;
    }
    let store = store();
    let images = images(&store, &own_settings());
    for (name, script, expected) in [
        (
            "oven/bun:1",
            "bun --version; bunx --version; node --version; id -u bun",
            "1.4.5\n1.4.5\n",
        ),
        (
            "node:22-slim",
            "node --version; npm --version; npx --version",
            "v22.23.3\n10.9.9\n10.9.9\n",
        ),
        (
            "terrastruct/d2",
            "echo 'a -> b' | d2 - | grep -c '<svg'; d2 --version",
            "1\nv0.7.0",
        ),
    ] {
        let image = get(&images, name, &Progress::silent()).await.expect(name);
        let mount = store.mount_rw(&image.rootfs).expect("a mount");
        let steps = format!(
            "cd {}; mount --bind /dev dev; mount -t proc proc proc; exec chroot . sh -c \"$1\"",
            mount.path().display()
        );
        let output = Command::new("unshare")
            .args(["--mount", "sh", "-c", &steps, "sh", script])
            .output()
            .expect("runs");
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(
            output.status.success() && text.starts_with(expected),
            "{name}: {output:?}"
        );
    }
}
