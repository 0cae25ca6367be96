//! Database backups that are proven to restore.
//!
//! [`DbBackup`] asks the server what it is, and then works in the client image of
//! exactly that major. The work itself is this program's second role, crate
//! [`db_worker`],
//! which runs beside the client tools: dump → count → zstd → age → S3, a pipe that
//! never holds more than a few parts of the upload. [`shelf`] knows what lies in
//! the bucket, [`retention`] what of it stays.

#![cfg_attr(test, allow(clippy::unwrap_used))]

mod bench;
mod results;
mod retention;
mod shelf;

use poniard_sdk::prelude::*;

use bench::Bench;
use db_worker::address::Address;
use db_worker::engine::Version;
use db_worker::names::{Name, plain};
use db_worker::s3::Location;
use db_worker::{Counts, Done, Found, Job, Options, Place};
use results::{Backup, Made, Restoration, Server, Stored};
use retention::Retention;
use shelf::Shelf;

/// More processes than a server should be asked to serve.
const MAX_JOBS: u32 = 32;
/// How long a download URL of a backup that was just made lasts.
const AN_HOUR: u64 = 3600;

/// Database backups that are proven to restore.
#[object]
pub struct DbBackup {
    url: Secret,
    server: Option<Service>,
    image: Option<String>,
    stall_timeout: u32,
}

#[functions]
impl DbBackup {
    pub fn new(
        /// Address of the database: `postgres://user:password@host:5432/name`, `mysql://…` or `mariadb://…`.
        url: Secret,
        /// Server to bind under the host's name in the address.
        server: Option<Service>,
        /// Seconds without a byte from the dump after which it has failed.
        #[arg(default = 300)]
        stall_timeout: u32,
        /// Image with the client tools, instead of the official one of the server's major.
        image: Option<String>,
    ) -> Result<Self> {
        ensure!(
            stall_timeout > 0,
            "a stall timeout of 0 s fails every dump: pass at least 1"
        );
        Ok(Self {
            url,
            server,
            image,
            stall_timeout,
        })
    }

    /// What the server says it is.
    #[function(cache = "never")]
    pub async fn detect(&self) -> Result<Server> {
        let server = self.ask().await?;
        Ok(Server {
            engine: server.engine,
            major: server.major(),
            image: server.image(),
            version: server.version,
        })
    }

    /// Container with the client tools of exactly the server's major, and the address in `DATABASE_URL`.
    #[function(cache = "never")]
    pub async fn client(&self) -> Result<Container> {
        let server = self.ask().await?;
        Ok(self.bench(&server).await?.container)
    }

    /// A consistent backup as a file: zstd, with a manifest of tables and rows at its end.
    #[function(cache = "never")]
    pub async fn dump(
        &self,
        /// Tables to leave out.
        exclude_table: Option<Vec<String>>,
        /// Key of age to encrypt with, `age1…` or `AGE-SECRET-KEY-1…`.
        encryption_key: Option<Secret>,
        /// Processes that dump at the same time (PostgreSQL).
        #[arg(default = 1)]
        jobs: u32,
    ) -> Result<File> {
        let options = self.options(exclude_table, jobs).await?;
        let server = self.ask().await?;
        let job = Job::Dump {
            server: server.clone(),
            options,
            place: Place::File(bench::OUTPUT.into()),
        };
        let bench = self.bench(&server).await?.with_key(encryption_key);
        let (_, container) = bench.run::<Done>(&job).await?;
        Ok(container.file(bench::OUTPUT))
    }

