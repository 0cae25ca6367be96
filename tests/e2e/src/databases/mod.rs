//! Backups of real servers into real S3: [`server`] starts databases with the zoo of
//! everything that a backup may lose, [`s3`] the stores.

pub mod s3;
pub mod server;

mod faults;
mod stored;
mod tls;
mod versions;
