//! Counts tables, rows and everything else of a dump while it goes by: what the
//! manifest says is what the dump holds, not what a server said at another time.
//!
//! [`custom`] reads PostgreSQL's archives, [`sql`] what mysqldump writes.

pub mod custom;
mod rows;
pub mod sql;

pub use rows::RowSum;
