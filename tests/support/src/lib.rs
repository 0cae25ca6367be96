//! What the test suites share: which CLI is tested and with which state
//! ([`Cli`]), commands with a deadline ([`Running`]), what a command must not
//! leave behind ([`leftovers`]), who runs beside whom ([`turn`]), and programs
//! that tests run besides ([`tools`]).

mod cli;
pub mod leftovers;
mod place;
mod running;
pub mod tools;
pub mod turn;

pub use cli::Cli;
pub use place::{repository, state_dir, target_dir};
pub use running::{Finished, Running};
