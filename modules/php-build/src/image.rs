//! The image: base, extensions, packages, sources and what the Node.js step
//! built, each in a layer of its own, all with one time and one mode.

use std::fmt;

use poniard_sdk::api::{DirectoryFilterOptsBuilder, DirectoryWithDirectoryOptsBuilder};
use poniard_sdk::prelude::*;

use crate::project::{Project, join};
use crate::settings::Settings;

pub const TASK: &str = "/var/task";
/// Handler of a queue, unless another one is named.
const QUEUE: &str = "queue.php";

/// Of every file that a build adds: the same input makes the same image. In the
/// year 2000, since some archives cannot tell of 1970.
pub const TIME: isize = 946_684_800;

/// The same for all of them: what a checkout has depends on who made it, and
/// Lambda's user, who is neither the owner nor in the group, has to read it.
const MODE: isize = 0o755;

/// What is no part of a running application, or must not be read from one.
const LEFT_OUT: [&str; 5] = [
    ".npmrc",
    "auth.json",
    ".gitignore",
    ".gitattributes",
    ".editorconfig",
];

/// What a Lambda function of the image is for.
#[enumeration]
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Handler {
    /// Answers HTTP requests.
    Web,
    /// Runs console commands.
    Console,
    /// Works on messages of a queue, or other events.
    Queue,
}

/// The base with the extensions that the project needs.
pub fn with_extensions(base: &Container, settings: &Settings) -> Container {
    let added = with_images(base, &settings.extra_images);
    with_enabled(&added, &settings.enabled_extensions)
}

/// `base` with extensions out of images of Bref's.
pub fn with_images(base: &Container, images: &[String]) -> Container {
    images.iter().fold(base.clone(), |container, image| {
        let extra = dag().container().from(image.as_str()).directory("/opt");
        container.with_directory("/opt", extra)
    })
}

/// `base` with extensions switched on that it has.
pub fn with_enabled<S: fmt::Display>(base: &Container, names: &[S]) -> Container {
    if names.is_empty() {
        return base.clone();
    }
    let lines: String = names
        .iter()
        .map(|name| format!("extension={name}\n"))
        .collect();
    let folder = dag()
        .directory()
        .with_new_file("ext-enabled.ini", lines)
        .with_timestamps(TIME);
    base.with_directory("/opt/bref/etc/php/conf.d", folder)
}

/// Lays Composer's packages on it.
pub fn with_packages(container: &Container, vendor: Directory) -> Result<Container> {
    let vendor = dag().directory().with_directory("vendor", vendor);
    with_task(&container.with_workdir(TASK), vendor)
}

/// What of a project's files is for its image.
pub fn without_left_out(source: &Directory) -> Result<Directory> {
    let opts = DirectoryFilterOptsBuilder::default()
        .exclude(LEFT_OUT.to_vec())
        .build()?;
    Ok(source.filter_opts(opts))
}

/// Lays files on those in `/var/task`. Copied from further up, so that the
/// directory itself gets the time and the mode of the others.
pub fn with_task(container: &Container, files: Directory) -> Result<Container> {
    let opts = DirectoryWithDirectoryOptsBuilder::default()
        .permissions(MODE)
        .build()?;
    let above = dag().directory().with_directory_opts("task", files, opts);
    Ok(container.with_directory("/var", above.with_timestamps(TIME)))
}

/// A runtime of Bref's, and the handler in it.
pub struct Function {
    runtime: &'static str,
    file: String,
}

impl Function {
    /// What runs as `handler`: `file`, or else the usual one.
    pub async fn find(
        project: &Project,
        settings: &Settings,
        handler: Handler,
        file: Option<&str>,
    ) -> Result<Self> {
        let runtime = match handler {
            Handler::Web => "fpm",
            Handler::Console => "console",
            Handler::Queue => "function",
        };
        let file = match (handler, file) {
            (_, Some(file)) => file.to_owned(),
            (Handler::Web, None) => join(&settings.document_root, "index.php"),
            (Handler::Console, None) => {
                ensure!(
                    !settings.console.is_empty(),
                    "no `craft`, `artisan` or `bin/console` in the project: pass the program as `--file`"
                );
                settings.console.clone()
            }
            (Handler::Queue, None) => {
                let queue = join(&settings.app_path, QUEUE);
                ensure!(
                    project.source.exists(queue.as_str()).await?,
                    "no `{queue}` in the project: pass the handler's file or class as `--file`"
                );
                QUEUE.to_owned()
            }
        };
        Ok(Self { runtime, file })
    }

    pub fn laid_on(self, container: &Container) -> Container {
        container
            .with_env_variable("BREF_RUNTIME", self.runtime)
            .with_default_args(vec![self.file])
    }
}

/// Puts the time and the mode of everything else on what commands wrote.
pub fn settled(container: &Container, base: &Container) -> Result<Container> {
    with_task(&base.with_workdir(TASK), container.directory(TASK))
}

/// OCI's annotations, of the image and as labels, which more tools show:
/// <https://github.com/opencontainers/image-spec/blob/main/annotations.md>.
pub fn with_labels(container: &Container, notes: &[(&str, &str)]) -> Container {
    let known = notes.iter().filter(|(_, value)| !value.is_empty());
    known.fold(container.clone(), |container, (name, value)| {
        let name = format!("org.opencontainers.image.{name}");
        container
            .with_label(name.as_str(), *value)
            .with_annotation(name, *value)
    })
}
