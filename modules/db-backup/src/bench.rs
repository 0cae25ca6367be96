//! The container that the work is done in: the client tools, this program beside
//! them, and what they are told in secret.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::time::{SystemTime, UNIX_EPOCH};

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use poniard_sdk::api::{ContainerAsServiceOptsBuilder, ContainerWithFileOptsBuilder};
use poniard_sdk::prelude::*;
use poniard_sdk::serde_json;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::DbBackup;
use db_worker::authorities;
use db_worker::engine::Engine;
use db_worker::s3::Location;
use db_worker::{Found, Job};

/// Where a backup is read from and written to.
pub const INPUT: &str = "/backup/input";
pub const OUTPUT: &str = "/backup/output";
const PROGRAM: &str = "/usr/local/bin/db-backup";
const AUTHORITIES: &str = "/etc/db-backup/authorities.pem";
/// Host of a server that is only there for a check.
const FRESH: &str = "fresh-server";

pub struct Bench {
    pub container: Container,
}

impl Bench {
    /// Nothing but this program, which is static.
    pub fn bare() -> Result<Self> {
        Self::with_program(dag().container())
    }

    pub fn of(image: &str) -> Result<Self> {
        Self::with_program(dag().container().from(image))
    }

    fn with_program(container: Container) -> Result<Self> {
        let opts = ContainerWithFileOptsBuilder::default()
            .permissions(0o755_isize)
            .build()?;
        let program = own("/proc/self/exe", "db-backup")?;
        let mut container = container
            .with_file_opts(PROGRAM, program, opts)
            .with_new_file("/backup/.keep", "");
        if let Some(bundle) = authorities::bundle() {
            let bundle = own(&bundle.to_string_lossy(), "authorities.pem")?;
            container = container
                .with_mounted_file(AUTHORITIES, bundle)
                .with_env_variable("SSL_CERT_FILE", AUTHORITIES);
        }
        Ok(Self { container })
    }

    pub fn with_url(self, url: &Secret) -> Self {
        self.secret(db_worker::URL, Some(url))
    }

    pub fn with_key(self, key: Option<Secret>) -> Self {
        self.secret(db_worker::ENCRYPTION_KEY, key.as_ref())
    }

    pub fn with_s3(self, id: &Secret, secret: &Secret, token: Option<&Secret>) -> Self {
        self.secret(db_worker::ACCESS_KEY_ID, Some(id))
            .secret(db_worker::SECRET_ACCESS_KEY, Some(secret))
            .secret(db_worker::SESSION_TOKEN, token)
    }

    fn secret(self, name: &str, secret: Option<&Secret>) -> Self {
        match secret {
            None => self,
            Some(secret) => Self {
                container: self.container.with_secret_variable(name, secret.clone()),
            },
        }
    }

    pub fn with_server(self, host: &str, server: Service) -> Self {
        Self {
            container: self.container.with_service_binding(host, server),
        }
    }

    pub fn with_backup(self, backup: File) -> Self {
        Self {
            container: self.container.with_mounted_file(INPUT, backup),
        }
    }

    /// A backup out of S3.
    pub async fn download(self, location: Location, key: String) -> Result<File> {
        let job = Job::Download {
            location,
            key,
            path: OUTPUT.into(),
        };
        let (_, container) = self.run::<serde_json::Value>(&job).await?;
        Ok(container.file(OUTPUT))
    }

