//! Counts tables, rows and everything else of a dump while it goes by: what the
//! manifest says is what the dump holds, not what a server said at another time.
//!
//! [`sql`] reads what mysqldump writes; PostgreSQL's archives are [`super::archive`].

mod rows;
pub mod sql;

pub use rows::RowSum;
