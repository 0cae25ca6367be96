//! The image: base, extensions, packages, sources and what the Node.js step
//! built, each in a layer of its own, all with one time.

use poniard_sdk::prelude::*;

use crate::project::join;
use crate::settings::Settings;

pub const TASK: &str = "/var/task";
/// Handler of a queue, unless another one is named.
pub const QUEUE: &str = "queue.php";

/// Of every file that a build adds: the same input makes the same image. In the
/// year 2000, since some archives cannot tell of 1970.
pub const TIME: isize = 946_684_800;

/// What is no part of a running application, or must not be read from one.
pub const LEFT_OUT: [&str; 5] = [
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
pub fn with_enabled(base: &Container, names: &[String]) -> Container {
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

/// Lays the application on it.
pub fn with_application(container: &Container, vendor: Directory, source: Directory) -> Container {
    let vendor = dag().directory().with_directory("vendor", vendor);
    with_task(&with_task(&container.with_workdir(TASK), vendor), source)
}

/// Lays files on those in `/var/task`. Copied from further up, so that the
/// directory itself gets the time of the others.
pub fn with_task(container: &Container, files: Directory) -> Container {
    let above = dag().directory().with_directory("task", files);
    container.with_directory("/var", above.with_timestamps(TIME))
}

/// The runtime and the handler in it.
pub fn with_handler(
    container: &Container,
    settings: &Settings,
    handler: Handler,
    file: Option<&str>,
) -> Result<Container> {
    let (runtime, file) = match (handler, file) {
        (Handler::Web, file) => {
            let index = join(&settings.document_root, "index.php");
            ("fpm", file.map_or(index, str::to_owned))
        }
        (Handler::Console, Some(file)) => ("console", file.to_owned()),
        (Handler::Console, None) => {
            ensure!(
                !settings.console.is_empty(),
                "no `craft`, `artisan` or `bin/console` in the project: pass the program as `--file`"
            );
            ("console", settings.console.clone())
        }
        (Handler::Queue, file) => ("function", file.unwrap_or(QUEUE).to_owned()),
    };
    Ok(container
        .with_env_variable("BREF_RUNTIME", runtime)
        .with_default_args(vec![file]))
}

/// Puts the time of everything else on what commands wrote.
pub fn settled(container: &Container, base: &Container) -> Container {
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
