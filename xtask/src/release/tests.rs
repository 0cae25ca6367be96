//! A release of a small family: a repository with a remote, and a registry.

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use xshell::{Shell, TempDir, cmd};

use super::publish::Publication;
use super::{Plan, changelog, checks, checksums, image, pin, sbom};

/// A clean checkout of a family of one, with the remote `origin`.
struct Family {
    sh: Shell,
    dir: TempDir,
}

impl Family {
    fn new() -> Self {
        let sh = Shell::new().unwrap();
        let dir = sh.create_temp_dir().unwrap();
        let family = Self { sh, dir };
        let (sh, root) = (&family.sh, family.root());
        for (name, value) in [("NAME", "tests"), ("EMAIL", "tests@example.com")] {
            sh.set_var(format!("GIT_AUTHOR_{name}"), value);
            sh.set_var(format!("GIT_COMMITTER_{name}"), value);
        }
        let files = [
            ("Cargo.toml", "[workspace.package]\nversion = \"1.2.3\"\n"),
            (
                "CHANGELOG.md",
                "# Changelog\n\n## Unreleased\n\n- All of it.\n",
            ),
            (".gitignore", "*.log\n"),
            (
                "dagger.json",
                r#"{"dependencies": [{"name": "a", "source": "modules/a"}]}"#,
            ),
            (
                "modules/a/dagger.json",
                r#"{"name": "a", "sdk": {"source": "../../sdk"}, "include": ["../../Cargo.toml"]}"#,
            ),
            ("modules/a/src/main.rs", "fn main() {}\n"),
        ];
        for (path, text) in files {
            sh.write_file(root.join(path), text).unwrap();
        }
        sh.change_dir(&root);
        let remote = family.remote();
        cmd!(sh, "git init --quiet --bare {remote}").run().unwrap();
        cmd!(sh, "git init --quiet --initial-branch main")
            .run()
            .unwrap();
        cmd!(sh, "git add .").run().unwrap();
        cmd!(sh, "git commit --quiet --message Begin")
            .run()
            .unwrap();
        cmd!(sh, "git remote add origin {remote}").run().unwrap();
        cmd!(sh, "git push --quiet origin main").run().unwrap();
        family
    }

    fn root(&self) -> PathBuf {
        self.dir.path().join("checkout")
    }

    fn remote(&self) -> PathBuf {
        self.dir.path().join("remote.git")
    }

    fn plan(&self) -> Plan {
        Plan::read(&self.sh, &self.root()).unwrap()
    }

    fn write(&self, path: &str, text: &str) {
        self.sh.write_file(self.root().join(path), text).unwrap();
    }

    fn git(&self, args: &[&str]) -> String {
        cmd!(self.sh, "git {args...}")
            .quiet()
            .ignore_stderr()
            .read()
            .unwrap()
    }

    /// What is not released, and why.
    #[track_caller]
    fn refuses(&self, version: Option<&str>, words: &str) {
        let error = checks::all(&self.sh, &self.plan(), version, Some("origin"));
        let error = format!("{:#}", error.unwrap_err());
        assert!(error.contains(words), "{error}");
    }

    /// An image of a program that is none; gives its layout and digest.
    fn image(&self, folder: &str) -> (PathBuf, String) {
        let (programs, layout) = (
            self.dir.path().join("programs"),
            self.dir.path().join(folder),
        );
        for architecture in ["amd64", "arm64"] {
            self.sh
                .write_file(programs.join(architecture).join("a"), architecture)
                .unwrap();
        }
        let digest = image::write(&self.plan(), &programs, &layout).unwrap();
        (layout, digest)
    }

    fn publish(&self, repository: &str) -> eyre::Result<String> {
        self.publish_signed(repository, None)
    }

    fn publish_signed(&self, repository: &str, key: Option<&Path>) -> eyre::Result<String> {
        let (layout, digest) = self.image("image");
        let publication = Publication {
            sh: &self.sh,
            plan: &self.plan(),
            repository,
            digest: &digest,
            layout: &layout,
            remote: "origin",
            branch: "main",
            sign_key: key,
        };
        publication.run()?;
        Ok(publication.image())
    }

