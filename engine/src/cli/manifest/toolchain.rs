//! `toolchain`: the same for the other list, whose functions are reached without
//! `-m`.

use crate::client::Failure;

use super::super::args::{Global, Toolchain};
use super::{List, install, own, uninstall, update};

pub fn run(global: &Global, command: &Toolchain) -> Result<(), Failure> {
    match command {
        Toolchain::Install(options) => install::run(global, options, List::Toolchains),
        Toolchain::Uninstall(options) => uninstall::run(global, options, List::Toolchains),
        Toolchain::Update(options) => update::run(global, options, List::Toolchains),
        Toolchain::List => {
            let entries = own(global)?.entries(List::Toolchains);
            let rows: Vec<_> = entries.into_iter().map(|e| (e.name, e.source)).collect();
            let rows = crate::client::print::table(["Name", "Source"], &rows);
            super::super::print(&rows)
        }
    }
}