    /// A consistent backup in S3, by a multipart upload that leaves nothing behind when it fails.
    #[function(cache = "never")]
    pub async fn backup(
        &self,
        /// Name of the bucket.
        bucket: String,
        /// What the keys begin with, such as `backups/shop`.
        prefix: Option<String>,
        /// Address of the S3 service, when it is not Amazon's.
        endpoint: Option<String>,
        /// Region of the bucket.
        region: Option<String>,
        access_key_id: Secret,
        secret_access_key: Secret,
        /// Key of age to encrypt with, `age1…` or `AGE-SECRET-KEY-1…`.
        encryption_key: Option<Secret>,
        /// Keep so many of the last backups of this database; with no `--keep-…` all stay.
        keep_last: Option<u32>,
        /// Keep the last one of so many days.
        keep_daily: Option<u32>,
        /// Keep the last one of so many weeks.
        keep_weekly: Option<u32>,
        /// Keep the last one of so many months.
        keep_monthly: Option<u32>,
        /// Session token of temporary keys.
        session_token: Option<Secret>,
        /// Tables to leave out.
        exclude_table: Option<Vec<String>>,
        /// Processes that dump at the same time (PostgreSQL).
        #[arg(default = 1)]
        jobs: u32,
        /// Restores it into a fresh server and compares, as `verify` does, before old ones go.
        #[arg(default = false)]
        verify: bool,
    ) -> Result<Backup> {
        let location = Location::new(bucket, prefix, endpoint, region)?;
        let retention = Retention::of(keep_last, keep_daily, keep_weekly, keep_monthly);
        let options = self.options(exclude_table, jobs).await?;
        if let (true, Some(key)) = (verify, &encryption_key) {
            ensure!(
                db_worker::decrypts(&key.plaintext().await?)?,
                "`--verify` has to decrypt the backup: pass the identity (`AGE-SECRET-KEY-1…`) as `--encryption-key`, or leave it out"
            );
        }
        let address = self.address().await?;
        let server = self.ask().await?;
        let (created, nonce) = bench::now();
        let name = Name {
            database: plain(&address.database),
            engine: server.engine,
            major: server.major(),
            created,
            pieces: jobs > 1,
            encrypted: encryption_key.is_some(),
            nonce,
        };
        let key = name.key(&location.prefix);
        let token = session_token.as_ref();
        let job = Job::Dump {
            server: server.clone(),
            options,
            place: Place::S3 {
                location: location.clone(),
                key: key.clone(),
            },
        };
        let bench = self.bench(&server).await?.with_key(encryption_key.clone());
        let bench = bench.with_s3(&access_key_id, &secret_access_key, token);
        let (done, _) = bench.run::<Done>(&job).await?;
        if verify {
            let bench = Bench::bare()?.with_s3(&access_key_id, &secret_access_key, token);
            let file = bench.download(location.clone(), key.clone()).await?;
            self.verify(file, encryption_key).await.wrap_err_with(|| {
                format!("the backup `{key}` was made, but is not proven to restore; old ones were not pruned")
            })?;
        }
        let shelf = Shelf::open(location, &access_key_id, &secret_access_key, token).await?;
        let download_url = shelf.presign(&key, AN_HOUR)?;
        if let Err(error) = shelf.sweep(&address, created) {
            eprintln!("what killed runs left is not cleared away: {error:#}");
        }
        // The new backup is good whatever becomes of the old ones.
        let pruned = shelf.prune(&address, retention).wrap_err_with(|| {
            format!("the backup `{key}` was made, but the old ones were not pruned")
        })?;
        let made = Made {
            database: address.database,
            key,
            done,
            verified: verify,
            download_url,
            pruned,
        };
        Backup::of(server.engine, made)
    }

    /// Backups in a bucket, oldest first.
    #[function(cache = "never")]
    pub async fn list(
        &self,
        /// Name of the bucket.
        bucket: String,
        access_key_id: Secret,
        secret_access_key: Secret,
        /// What the keys begin with.
        prefix: Option<String>,
        /// Address of the S3 service, when it is not Amazon's.
        endpoint: Option<String>,
        /// Region of the bucket.
        region: Option<String>,
        /// Session token of temporary keys.
        session_token: Option<Secret>,
    ) -> Result<Vec<Stored>> {
        let location = Location::new(bucket, prefix, endpoint, region)?;
        let token = session_token.as_ref();
        let shelf = Shelf::open(location, &access_key_id, &secret_access_key, token).await?;
        Ok(shelf.list()?.into_iter().map(Stored::from).collect())
    }

    /// Address that anyone can download a backup from, for some time.
    #[function(cache = "never")]
    pub async fn download_url(
        &self,
        /// Key of the backup.
        key: String,
        /// Name of the bucket.
        bucket: String,
        access_key_id: Secret,
        secret_access_key: Secret,
        /// Seconds that the address lasts, at most 604800 (7 days).
        #[arg(default = 3600)]
        ttl: u64,
        /// Address of the S3 service, when it is not Amazon's.
        endpoint: Option<String>,
        /// Region of the bucket.
        region: Option<String>,
        /// Session token of temporary keys.
        session_token: Option<Secret>,
    ) -> Result<String> {
        let location = Location::new(bucket, None, endpoint, region)?;
        let token = session_token.as_ref();
        let shelf = Shelf::open(location, &access_key_id, &secret_access_key, token).await?;
        let url = shelf.presign(&key, ttl)?;
        shelf.check(&key)?;
        Ok(url)
    }

    /// A backup out of a bucket, its SHA-256 checked.
    #[function(cache = "never")]
    pub async fn download(
        &self,
        /// Key of the backup.
        key: String,
        /// Name of the bucket.
        bucket: String,
        access_key_id: Secret,
        secret_access_key: Secret,
        /// Address of the S3 service, when it is not Amazon's.
        endpoint: Option<String>,
        /// Region of the bucket.
        region: Option<String>,
        /// Session token of temporary keys.
        session_token: Option<Secret>,
    ) -> Result<File> {
        let location = Location::new(bucket, None, endpoint, region)?;
        let bench = Bench::bare()?;
        let bench = bench.with_s3(&access_key_id, &secret_access_key, session_token.as_ref());
        bench.download(location, key).await
    }