    /// Every name in the remote, and what it stands for.
    fn remote_refs(&self) -> String {
        self.git(&["ls-remote", "origin"])
    }
}

/// Debian's `docker-registry`.
struct Registry {
    process: Child,
    address: String,
}

impl Registry {
    fn start(dir: &Path) -> Self {
        let address = TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
            .to_string();
        let config = dir.join("registry.yml");
        let storage = dir.join("registry");
        let storage = storage.display();
        let text = format!(
            "version: 0.1\nstorage: {{filesystem: {{rootdirectory: {storage}}}}}\nhttp: {{addr: '{address}'}}\n"
        );
        fs::write(&config, text).unwrap();
        let process = Command::new("docker-registry")
            .arg("serve")
            .arg(&config)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("no docker-registry: run `cargo xtask test` once");
        let deadline = Instant::now() + Duration::from_secs(20);
        while TcpStream::connect(&address).is_err() {
            assert!(Instant::now() < deadline, "the registry does not answer");
            std::thread::sleep(Duration::from_millis(20));
        }
        Self { process, address }
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[test]
fn what_must_not_be_released_is_refused() {
    let family = Family::new();
    checks::all(&family.sh, &family.plan(), Some("v1.2.3"), Some("origin")).unwrap();
    family.refuses(Some("1.2.4"), "`1.2.4` is not that of Cargo.toml, `1.2.3`");
    family.git(&[
        "push",
        "--quiet",
        "origin",
        "HEAD:refs/tags/modules/a/v1.2.3",
    ]);
    family.refuses(None, "`origin` has refs/tags/modules/a/v1.2.3");
    family.git(&["tag", "v1.2.3"]);
    family.refuses(None, "tag `v1.2.3` exists");
    family.write("ignored.log", "x");
    family.write("new", "x");
    family.refuses(None, "not committed:\n?? new");
}

#[test]
fn a_changelog_without_news_is_refused() {
    let news = changelog::released(
        "# C\n\n## Unreleased\n\n- X.\n\n## 1.0.0\n",
        "1.1.0",
        "2026-01-31",
    );
    assert_eq!(
        news.unwrap(),
        "# C\n\n## Unreleased\n\n## 1.1.0 - 2026-01-31\n\n- X.\n\n## 1.0.0\n"
    );
    let none = changelog::released("## Unreleased\n\n## 1.0.0\n\n- X.\n", "1.1.0", "2026-01-31");
    assert!(none.unwrap_err().to_string().contains("tells nothing"));
}

#[test]
fn the_key_is_that_of_sources_in_git_whatever_dagger_json_pins() {
    let family = Family::new();
    let key = family.plan().modules.remove(0).key;
    family.write("modules/a/build.log", "ignored by git");
    let text = family
        .sh
        .read_file(family.root().join("modules/a/dagger.json"))
        .unwrap();
    family.write(
        "modules/a/dagger.json",
        &pin::pinned(&text, "x@sha256:1").unwrap(),
    );
    assert_eq!(family.plan().modules[0].key, key);
    family.write("modules/a/src/main.rs", "fn main() { }\n");
    assert_ne!(family.plan().modules[0].key, key);
}

#[test]
fn the_same_programs_give_the_same_image() {
    let family = Family::new();
    assert_eq!(family.image("one").1, family.image("two").1);
}

#[test]
fn sha256sum_checks_every_file_of_a_release() {
    let family = Family::new();
    let sh = &family.sh;
    let dist = family.dir.path().join("dist");
    family.image("dist/image");
    checksums::write(&dist).unwrap();
    let _in_dist = sh.push_dir(&dist);
    let check = || cmd!(sh, "sha256sum --check --strict checksums.txt").ignore_stderr();
    let checked = check().read().unwrap();
    let files = cmd!(sh, "find . -type f").read().unwrap();
    // All but itself.
    assert_eq!(checked.lines().count(), files.lines().count() - 1);
    sh.write_file("image/index.json", "{}").unwrap();
    assert!(check().ignore_stdout().run().is_err());
}

#[test]
fn a_release_is_an_image_a_changelog_and_tags_that_pin_it() {
    let family = Family::new();
    let registry = Registry::start(family.dir.path());
    let repository = format!("{}/group/modules", registry.address);
    let head = family.git(&["rev-parse", "HEAD"]);
    let image = family.publish(&repository).unwrap();

    family.git(&["fetch", "--quiet", "--tags", "origin", "main"]);
    assert_eq!(
        family.git(&["rev-parse", "HEAD"]),
        head,
        "the checkout moved"
    );
    assert_eq!(family.git(&["tag", "--list"]), "modules/a/v1.2.3\nv1.2.3");
    let pinned = family.git(&["show", "modules/a/v1.2.3:modules/a/dagger.json"]);
    assert!(
        pinned.contains(&format!("\"prebuilt\": \"{image}\"")),
        "{pinned}"
    );
    let on_branch = family.git(&["show", "origin/main:modules/a/dagger.json"]);
    assert!(!on_branch.contains("prebuilt"), "{on_branch}");
    let changelog = family.git(&["show", "origin/main:CHANGELOG.md"]);
    assert!(changelog.contains("\n## 1.2.3 - 20"), "{changelog}");
    // Whoever checks the tag out has the sources that the image has programs of.
    family.git(&["checkout", "--quiet", "v1.2.3"]);
    let path = module_source::program_path("a", &family.plan().modules[0].key);
    let manifest = skopeo(&family, &["--override-arch", "arm64", "inspect"], &image);
    assert!(
        manifest.contains("\"Architecture\": \"arm64\""),
        "{manifest}"
    );
    let copy = family.dir.path().join("copy");
    skopeo(
        &family,
        &["--override-arch", "arm64", "copy"],
        &format!("{image} dir:{}", copy.display()),
    );
    let layers = fs::read_dir(&copy)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let listed = layers.map(|layer| {
        cmd!(family.sh, "tar -tzf {layer}")
            .quiet()
            .ignore_stderr()
            .ignore_status()
            .read()
            .unwrap()
    });
    assert!(listed.collect::<String>().contains(&path));

    family.refuses(None, "exists");
}

fn skopeo(family: &Family, options: &[&str], image: &str) -> String {
    let tls = if options.contains(&"copy") {
        "--src-tls-verify=false"
    } else {
        "--tls-verify=false"
    };
    // Tag and digest at once is more than skopeo takes.
    let (name, digest) = image.split_once('@').unwrap();
    let name = name.strip_suffix(":v1.2.3").unwrap();
    let address = format!("docker://{name}@{digest}");
    let words: Vec<&str> = address.split(' ').collect();
    cmd!(
        family.sh,
        "skopeo --insecure-policy {options...} {tls} {words...}"
    )
    .quiet()
    .read()
    .unwrap()
}

#[test]
fn when_the_remote_refuses_nothing_is_moved() {
    let family = Family::new();
    let registry = Registry::start(family.dir.path());
    let before = (family.remote_refs(), family.git(&["for-each-ref"]));
    // One tag is refused, which git must take as a refusal of all.
    let hook = family.remote().join("hooks/update");
    fs::create_dir_all(hook.parent().unwrap()).unwrap();
    fs::write(
        &hook,
        "#!/bin/sh\ntest \"$1\" != refs/tags/modules/a/v1.2.3\n",
    )
    .unwrap();
    cmd!(family.sh, "chmod +x {hook}").run().unwrap();
    let error = family
        .publish(&format!("{}/modules", registry.address))
        .unwrap_err();
    assert!(
        error.to_string().contains("nothing is released"),
        "{error:#}"
    );
    assert_eq!(
        (family.remote_refs(), family.git(&["for-each-ref"])),
        before
    );
    // Tried again when the cause is gone.
    fs::remove_file(hook).unwrap();
    family
        .publish(&format!("{}/modules", registry.address))
        .unwrap();
    assert!(family.remote_refs().contains("refs/tags/modules/a/v1.2.3"));
}

#[test]
fn without_a_registry_nothing_is_moved() {
    let family = Family::new();
    let before = family.remote_refs();
    let error = family.publish("127.0.0.1:1/modules").unwrap_err();
    assert!(
        format!("{error:#}").contains("nothing was published"),
        "{error:#}"
    );
    assert_eq!(family.remote_refs(), before);
}

#[test]
fn an_sbom_lists_what_is_linked_and_no_tools() {
    let metadata = serde_json::json!({
        "packages": [
            { "id": "a", "name": "a", "version": "1.0.0", "source": null, "license": "MIT/Apache-2.0", "targets": [{"kind": ["bin"]}] },
            { "id": "b", "name": "b", "version": "2.0.0", "source": "registry", "targets": [{"kind": ["lib"]}] },
            { "id": "m", "name": "m", "version": "3.0.0", "source": "registry", "targets": [{"kind": ["proc-macro"]}] },
            { "id": "t", "name": "t", "version": "4.0.0", "source": "registry", "targets": [{"kind": ["lib"]}] },
        ],
        "resolve": { "nodes": [
            { "id": "a", "deps": [
                { "pkg": "b", "dep_kinds": [{"kind": null}] },
                { "pkg": "m", "dep_kinds": [{"kind": null}] },
                { "pkg": "t", "dep_kinds": [{"kind": "dev"}] },
            ] },
            { "id": "b", "deps": [] }, { "id": "m", "deps": [] }, { "id": "t", "deps": [] },
        ] },
    });
    let document = sbom::document(&metadata, "a").unwrap();
    let components = document["components"].as_array().unwrap();
    assert_eq!(components.len(), 1);
    assert_eq!(components[0]["purl"], "pkg:cargo/b@2.0.0");
    assert_eq!(
        document["metadata"]["component"]["licenses"][0]["expression"],
        "MIT OR Apache-2.0"
    );
    assert_eq!(
        document["dependencies"][0]["dependsOn"],
        serde_json::json!(["pkg:cargo/b@2.0.0"])
    );
}

#[test]
fn a_signature_is_where_cosign_looks_and_is_by_the_key() {
    let family = Family::new();
    let registry = Registry::start(family.dir.path());
    let dir = family.dir.path();
    let [key, public] = ["key.pem", "public.pem"].map(|name| dir.join(name));
    let sh = &family.sh;
    cmd!(
        sh,
        "openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out {key}"
    )
    .quiet()
    .ignore_stderr()
    .run()
    .unwrap();
    cmd!(sh, "openssl pkey -in {key} -pubout -out {public}")
        .quiet()
        .run()
        .unwrap();
    let repository = format!("{}/modules", registry.address);
    let image = family.publish_signed(&repository, Some(&key)).unwrap();
    let (_, digest) = image.split_once('@').unwrap();

    let copy = dir.join("signature");
    let from = format!("docker://{repository}:{}.sig", digest.replace(':', "-"));
    cmd!(
        sh,
        "skopeo --insecure-policy copy --quiet --src-tls-verify=false {from} dir:{copy}"
    )
    .quiet()
    .run()
    .unwrap();
    let manifest = checks::json(&copy.join("manifest.json")).unwrap();
    let layer = &manifest["layers"][0];
    let payload = copy.join(
        layer["digest"]
            .as_str()
            .unwrap()
            .trim_start_matches("sha256:"),
    );
    assert!(fs::read_to_string(&payload).unwrap().contains(digest));
    let signature = layer["annotations"]["dev.cosignproject.cosign/signature"]
        .as_str()
        .unwrap();
    let file = dir.join("signature.der");
    let decoded = base64::Engine::decode(&base64::engine::general_purpose::STANDARD, signature);
    fs::write(&file, decoded.unwrap()).unwrap();
    cmd!(
        sh,
        "openssl dgst -sha256 -verify {public} -signature {file} {payload}"
    )
    .quiet()
    .ignore_stdout()
    .run()
    .unwrap();
}
