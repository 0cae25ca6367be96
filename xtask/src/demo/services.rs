//! Where the demo deploys to: the real services when the environment has their
//! tokens, else the stand-ins of the tests.

use std::env;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use eyre::{OptionExt, Result, WrapErr, bail};

use super::page;

/// What the scripts read.
const CLOUDFLARE_TOKEN: &str = "CLOUDFLARE_WORKERS_TOKEN";
const GITLAB_TOKEN: &str = "CICD_COMMENT_TOKEN";
const MERGE_REQUEST: &str = "CI_MERGE_REQUEST_IID";

pub enum Services {
    /// Named by the environment.
    Real,
    StandIns {
        cloudflare: StandIn,
        gitlab: StandIn,
    },
}

/// A process of `stand-ins`; it ends with this value.
pub struct StandIn {
    process: Child,
    /// What it printed: its address.
    url: String,
}

impl Services {
    /// `program`: the stand-ins, built.
    pub fn find(program: &Path) -> Result<Self> {
        let set = |name: &&str| env::var(name).is_ok_and(|value| !value.is_empty());
        let names = [CLOUDFLARE_TOKEN, GITLAB_TOKEN, MERGE_REQUEST];
        let there: Vec<&str> = names.into_iter().filter(set).collect();
        if there.len() == names.len() {
            eprintln!(
                "deploying to Cloudflare and GitLab: {} are set",
                names.join(", ")
            );
            return Ok(Self::Real);
        }
        if let Some(missing) = names.iter().find(|name| !there.contains(name))
            && !there.is_empty()
        {
            bail!(
                "{} is set and {missing} is not: set all of {} to deploy to the real services, or none",
                there[0],
                names.join(", ")
            );
        }
        eprintln!(
            "deploying to stand-ins on this machine ({} are not set)",
            names.join(", ")
        );
        Ok(Self::StandIns {
            cloudflare: StandIn::start(program, "cloudflare")?,
            gitlab: StandIn::start(program, "gitlab")?,
        })
    }

    /// Tells a command where the services are.
    pub fn announce(&self, command: &mut Command) {
        let Self::StandIns { cloudflare, gitlab } = self else {
            return;
        };
        command
            .env("CLOUDFLARE_API_BASE_URL", &cloudflare.url)
            .env(CLOUDFLARE_TOKEN, TOKEN)
            .env("CI_SERVER_URL", &gitlab.url)
            .env(GITLAB_TOKEN, TOKEN)
            .env("CI_PROJECT_ID", "42")
            .env(MERGE_REQUEST, "7");
    }

    /// An address that this machine can open, for one that a service gave out.
    pub fn local(&self, url: &str) -> Result<String> {
        let Self::StandIns { cloudflare, .. } = self else {
            return Ok(url.to_owned());
        };
        // Names below `localhost` are this machine's, in browsers and in curl.
        let (host, path) = page::parts(url)?;
        match host.ends_with(".workers.dev") {
            true => Ok(format!(
                "http://{host}.localhost:{}{path}",
                cloudflare.port()?
            )),
            false => Ok(url.to_owned()),
        }
    }
}

/// A canary: it must appear in nothing that is shown.
const TOKEN: &str = "demo-token-5pV0xJ3qLr8w";

impl StandIn {
    fn start(program: &Path, service: &str) -> Result<Self> {
        let mut process = Command::new(program)
            .arg(service)
            .env("STAND_IN_TOKEN", TOKEN)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .wrap_err_with(|| format!("cannot run `{}`", program.display()))?;
        let stdout = process.stdout.take().ok_or_eyre("no output")?;
        let mut url = String::new();
        BufReader::new(stdout).read_line(&mut url)?;
        let started = Self {
            process,
            url: url.trim().to_owned(),
        };
        if started.url.is_empty() {
            bail!("the stand-in of {service} does not start");
        }
        Ok(started)
    }

    fn port(&self) -> Result<&str> {
        let (host, _) = page::parts(&self.url)?;
        let (_, port) = host.rsplit_once(':').ok_or_eyre("no port")?;
        Ok(port)
    }
}

impl Drop for StandIn {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
