//! The first call of a module that a release has compiled, on a machine that has
//! never seen it: its image is pulled, nothing is compiled.

use std::env;
use std::fs;
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use eyre::{Result, bail, eyre};
use xshell::cmd;

use super::series::{Bound, Row, in_turns};
use super::{Context, time};
use crate::release;
use crate::setup;

pub fn measure(context: &Context) -> Result<Vec<Row>> {
    let sh = &context.project.sh;
    setup::install(sh, &[setup::TESTS, setup::REGISTRY])?;
    let copy = context.checkout("released")?;
    let module = copy.join("modules/config");
    cmd!(sh, "git -C {copy} add --all").quiet().run()?;
    // The program as engines compile it, which this machine may have already.
    let target = context.project.state.join("cargo-target");
    cmd!(
        sh,
        "cargo build --locked --target host-tuple --profile dagger --package config"
    )
    .env("CARGO_TARGET_DIR", &target)
    .env("RUSTFLAGS", "-C target-feature=+crt-static")
    .run()?;
    let host = format!("{}-unknown-linux-gnu", env::consts::ARCH);
    let program = target.join(host).join("dagger/config");
    let layout = context.scratch.join("layout");
    let digest = release::image_of(&copy, "config", &program, &layout)?;

    let registry = Registry::start(context)?;
    let name = format!("{}/modules", registry.address);
    let from = format!("oci:{}", layout.display());
    let to = format!("docker://{name}:v1");
    cmd!(sh, "skopeo --insecure-policy copy --quiet --all --preserve-digests --dest-tls-verify=false {from} {to}")
        .quiet()
        .run()?;
    let text = fs::read_to_string(module.join("dagger.json"))?;
    let text = release::pin::pinned(&text, &format!("{name}@{digest}"))?;
    fs::write(module.join("dagger.json"), text)?;

    let path = env::var_os("PATH").unwrap_or_default();
    let dirs = env::split_paths(&path).filter(|dir| !dir.join("cargo").exists());
    let path = env::join_paths(dirs)?;
    let mut call = || {
        let state = context.project.state.join("../released-state");
        if state.exists() {
            fs::remove_dir_all(&state)?;
        }
        let mut command = context.poniard.command();
        command.args(["call", "-m"]).arg(&module);
        command.args(["schema", "contents"]);
        // Whoever compiles fails.
        command.env("PATH", &path).env("PONIARD_STATE", &state);
        let seconds = time(&mut command);
        fs::remove_dir_all(&state)?;
        seconds
    };
    let [ours] = in_turns(context.rounds, [&mut call])?;
    Ok(vec![Row {
        name: "released: first call of a module, nothing kept",
        ours,
        reference: None,
        bound: Bound::Seconds(3.0),
    }])
}

/// Debian's `docker-registry`.
struct Registry {
    process: Child,
    address: String,
}

impl Registry {
    fn start(context: &Context) -> Result<Self> {
        let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?.to_string();
        let (config, root) = (
            context.scratch.join("registry.yml"),
            context.scratch.join("registry"),
        );
        let root = root.display();
        fs::write(
            &config,
            format!(
                "version: 0.1\nstorage: {{filesystem: {{rootdirectory: {root}}}}}\nhttp: {{addr: '{address}'}}\n"
            ),
        )?;
        let process = Command::new("docker-registry")
            .arg("serve")
            .arg(&config)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|error| eyre!("cannot run `docker-registry`: {error}"))?;
        let registry = Self { process, address };
        let deadline = Instant::now() + Duration::from_secs(20);
        while TcpStream::connect(&registry.address).is_err() {
            if Instant::now() > deadline {
                bail!("`docker-registry` does not answer");
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(registry)
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
