//! A command by hand in the root file system of an image: `runc run`, with no
//! more than a container of poniard's has.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use eyre::{OptionExt, Result, WrapErr};
use serde_json::{Value, json};

use super::{Context, nonce, time};

/// An OCI bundle.
#[derive(Clone)]
pub struct Bundle {
    dir: PathBuf,
    config: Value,
}

impl Bundle {
    /// With the file system that `script`, a pipeline that ends in a container,
    /// makes.
    pub fn of(context: &Context, script: &str) -> Result<Self> {
        let dir = context.scratch.join("bundle");
        let rootfs = dir.join("rootfs");
        time(&mut context.script(&format!("{script} | rootfs | export {}", rootfs.display())))?;
        time(Command::new("runc").args(["spec", "--bundle"]).arg(&dir))?;
        let config =
            fs::read(dir.join("config.json")).wrap_err("cannot read what `runc spec` wrote")?;
        let mut config: Value = serde_json::from_slice(&config)?;
        config["process"]["terminal"] = json!(false);
        config["root"]["readonly"] = json!(false);
        Ok(Self { dir, config })
    }

    /// Sets the command, and where it runs.
    pub fn command(mut self, args: &[&str], cwd: &str) -> Self {
        self.config["process"]["args"] = json!(args);
        self.config["process"]["cwd"] = json!(cwd);
        self
    }

    /// Shows a directory or file of the host inside.
    pub fn bind(mut self, source: &Path, target: &str) -> Result<Self> {
        let bind = json!({"type": "bind", "source": source, "destination": target, "options": ["rbind", "rw"]});
        self.list("mounts")?.push(bind);
        Ok(self)
    }

    pub fn env(mut self, name: &str, value: &str) -> Result<Self> {
        let env = &mut self.config["process"]["env"];
        env.as_array_mut()
            .ok_or_eyre("no environment in the OCI specification")?
            .push(json!(format!("{name}={value}")));
        Ok(self)
    }

    /// Uses the network of the host, its resolver, and its certificates when
    /// they are its own.
    pub fn on_host_network(mut self) -> Result<Self> {
        let namespaces = self.config["linux"]["namespaces"]
            .as_array_mut()
            .ok_or_eyre("no namespaces")?;
        namespaces.retain(|namespace| namespace["type"] != "network");
        for file in ["/etc/resolv.conf", "/etc/hosts"] {
            self = self.bind(Path::new(file), file)?;
        }
        if let Some(bundle) = std::env::var_os("SSL_CERT_FILE") {
            let inside = "/etc/by-hand-certificates.pem";
            self = self.bind(Path::new(&bundle), inside)?;
            self = self
                .env("SSL_CERT_FILE", inside)?
                .env("NODE_EXTRA_CA_CERTS", inside)?;
        }
        Ok(self)
    }

    /// A path of its file system, seen from here.
    pub fn path(&self, path: &str) -> PathBuf {
        self.dir.join("rootfs").join(path)
    }

    /// Its directory, for `runc run --bundle`.
    pub fn written(&self) -> Result<&Path> {
        fs::write(self.dir.join("config.json"), self.config.to_string())?;
        Ok(&self.dir)
    }

    /// Runs it; gives the seconds that it takes.
    pub fn time(&self) -> Result<f64> {
        time(
            Command::new("runc")
                .args(["run", "--bundle"])
                .arg(self.written()?)
                .arg(nonce()),
        )
    }

    fn list(&mut self, key: &str) -> Result<&mut Vec<Value>> {
        self.config[key]
            .as_array_mut()
            .ok_or_eyre("an unknown form of the OCI specification")
    }
}
