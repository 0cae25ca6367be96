//! Backups of real servers into real S3: [`server`] starts databases with the zoo of
//! everything that a backup may lose, [`s3`] the stores.

mod faults;
mod s3;
mod server;
mod stored;
mod versions;
