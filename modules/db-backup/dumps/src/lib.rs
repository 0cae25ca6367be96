//! Counts tables, rows and everything else of a dump while it goes by: what the
//! manifest says is what the dump holds, not what a server said at another time.
//!
//! [`sql`] reads what mysqldump writes, [`archive`] what pg_dump does. Each row goes
//! through here, so this alone is compiled for speed; it knows readers and writers
//! only by trait objects, lest it is compiled where they are known, and for size.

pub mod archive;
mod rows;
pub mod sql;
mod tally;

use rows::RowSum;
pub use tally::{Rows, Tally};