    /// Does the job; its answer, and the container after it.
    pub async fn run<T: DeserializeOwned>(self, job: &Job) -> Result<(T, Container)> {
        let job = serde_json::to_string(job)?;
        // What the world was like before is no answer.
        let (_, nonce) = now();
        let container = self
            .container
            .with_env_variable("DB_BACKUP_RUN", nonce)
            .with_exec(vec![PROGRAM, db_worker::ROLE, &job]);
        let text = container.stdout().await?;
        let answer: Answer<T> =
            serde_json::from_str(&text).wrap_err("cannot read what the worker says")?;
        match answer {
            Answer::Done(done) => Ok((done, container)),
            Answer::Error(error) => bail!("{error}"),
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Answer<T> {
    Done(T),
    Error(String),
}

/// A file of the module's own container.
fn own(path: &str, name: &str) -> Result<File> {
    let whole = || -> std::io::Result<()> {
        if !fs::exists(name)? {
            fs::copy(path, name)?;
            fs::set_permissions(name, fs::Permissions::from_mode(0o755))?;
        }
        Ok(())
    };
    // The working directory of tests is the source.
    if cfg!(not(test)) {
        whole().wrap_err_with(|| format!("cannot copy `{path}`"))?;
    }
    Ok(dag().current_module().workdir_file(name))
}

/// The time in UTC, and a word that no other run has.
pub fn now() -> (DateTime, String) {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    let nanos = since.unwrap_or_default().as_nanos();
    let mixed = xxhash_rust::xxh3::xxh3_64(&nanos.to_le_bytes());
    let now = Timestamp::now().to_zoned(TimeZone::UTC).datetime();
    (now, format!("{:06x}", mixed & 0xff_ffff))
}

/// A server of the backup's version with an empty database, where nothing needs
/// to survive.
pub fn fresh(found: &Found) -> Result<DbBackup> {
    let (_, nonce) = now();
    let password = format!("fresh-{nonce}");
    let container = dag().container().from(found.server.image());
    let set = |container: Container, name: &str| container.with_env_variable(name, &password);
    let (container, scheme, user, port, database, args) = match found.server.engine {
        Engine::Postgresql => (
            set(container, "POSTGRES_PASSWORD"),
            "postgres",
            "postgres",
            5432,
            "verify".to_owned(),
            vec![
                "postgres",
                "-c",
                "fsync=off",
                "-c",
                "full_page_writes=off",
                "-c",
                "synchronous_commit=off",
                "-c",
                "max_locks_per_transaction=1024",
            ],
        ),
        Engine::Mariadb => (
            set(container, "MARIADB_ROOT_PASSWORD"),
            "mariadb",
            "root",
            3306,
            found.database.clone(),
            vec![
                "mariadbd",
                "--innodb-flush-log-at-trx-commit=0",
                "--innodb-doublewrite=0",
                "--max-allowed-packet=1G",
            ],
        ),
        Engine::Mysql => (
            set(container, "MYSQL_ROOT_PASSWORD"),
            "mysql",
            "root",
            3306,
            found.database.clone(),
            vec![
                "mysqld",
                "--innodb-flush-log-at-trx-commit=0",
                "--innodb-doublewrite=0",
                "--skip-log-bin",
                "--max-allowed-packet=1G",
            ],
        ),
    };
    let container = match found.server.engine {
        Engine::Postgresql => {
            // Byte for byte what the backup holds, whatever the image prefers.
            let encoding = found.encoding.as_deref().unwrap_or("UTF8");
            container
                .with_env_variable("POSTGRES_DB", &database)
                .with_env_variable(
                    "POSTGRES_INITDB_ARGS",
                    format!("--encoding={encoding} --locale=C"),
                )
        }
        Engine::Mariadb => container.with_env_variable("MARIADB_DATABASE", &database),
        Engine::Mysql => container.with_env_variable("MYSQL_DATABASE", &database),
    };
    let opts = ContainerAsServiceOptsBuilder::default()
        .args(args)
        .use_entrypoint(true)
        .build()?;
    let service = container.with_exposed_port(port).as_service_opts(opts);
    let encoded =
        percent_encoding::utf8_percent_encode(&database, percent_encoding::NON_ALPHANUMERIC);
    let url = format!("{scheme}://{user}:{password}@{FRESH}:{port}/{encoded}");
    Ok(DbBackup {
        url: dag().set_secret(format!("db-backup-{nonce}"), url),
        server: Some(service),
        image: None,
        stall_timeout: 1,
    })
}
