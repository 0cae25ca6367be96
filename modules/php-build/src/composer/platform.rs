//! Whether a project can run on a base image, found out before anything is
//! built: PHP, its extensions, and which of them have to be added.

use poniard_sdk::prelude::*;
use poniard_sdk::serde_json;
use serde::Deserialize;

use super::manifest::Manifest;
use crate::project::{Project, join};

/// Where Composer's one file lies while it runs in the base image.
pub const COMPOSER: &str = "/opt/bin/composer.phar";
const RESULT: &str = "/tmp/check.json";
const CHECK: &str = include_str!("check.php");

/// Extensions that Bref has as images of their own:
/// <https://github.com/brefphp/extra-php-extensions>.
const EXTRAS: [&str; 40] = [
    "amqp",
    "blackfire",
    "bsdiff",
    "calendar",
    "cassandra",
    "decimal",
    "ds",
    "excimer",
    "gd",
    "gmp",
    "gnupg",
    "grpc",
    "h3",
    "igbinary",
    "imagick",
    "imap",
    "ldap",
    "mailparse",
    "maxminddb",
    "memcache",
    "memcached",
    "mongodb",
    "msgpack",
    "newrelic",
    "oci8",
    "odbc",
    "openswoole",
    "opentelemetry",
    "pcov",
    "pgsql",
    "protobuf",
    "rdkafka",
    "scrypt",
    "snmp",
    "sqlsrv",
    "ssh2",
    "swoole",
    "tidy",
    "uuid",
    "yaml",
];

/// What has to be added to the base image.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Additions {
    /// Extensions that are there and only need to be switched on.
    pub enabled: Vec<String>,
    /// Extensions out of images of their own.
    pub extras: Vec<String>,
}

impl Additions {
    pub fn is_empty(&self) -> bool {
        self.enabled.is_empty() && self.extras.is_empty()
    }
}

/// What `check.php` writes.
#[derive(Deserialize)]
pub struct Checked {
    /// Whether the lock file is of this composer.json.
    current: bool,
    /// What `composer check-platform-reqs` did.
    code: i32,
    out: String,
    err: String,
    php: String,
    available: Vec<String>,
}

/// An entry of `composer check-platform-reqs --format=json`.
#[derive(Debug, Deserialize)]
struct Requirement {
    name: String,
    version: Option<String>,
    status: String,
    failed_requirement: Option<Failed>,
}

#[derive(Debug, Deserialize)]
struct Failed {
    source: String,
    constraint: String,
}

/// Runs Composer's own checks in `base`, with the php.ini files of the project.
pub async fn check(
    base: &Container,
    composer: File,
    project: &Project,
    manifest: &Manifest,
    app: &str,
) -> Result<Checked> {
    let manifests = project.part(&manifest.include(app))?;
    let ini = join(app, "php/conf.d");
    let own = project.source.glob(join(&ini, "*.ini")).await?;
    let base = match own.is_empty() {
        true => base.clone(),
        false => {
            base.with_mounted_directory("/var/task/php/conf.d", project.part(&own)?.directory(ini))
        }
    };
    let checked = base
        .with_mounted_file(COMPOSER, composer)
        .with_env_variable("COMPOSER_HOME", "/tmp/composer")
        .with_env_variable("COMPOSER_ALLOW_SUPERUSER", "1")
        .with_env_variable("COMPOSER_DISABLE_NETWORK", "1")
        .with_new_file("/tmp/check.php", CHECK)
        .with_mounted_directory("/tmp/project", manifests)
        .with_workdir(format!("/tmp/project/{app}"))
        .with_exec(vec!["php", "/tmp/check.php", COMPOSER, RESULT]);
    let text = checked.file(RESULT).contents().await?;
    serde_json::from_str(text.trim()).map_err(|_| {
        eyre!("cannot check the requirements of `composer.lock` in the base image: {text}")
    })
}

impl Checked {
    /// What to add so that every requirement is met; an error names all that
    /// cannot be.
    pub fn additions(&self, manifest: &Manifest, base: &str) -> Result<Additions> {
        ensure!(
            self.current,
            "`{}` is out of date: `{}` was changed after it was written; run `composer update --lock` and commit it",
            manifest.file.replace("composer.json", "composer.lock"),
            manifest.file
        );
        let mut additions = Additions::default();
        let mut problems = Vec::new();
        for requirement in self.unmet()? {
            match requirement.name.strip_prefix("ext-") {
                Some(name) if requirement.status == "missing" => {
                    let name = name.to_lowercase();
                    if self.available.contains(&name) {
                        additions.enabled.push(name);
                    } else if EXTRAS.contains(&name.as_str()) {
                        additions.extras.push(name);
                    } else {
                        problems.push(missing(&requirement.name, manifest, base));
                    }
                }
                _ => problems.push(self.refused(&requirement, manifest, base)),
            }
        }
        ensure!(
            problems.is_empty(),
            "`{}` cannot run on `{base}`:\n{}",
            manifest.file,
            problems.join("\n")
        );
        Ok(additions)
    }

    fn unmet(&self) -> Result<Vec<Requirement>> {
        let text = self.out.trim();
        let start = text.find('[').unwrap_or(text.len());
        let all: Vec<Requirement> = serde_json::from_str(&text[start..]).map_err(|_| {
            eyre!(
                "`composer check-platform-reqs` failed ({}): {} {}",
                self.code,
                text,
                self.err.trim()
            )
        })?;
        Ok(all
            .into_iter()
            .filter(|each| each.status != "success")
            .collect())
    }

    fn refused(&self, requirement: &Requirement, manifest: &Manifest, base: &str) -> String {
        let name = &requirement.name;
        let who = match &requirement.failed_requirement {
            Some(failed) => format!(
                "{} requires `{name}` `{}`",
                failed.source, failed.constraint
            ),
            None => format!(
                "`{name}` is required by {}",
                manifest.requirers(name).join(", ")
            ),
        };
        match name.as_str() {
            "php" => format!(
                "  {who}, but the base has PHP {}: change `php-version` in `craft-cloud.yaml` (without one, `config.platform.php` in `composer.json`) or the requirement",
                self.php
            ),
            _ => format!(
                "  {who}, but `{base}` has {}",
                requirement.version.as_deref().unwrap_or("none")
            ),
        }
    }
}

fn missing(name: &str, manifest: &Manifest, base: &str) -> String {
    format!(
        "  `{name}`, required by {}: neither `{base}` nor Bref's extra extensions have it; remove what requires it",
        manifest.requirers(name).join(", ")
    )
}
