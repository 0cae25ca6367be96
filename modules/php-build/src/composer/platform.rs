//! Whether a project can run on a base image, found out before anything is
//! built: PHP, its extensions, and which of them have to be added. The lock file
//! says it; where that takes more than plain versions, and for what cannot be
//! met, Composer's own check decides.

use std::collections::BTreeMap;

use futures::future::try_join_all;
use poniard_sdk::api::ContainerWithExecOptsBuilder;
use poniard_sdk::prelude::*;
use poniard_sdk::serde_json;
use serde::Deserialize;

use super::constraint::meets;
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

/// A base image, with the php.ini files of the project and its manifests.
pub struct Base {
    container: Container,
    has: Has,
}

/// What `check.php` writes.
#[derive(Debug, Deserialize)]
pub struct Has {
    /// Whether the lock file is of this composer.json, where it was looked at.
    current: bool,
    php: String,
    /// Those that are loaded, with their versions.
    extensions: BTreeMap<String, String>,
    /// Those that could be.
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

impl Base {
    /// Looks into `base`.
    pub async fn look(
        base: &Container,
        project: &Project,
        manifest: &Manifest,
        app: &str,
    ) -> Result<Self> {
        let manifests = project.part(&manifest.include(app))?;
        let ini = join(app, "php/conf.d");
        let own = project.source.glob(join(&ini, "*.ini")).await?;
        let base = match own.is_empty() {
            true => base.clone(),
            false => {
                base.with_mounted_directory("/var/task/php/conf.d", copies(project, &own).await?)
            }
        };
        let container = base
            .with_mounted_directory("/tmp/project", manifests)
            .with_workdir(format!("/tmp/project/{app}"));
        // A lock file that is known to be current need not be looked at: the
        // answer then is the same for every project on this base.
        let reads = match manifest.is_locked() {
            true => &base,
            false => &container,
        };
        // Without opcache, which would write what it compiles for the next run.
        let command = [
            "php",
            "-d",
            "opcache.enable_cli=0",
            "/tmp/check.php",
            RESULT,
        ];
        let looked = reads
            .with_new_file("/tmp/check.php", CHECK)
            .with_exec(command.to_vec());
        let text = looked.file(RESULT).contents().await?;
        let has = serde_json::from_str(text.trim())
            .map_err(|_| eyre!("cannot look into the base image: {text}"))?;
        Ok(Self { container, has })
    }

    /// What to add so that every requirement is met; an error names all that
    /// cannot be.
    pub async fn additions(
        &self,
        manifest: &Manifest,
        composer_version: &str,
        composer: Container,
        image: &str,
    ) -> Result<Additions> {
        ensure!(
            self.has.current,
            "`{}` is out of date: `{}` was changed after it was written; run `composer update --lock` and commit it",
            manifest.file.replace("composer.json", "composer.lock"),
            manifest.file
        );
        match self.has.all_but(manifest, composer_version) {
            Some(additions) => Ok(additions),
            None => {
                let checked = self.checked(composer.file("/usr/bin/composer"));
                self.has.judge(&checked.await?, manifest, image)
            }
        }
    }

    /// What Composer's own check says of the lock file.
    async fn checked(&self, composer: File) -> Result<Vec<Requirement>> {
        let command = [
            "php",
            "-d",
            "opcache.enable_cli=0",
            COMPOSER,
            "check-platform-reqs",
            "--lock",
            "--no-dev",
            "--format=json",
            "--no-interaction",
            "--no-ansi",
            "--no-plugins",
        ];
        let any = ContainerWithExecOptsBuilder::default()
            .expect(ReturnType::Any)
            .build()?;
        let done = self
            .container
            .with_mounted_file(COMPOSER, composer)
            .with_env_variable("COMPOSER_HOME", "/tmp/composer")
            .with_env_variable("COMPOSER_ALLOW_SUPERUSER", "1")
            .with_env_variable("COMPOSER_DISABLE_NETWORK", "1")
            .with_exec_opts(command.to_vec(), any);
        let text = done.stdout().await?;
        let start = text.find('[').unwrap_or(text.len());
        match serde_json::from_str(&text[start..]) {
            Ok(all) => Ok(all),
            Err(_) => bail!(
                "`composer check-platform-reqs` failed ({}): {} {}",
                done.exit_code().await?,
                text.trim(),
                done.stderr().await?.trim()
            ),
        }
    }
}

impl Has {
    /// What to add, when that and no more is certainly missing.
    fn all_but(&self, manifest: &Manifest, composer_version: &str) -> Option<Additions> {
        let mut additions = Additions::default();
        for (target, constraint, _) in manifest.requirements() {
            let any = constraint.trim() == "*";
            let met = |version: &str| any || meets(constraint, version) == Some(true);
            let certain = match target.strip_prefix("ext-").map(str::to_lowercase) {
                Some(name) => match self.extensions.get(&name) {
                    Some(version) => met(version),
                    None if manifest.stands_in(target) => any,
                    None => additions.add(&name, &self.available),
                },
                None => match target {
                    "php" | "php-64bit" => met(&self.php),
                    // Of the newest Composer 2, as a tag of just the major version has it.
                    "composer-plugin-api" | "composer-runtime-api" if composer_version == "2" => {
                        met("2.2.0") && met("2.99.0")
                    }
                    _ => false,
                },
            };
            if !certain {
                return None;
            }
        }
        Some(additions)
    }

    fn judge(
        &self,
        checked: &[Requirement],
        manifest: &Manifest,
        image: &str,
    ) -> Result<Additions> {
        let mut additions = Additions::default();
        let mut problems = Vec::new();
        for requirement in checked.iter().filter(|each| each.status != "success") {
            match requirement.name.strip_prefix("ext-") {
                Some(name) if requirement.status == "missing" => {
                    if !additions.add(&name.to_lowercase(), &self.available) {
                        problems.push(missing(&requirement.name, manifest, image));
                    }
                }
                _ => problems.push(self.refused(requirement, manifest, image)),
            }
        }
        ensure!(
            problems.is_empty(),
            "`{}` cannot run on `{image}`:\n{}",
            manifest.file,
            problems.join("\n")
        );
        Ok(additions)
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

/// Files by their contents, which the caller need not upload once more.
async fn copies(project: &Project, paths: &[String]) -> Result<Directory> {
    let files = paths.iter().map(|path| project.source.file(path.as_str()));
    let files: Vec<File> = files.collect();
    let contents = try_join_all(files.iter().map(File::contents)).await?;
    let files = paths.iter().zip(contents);
    Ok(files.fold(dag().directory(), |copies, (path, contents)| {
        let name = path.rsplit('/').next().unwrap_or(path);
        copies.with_new_file(name, contents)
    }))
}

impl Additions {
    /// Whether there is such an extension, which then is one of these.
    fn add(&mut self, name: &str, available: &[String]) -> bool {
        let list = if available.iter().any(|each| each == name) {
            &mut self.enabled
        } else if EXTRAS.contains(&name) {
            &mut self.extras
        } else {
            return false;
        };
        if !list.iter().any(|each| each == name) {
            list.push(name.to_owned());
            list.sort();
        }
        true
    }
}

fn missing(name: &str, manifest: &Manifest, base: &str) -> String {
    format!(
        "  `{name}`, required by {}: neither `{base}` nor Bref's extra extensions have it; remove what requires it",
        manifest.requirers(name).join(", ")
    )
}
