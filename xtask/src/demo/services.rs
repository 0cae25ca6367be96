//! Where the demo deploys to: the real services when the environment has their
//! tokens, else the stand-ins of the tests.

use std::env;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};

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
    /// Open as long as it may print.
    _printed: ChildStdout,
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
            cloudflare: StandIn::start(program, "cloudflare", "STAND_IN_CLOUDFLARE_TOKEN")?,
            gitlab: StandIn::start(program, "gitlab", "STAND_IN_GITLAB_TOKEN")?,
        })
    }

    /// Tells a command where the services are.
    pub fn announce(&self, command: &mut Command) {
        let Self::StandIns { cloudflare, gitlab } = self else {
            return;
        };
        command
            .env("CLOUDFLARE_API_BASE_URL", &cloudflare.url)
            .env("CLOUDFLARE_ACCOUNT_ID", ACCOUNT)
            .env(CLOUDFLARE_TOKEN, TOKEN)
            .env("CI_SERVER_URL", &gitlab.url)
            .env(GITLAB_TOKEN, TOKEN)
            .env("CI_PROJECT_ID", "42")
            .env(MERGE_REQUEST, "1");
    }

    /// An address that this machine can open, for one that a service gave out;
    /// none when that is the address itself.
    pub fn local(&self, url: &str) -> Result<Option<String>> {
        let Self::StandIns { cloudflare, .. } = self else {
            return Ok(None);
        };
        // Names below `localhost` are this machine's, in browsers and in curl.
        let (host, path) = page::parts(url)?;
        Ok(Some(match host.ends_with(".workers.dev") {
            true => format!("http://{host}.localhost:{}{path}", cloudflare.port()?),
            false => url.to_owned(),
        }))
    }
}

/// The account of the stand-in.
pub const ACCOUNT: &str = "023e105f4ecef8ad9ca31a8372d0c353";
/// A canary: it must appear in nothing that is shown.
pub const TOKEN: &str = "demo-token-5pV0xJ3qLr8w";

impl StandIn {
    /// `token` is the variable in which the service takes its token.
    pub fn start(program: &Path, service: &str, token: &str) -> Result<Self> {
        let mut process = Command::new(program)
            .arg(service)
            .env(token, TOKEN)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .wrap_err_with(|| format!("cannot run `{}`", program.display()))?;
        let stdout = process.stdout.take().ok_or_eyre("no output")?;
        let (mut printed, mut url) = (BufReader::new(stdout), String::new());
        printed.read_line(&mut url)?;
        let started = Self {
            process,
            _printed: printed.into_inner(),
            url: url.trim().to_owned(),
        };
        if started.url.is_empty() {
            bail!("the stand-in of {service} does not start");
        }
        Ok(started)
    }

    /// The address of the API.
    pub fn url(&self) -> &str {
        &self.url
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
