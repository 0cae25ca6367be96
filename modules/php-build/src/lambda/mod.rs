//! An image as Lambda runs it: as Lambda's user, its directories on read-only
//! mounts, an empty `/tmp`, and `lambda.php` beside it, which speaks Lambda's
//! Runtime API, and `gateway.php`, which stands before it.

mod report;

use poniard_sdk::api::{
    ContainerAsServiceOptsBuilder, ContainerWithDirectoryOptsBuilder,
    ContainerWithMountedDirectoryOptsBuilder, ContainerWithMountedTempOptsBuilder,
};
use poniard_sdk::prelude::*;
use poniard_sdk::serde_json::{self, Value};
use serde::Serialize;

pub use report::Report;

use crate::image::TASK;

const PROGRAM: &str = include_str!("lambda.php");
const GATEWAY: &str = include_str!("gateway.php");
/// In no directory of the image.
const PLACE: &str = "/php-build";
/// Where Lambda's user may leave the result; `/tmp` is gone with the process.
const RESULTS: &str = "/php-build-results";
/// Directories that are no read-only mounts: the kernel's, the one that may be
/// written to, and `/etc`, where engines put files of their own. That one is
/// root's alone, which `lambda.php` checks.
const NOT_MOUNTED: [&str; 5] = ["dev", "etc", "proc", "sys", "tmp"];
/// Anybody's, and Lambda has none.
const SHARED_MEMORY: &str = "/dev/shm";
/// `sbx_user1051` of Lambda's machines.
const USER: &str = "993:990";
/// Lambda's default size of `/tmp`.
const TEMPORARY_BYTES: isize = 512 * 1024 * 1024;

/// What `lambda.php` does.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Plan {
    /// Entrypoint and handler.
    pub command: Vec<String>,
    /// Lines of shell to run before.
    pub set_up: Vec<String>,
    /// Paths to request.
    pub requests: Vec<String>,
    /// What every page must hold; empty for anything.
    pub contains: String,
    /// Events to invoke the function with.
    pub events: Vec<Value>,
    /// Seconds that Lambda gives one event.
    pub timeout: f64,
    /// Megabytes, as the function is told.
    pub memory: u32,
    /// To serve on; 0 ends after requests and events.
    pub port: u16,
    pub document_root: String,
    /// What `craft-cloud.yaml` says to what stands before Lambda; null for nothing.
    pub rules: Value,
    /// Path of the static files' directory, as browsers see it.
    pub artifacts: String,
}

impl Plan {
    /// As `lambda.php` reads it.
    pub fn text(&self) -> Result<String> {
        Ok(serde_json::to_string(self)?)
    }
}

/// The container, restricted as in Lambda: no API makes a whole root file system
/// read-only, so each directory in it is mounted so.
pub async fn restricted(image: &Container) -> Result<Container> {
    let read_only = || {
        ContainerWithMountedDirectoryOptsBuilder::default()
            .read_only(true)
            .build()
    };
    let temporary = ContainerWithMountedTempOptsBuilder::default()
        .size(TEMPORARY_BYTES)
        .build()?;
    let mut container = image.clone();
    for entry in image.rootfs().entries().await? {
        // Links, which end without a slash, lead into the others.
        let Some(name) = entry.strip_suffix('/') else {
            continue;
        };
        if !NOT_MOUNTED.contains(&name) {
            let path = format!("/{name}");
            let files = image.directory(path.as_str());
            container = container.with_mounted_directory_opts(path, files, read_only()?);
        }
    }
    Ok(container
        .with_mounted_directory_opts(SHARED_MEMORY, dag().directory(), read_only()?)
        .with_mounted_temp_opts("/tmp", temporary)
        .with_user(USER))
}

/// The image beside `lambda.php`, and the command that runs it.
async fn beside(image: &Container, mut plan: Plan) -> Result<(Container, Vec<String>)> {
    let mut command = image.entrypoint().await?;
    command.extend(image.default_args().await?);
    plan.command = command;
    let files = dag()
        .directory()
        .with_new_file("lambda.php", PROGRAM)
        .with_new_file("gateway.php", GATEWAY)
        .with_new_file("plan.json", plan.text()?);
    let owner = ContainerWithDirectoryOptsBuilder::default()
        .owner(USER)
        .build()?;
    let container = restricted(image)
        .await?
        .with_directory_opts(RESULTS, dag().directory(), owner)
        .with_mounted_directory(PLACE, files)
        .with_workdir(TASK);
    // Without the project's php.ini: it is not the one under test.
    let program = ["php", "-n", "-d", "memory_limit=512M"].map(str::to_owned);
    let files = [
        format!("{PLACE}/lambda.php"),
        format!("{PLACE}/plan.json"),
        format!("{RESULTS}/result.json"),
    ];
    Ok((container, [program.as_slice(), &files].concat()))
}

/// Runs set-up, requests and events, and tells how they went.
pub async fn run(image: &Container, plan: Plan) -> Result<Report> {
    let (container, command) = beside(image, plan).await?;
    let done = container.with_exec(command);
    let text = done
        .file(format!("{RESULTS}/result.json"))
        .contents()
        .await?;
    serde_json::from_str(text.trim())
        .map_err(|_| eyre!("the image cannot be run: the result is no JSON: {text}"))
}

/// The site as a service.
pub async fn serve(image: &Container, plan: Plan) -> Result<Service> {
    let port = plan.port;
    let (container, command) = beside(image, plan).await?;
    let command: Vec<&str> = command.iter().map(String::as_str).collect();
    let opts = ContainerAsServiceOptsBuilder::default()
        .args(command)
        .build()?;
    Ok(container
        .with_exposed_port(isize::try_from(port)?)
        .as_service_opts(opts))
}
