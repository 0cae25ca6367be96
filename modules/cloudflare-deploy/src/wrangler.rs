//! Runs Wrangler in a container, and reads what it reports.

use std::time::{SystemTime, UNIX_EPOCH};

use futures::try_join;
use poniard_sdk::api::{ContainerWithExecOptsBuilder, ReturnType};
use poniard_sdk::prelude::*;
use serde_json::Value;

use crate::output::{self, Entry};

/// Newest version that the tests have passed with.
pub const VERSION: &str = "4.164.0";
/// Wrangler needs Node.js 22.12 or newer.
pub const NODE_IMAGE: &str = "node:22-slim";

const HOME: &str = "/opt/wrangler";
const PROGRAM: &str = "/opt/wrangler/node_modules/wrangler/bin/wrangler.js";
const WORKDIR: &str = "/deploy";
const OUTPUT: &str = "/opt/wrangler/output.ndjson";
/// Codes of Cloudflare's API for a worker that does not exist.
const NOT_FOUND: [u64; 2] = [10007, 10090];
const SECRETS_FILE: &str = "/run/secrets/worker";

/// Everything that a command of Wrangler's gets from outside.
pub struct Wrangler {
    /// With Wrangler installed.
    pub container: Container,
    pub account_id: String,
    pub api_url: Option<String>,
    pub token: Secret,
}

/// What lies in the container.
#[derive(Default)]
pub struct Files<'a> {
    /// The configuration's directory, below the working directory.
    pub home: &'a str,
    /// What is there beside the configuration.
    pub project: Option<&'a Directory>,
    /// The built site, and where it belongs.
    pub dist: Option<(&'a str, &'a Directory)>,
    /// The worker's secrets.
    pub secrets: Option<&'a Secret>,
}

/// A container with Wrangler. Its layer holds no more than the version, so it
/// is made once; what Node.js compiles is kept with it, which halves the start.
pub fn install(node_image: &str, version: &str) -> Container {
    let package = format!("wrangler@{version}");
    let install = [
        "npm",
        "install",
        "--prefix",
        HOME,
        "--ignore-scripts",
        "--no-audit",
        "--no-fund",
        "--no-update-notifier",
        &package,
    ];
    dag()
        .container()
        .from(node_image)
        .with_env_variable("CI", "1")
        .with_env_variable("NO_COLOR", "1")
        .with_env_variable("FORCE_COLOR", "0")
        .with_env_variable("WRANGLER_HIDE_BANNER", "true")
        .with_env_variable("WRANGLER_SEND_METRICS", "false")
        .with_env_variable("WRANGLER_SEND_ERROR_REPORTS", "false")
        .with_env_variable("NODE_COMPILE_CACHE", "/opt/wrangler/compiled")
        .with_mounted_cache("/root/.npm", dag().cache_volume("wrangler-npm"))
        .with_exec(install.to_vec())
        .with_exec(vec!["node", PROGRAM, "--version"])
        .without_mount("/root/.npm")
}

impl Wrangler {
    /// Runs a command, which may have effects, exactly once.
    pub async fn run(
        &self,
        (name, config): (&str, &File),
        files: &Files<'_>,
        command: &[&str],
        flags: &[String],
    ) -> Result<Vec<Entry>> {
        let home = below(WORKDIR, files.home);
        let path = below(&home, name);
        let mut container = self.container.clone().with_workdir(home.as_str());
        if let Some(project) = files.project {
            container = container.with_directory(home.as_str(), project.clone());
        }
        if let Some((place, dist)) = files.dist {
            container = container.with_mounted_directory(below(WORKDIR, place), dist.clone());
        }
        container = container.with_mounted_file(path.as_str(), config.clone());
        let mut args = vec!["node", PROGRAM];
        args.extend(command);
        args.extend(flags.iter().map(String::as_str));
        args.extend(["--config", &path]);
        if let Some(secrets) = files.secrets {
            container = container.with_mounted_secret(SECRETS_FILE, secrets.clone());
            args.extend(["--secrets-file", SECRETS_FILE]);
        }
        if let Some(url) = &self.api_url {
            container = container.with_env_variable("CLOUDFLARE_API_BASE_URL", url);
        }
        let expect = ContainerWithExecOptsBuilder::default()
            .expect(ReturnType::Any)
            .build()?;
        let done = container
            .with_mounted_temp("/tmp")
            .with_env_variable("WRANGLER_LOG_PATH", "/tmp/wrangler-logs")
            .with_env_variable("WRANGLER_OUTPUT_FILE_PATH", OUTPUT)
            .with_env_variable("CLOUDFLARE_ACCOUNT_ID", self.account_id.as_str())
            .with_secret_variable("CLOUDFLARE_API_TOKEN", self.token.clone())
            // What has effects must not be answered from a cache of layers.
            .with_env_variable("PONIARD_RUN", nonce())
            .with_exec_opts(args, expect);
        let code = done.exit_code().await?;
        let text = done.file(OUTPUT).contents().await;
        if code == 0 {
            return output::parse(&text?);
        }
        // Without a file, Wrangler did not even start.
        let entries = output::parse(&text.unwrap_or_default()).unwrap_or_default();
        let (stdout, stderr) = try_join!(done.stdout(), done.stderr())?;
        Err(failed(&command.join(" "), code, &entries, &stdout, &stderr).into())
    }
}

/// Whether a command of Wrangler's failed by an answer of Cloudflare's API, as
/// opposed to what Wrangler found by itself.
pub fn failed_at_cloudflare(error: &poniard_sdk::eyre::Report) -> bool {
    EngineError::find(error).is_some_and(|error| {
        let code = error.extensions.get("wranglerCode");
        code.is_some_and(|code| code.is_number() && !NOT_FOUND.iter().any(|known| code == known))
    })
}

/// Wrangler's own words and code, and its exit code for whoever called.
fn failed(
    command: &str,
    exit: isize,
    entries: &[Entry],
    stdout: &str,
    stderr: &str,
) -> EngineError {
    let failure = entries.iter().rev().find_map(|entry| match entry {
        Entry::CommandFailed { code, message } => Some((code.clone(), message.clone())),
        _ => None,
    });
    let (code, message) = failure.unwrap_or_else(|| (None, format!("exit code {exit}")));
    let shown = match &code {
        Some(Value::String(code)) => format!(" [code: {code}]"),
        Some(Value::Number(code)) if !message.contains(&format!("[code: {code}]")) => {
            format!(" [code: {code}]")
        }
        _ => String::new(),
    };
    EngineError::new(format!(
        "`wrangler {command}` failed: {}{shown}",
        message.trim()
    ))
    .with_value("_type", "EXEC_ERROR")
    .with_value("cmd", vec!["wrangler", command])
    .with_value("exitCode", exit)
    .with_value("stdout", stdout)
    .with_value("stderr", stderr)
    .with_value("wranglerCode", code.unwrap_or(Value::Null))
    .with_value("wranglerMessage", message)
}

fn below(directory: &str, path: &str) -> String {
    match path {
        "" => directory.to_owned(),
        path => format!("{directory}/{path}"),
    }
}

/// A word that no earlier run has used.
fn nonce() -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    format!("{:x}", now.unwrap_or_default().as_nanos())
}
