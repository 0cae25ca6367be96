//! The shell on a terminal.

use std::path::Path;

use crate::client::Failure;

use super::state::Shell;

pub async fn run(shell: Shell, history: &Path) -> Result<(), Failure> {
    let _ = (shell, history);
    Err(Failure::new("not yet"))
}
