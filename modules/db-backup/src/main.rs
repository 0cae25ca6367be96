use std::env;
use std::process::ExitCode;

use db_backup::DbBackup;

/// The module; or, beside the client tools, what does its work.
fn main() -> ExitCode {
    if env::args().nth(1).as_deref() == Some(db_worker::ROLE) {
        return db_worker::main();
    }
    poniard_sdk::serve::main::<DbBackup>()
}
