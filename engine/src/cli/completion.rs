//! `completion`: scripts that complete commands and flags.

use clap::CommandFactory;

use crate::client::Failure;

use super::args;

pub fn run(options: &args::Completion) -> Result<(), Failure> {
    let mut command = args::Cli::command();
    let mut script = Vec::new();
    clap_complete::generate(options.shell, &mut command, "poniard", &mut script);
    super::print(&String::from_utf8_lossy(&script))
}
