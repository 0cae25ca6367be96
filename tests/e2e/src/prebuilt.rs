//! A module whose program a release has compiled: loading it compiles nothing,
//! and whatever is wrong with the release, it is compiled and the user told.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;
use test_support::{Finished, Running};

use crate::fixture::{greet, greeter};
use crate::git::http::Server;
use crate::place::{GRACE, LIMIT, Place, argument};

/// Debian's `docker-registry`.
pub struct Registry {
    process: Child,
    pub address: String,
    _storage: TempDir,
}

impl Registry {
    pub fn start() -> Self {
        let storage = tempfile::tempdir().expect("a directory");
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address").to_string();
        drop(listener);
        let config = storage.path().join("config.yml");
        let root = storage.path().join("images");
        let text = format!(
            "version: 0.1\nstorage: {{filesystem: {{rootdirectory: {}}}}}\nhttp: {{addr: '{address}'}}\n",
            root.display()
        );
        fs::write(&config, text).expect("a configuration");
        let process = Command::new("docker-registry")
            .arg("serve")
            .arg(&config)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("no docker-registry: run `cargo xtask test` once");
        let deadline = Instant::now() + GRACE;
        while TcpStream::connect(&address).is_err() {
            assert!(Instant::now() < deadline, "the registry does not answer");
            std::thread::sleep(Duration::from_millis(20));
        }
        Self {
            process,
            address,
            _storage: storage,
        }
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The key of the module `greeter` in a place.
fn key(place: &Place) -> String {
    let dir = place.path("greeter");
    let config = fs::read_to_string(dir.join("dagger.json")).expect("a dagger.json");
    let config: serde_json::Value = serde_json::from_str(&config).expect("JSON");
    let include = config["include"].as_array().expect("a list").iter();
    let include: Vec<_> = include
        .filter_map(|path| path.as_str().map(str::to_owned))
        .collect();
    let files = module_source::files(&dir, &include).expect("files");
    module_source::key(&place.path(""), &files).expect("a key")
}

/// Publishes an image with the program of the module; gives its name with digest.
pub fn release(place: &Place, registry: &Registry, platform: &str, program: &str) -> String {
    let path = module_source::program_path("greeter", &key(place));
    let name = format!(
        "{}/modules:{}",
        registry.address,
        platform.replace('/', "-")
    );
    let script = format!(
        "container --platform {platform} | with-file /{path} {} --permissions 493 | publish {name}",
        program
    );
    let done = place.run(&["-M", "-c", &script]);
    assert_eq!(done.code, 0, "{}", done.stderr());
    done.stdout()
}

pub fn pin(place: &Place, image: &str) {
    let path = place.path("greeter/dagger.json");
    let text = fs::read_to_string(&path).expect("a dagger.json");
    let mut config: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    config["sdk"]["config"] = serde_json::json!({ "prebuilt": image });
    fs::write(path, config.to_string()).expect("written");
}

/// The program that a call of the module has left in the state directory.
pub fn program(place: &Place) -> PathBuf {
    let kept = fs::read_dir(place.state.join("modules")).expect("modules");
    // The time of the directory is that of the last use, be it compiled or known.
    let kept = kept.filter_map(|entry| Some(entry.ok()?.path()));
    kept.filter(|path| path.to_string_lossy().contains("/greeter-"))
        .filter_map(|path| {
            Some((
                fs::metadata(&path).ok()?.modified().ok()?,
                path.join("module"),
            ))
        })
        .max()
        .expect("a program")
        .1
}

/// This machine's programs without cargo.
fn path_without_cargo() -> OsString {
    let path = env::var_os("PATH").unwrap_or_default();
    let dirs = env::split_paths(&path).filter(|dir| !dir.join("cargo").exists());
    env::join_paths(dirs).expect("a path")
}

fn git(dir: &Path, args: &[&str]) {
    let done = Command::new("git")
        .args([
            "-c",
            "user.name=tests",
            "-c",
            "user.email=tests@example.com",
        ])
        .args(args)
        .current_dir(dir)
        .output()
        .expect("git runs");
    assert!(
        done.status.success(),
        "{}",
        String::from_utf8_lossy(&done.stderr)
    );
}

#[track_caller]
fn greets(done: &Finished, word: &str, compiled: bool) {
    let stderr = done.stderr();
    assert_eq!((done.code, done.stdout().as_str()), (0, word), "{stderr}");
    assert_eq!(
        stderr.contains("compile module greeter"),
        compiled,
        "{stderr}"
    );
}

#[test]
fn a_released_module_compiles_nothing_and_any_other_is_compiled_and_says_why() {
    let (mut place, module) = greeter(&greet("\"hello\".to_string()"));
    let call = ["call", "-m", argument(&module), "greet"];
    let done = place.run(&call);
    assert_eq!(done.stdout(), "hello", "{}", done.stderr());
    let types = Command::new(program(&place)).arg("types").output();
    place.write(
        "greeter/dagger.types.json",
        types.expect("a program").stdout,
    );

    let registry = Registry::start();
    let own = host_platform();
    let other = if own == "linux/amd64" {
        "linux/arm64"
    } else {
        "linux/amd64"
    };
    fs::copy(program(&place), place.path("program")).expect("a copy");
    let image = release(&place, &registry, own, "program");
    let foreign = release(&place, &registry, other, "program");
    pin(&place, &image);
    let repositories = tempfile::tempdir().expect("a directory");
    git(&place.path(""), &["add", "--all"]);
    git(
        &place.path(""),
        &["commit", "--quiet", "--message", "release"],
    );
    git(&place.path(""), &["tag", "greeter/v1.0.0"]);
    let bare = repositories.path().join("family.git");
    git(
        &place.path(""),
        &["clone", "--quiet", "--bare", ".", argument(&bare)],
    );
    let server = Server::start(repositories.path());

    // A machine that has never seen the module, nor cargo.
    let fresh = tempfile::Builder::new()
        .prefix("prebuilt-")
        .tempdir_in(place.state.join(".."))
        .expect("a directory");
    let state = std::mem::replace(&mut place.state, fresh.path().to_owned());
    place.write("shop/dagger.json", "{ \"name\": \"shop\" }");
    let run = |args: &[&str]| {
        let mut command = place.command(args);
        command
            .env("PATH", path_without_cargo())
            .envs(server.variables());
        command.current_dir(place.path("shop"));
        Running::to_end(&mut command, "", LIMIT).expect("a run")
    };
    let done = run(&["install", "http://git.test/family.git/greeter@v1.0.0"]);
    assert_eq!(done.code, 0, "{}", done.stderr());
    greets(&run(&["call", "-m", "greeter", "greet"]), "hello", false);
    place.state = state;

    let compiles = |word: &str, image: &str, why: &str| {
        pin(&place, image);
        place.write(
            "greeter/src/lib.rs",
            greet(&format!("\"{word}\".to_string()")),
        );
        let done = place.run(&call);
        greets(&done, word, true);
        let said = format!("module `greeter` is not prebuilt and is compiled: {why}");
        assert!(done.stderr().contains(&said), "{}", done.stderr());
    };
    compiles(
        "touched",
        &image,
        &format!("`{image}` was made from other sources"),
    );
    compiles(
        "foreign",
        &foreign,
        &format!("cannot use image `{foreign}`"),
    );
    let wrong = format!("{}/modules@sha256:{:064}", registry.address, 1);
    compiles("wrong", &wrong, &format!("cannot pull image `{wrong}`"));
    drop(registry);
    compiles(
        "alone",
        "127.0.0.1:1/modules:1",
        "cannot pull image `127.0.0.1:1/modules:1`: cannot reach",
    );
    place.nothing_is_left();
}

pub fn host_platform() -> &'static str {
    if cfg!(target_arch = "x86_64") {
        "linux/amd64"
    } else {
        "linux/arm64"
    }
}