    /// Removes old backups of this database; the newest one always stays.
    #[function(cache = "never")]
    pub async fn prune(
        &self,
        /// Name of the bucket.
        bucket: String,
        access_key_id: Secret,
        secret_access_key: Secret,
        /// What the keys begin with.
        prefix: Option<String>,
        /// Address of the S3 service, when it is not Amazon's.
        endpoint: Option<String>,
        /// Region of the bucket.
        region: Option<String>,
        /// Keep so many of the last backups.
        keep_last: Option<u32>,
        /// Keep the last one of so many days.
        keep_daily: Option<u32>,
        /// Keep the last one of so many weeks.
        keep_weekly: Option<u32>,
        /// Keep the last one of so many months.
        keep_monthly: Option<u32>,
        /// Session token of temporary keys.
        session_token: Option<Secret>,
    ) -> Result<Vec<String>> {
        let retention = Retention::of(keep_last, keep_daily, keep_weekly, keep_monthly);
        ensure!(
            !retention.is_none(),
            "nothing says what to keep: pass `--keep-last`, `--keep-daily`, `--keep-weekly` or `--keep-monthly`"
        );
        let location = Location::new(bucket, prefix, endpoint, region)?;
        let address = self.address().await?;
        let token = session_token.as_ref();
        let shelf = Shelf::open(location, &access_key_id, &secret_access_key, token).await?;
        shelf.prune(&address, retention)
    }

    /// Puts a backup into a database, which must be empty.
    #[function(cache = "never")]
    pub async fn restore(
        &self,
        /// The backup.
        backup: File,
        /// Address of the database to restore into, with the same server as `--server` if that is bound.
        target: Secret,
        /// Replaces what the backup has also in a database that is not empty; what it does not have stays.
        #[arg(default = false)]
        overwrite: bool,
        /// Key of age to decrypt with, `AGE-SECRET-KEY-1…`.
        encryption_key: Option<Secret>,
        /// Everything belongs to the user of the address, whoever owned it or it ran as.
        #[arg(default = false)]
        no_owner: bool,
    ) -> Result<Restoration> {
        let target = Self {
            url: target,
            server: self.server.clone(),
            image: self.image.clone(),
            stall_timeout: self.stall_timeout,
        };
        let database = target.address().await?.database;
        let server = target.ask().await?;
        let bench = target.bench(&server).await?.with_key(encryption_key);
        let job = Job::Restore {
            server,
            path: bench::INPUT.into(),
            overwrite,
            no_owner,
        };
        let (counts, _) = bench.with_backup(backup).run::<Counts>(&job).await?;
        let what = format!("restored into `{database}`");
        Ok(Restoration::of(counts, &what))
    }

    /// Restores a backup into a fresh server of the same version and compares tables and rows with its manifest.
    #[function(cache = "never")]
    pub async fn verify(
        &self,
        /// The backup.
        backup: File,
        /// Key of age to decrypt with, `AGE-SECRET-KEY-1…`.
        encryption_key: Option<Secret>,
    ) -> Result<Restoration> {
        let peek = Bench::bare()?
            .with_key(encryption_key.clone())
            .with_backup(backup.clone());
        let job = Job::Peek {
            path: bench::INPUT.into(),
        };
        let (found, _) = peek.run::<Found>(&job).await?;
        let fresh = bench::fresh(&found)?;
        let bench = fresh.bench(&found.server).await?.with_key(encryption_key);
        let job = Job::Verify {
            server: found.server,
            path: bench::INPUT.into(),
            stall_secs: self.stall_timeout.into(),
        };
        let (counts, _) = bench.with_backup(backup).run::<Counts>(&job).await?;
        Ok(Restoration::of(counts, "restored and compared"))
    }
}

impl DbBackup {
    async fn address(&self) -> Result<Address> {
        Address::parse(&self.url.plaintext().await?)
    }

    async fn ask(&self) -> Result<Version> {
        let bench = self.bound(Bench::bare()?).await?;
        Ok(bench.run::<Version>(&Job::Detect).await?.0)
    }

    /// The client tools of the server's major.
    async fn bench(&self, server: &Version) -> Result<Bench> {
        let image = self.image.clone().unwrap_or_else(|| server.image());
        self.bound(Bench::of(&image)?).await
    }

    async fn bound(&self, bench: Bench) -> Result<Bench> {
        let host = self.address().await?.host;
        let bench = bench.with_url(&self.url);
        Ok(match &self.server {
            Some(server) => bench.with_server(&host, server.clone()),
            None => bench,
        })
    }

    async fn options(&self, exclude_tables: Option<Vec<String>>, jobs: u32) -> Result<Options> {
        ensure!(
            (1..=MAX_JOBS).contains(&jobs),
            "{jobs} jobs: pass `--jobs` from 1 to {MAX_JOBS}"
        );
        ensure!(
            jobs == 1 || self.address().await?.postgres,
            "`--jobs` is for PostgreSQL: MySQL and MariaDB show one moment of a database to a single connection only, so leave it out"
        );
        Ok(Options {
            exclude_tables: exclude_tables.unwrap_or_default(),
            jobs,
            stall_secs: self.stall_timeout.into(),
        })
    }
}

#[cfg(test)]
#[path = "../../readme.rs"]
mod readme;
#[cfg(test)]
mod tests;
