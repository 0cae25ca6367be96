//! Processes of this machine, as `/proc` shows them.

use std::fs;
use std::path::{Path, PathBuf};

pub struct Process {
    pub number: u32,
    /// In `/proc`.
    path: PathBuf,
}

/// Those that there are now; each may end at any time.
pub fn all() -> impl Iterator<Item = Process> {
    let entries = fs::read_dir("/proc").expect("processes").flatten();
    entries.filter_map(|entry| {
        Some(Process {
            number: entry.file_name().to_str()?.parse().ok()?,
            path: entry.path(),
        })
    })
}

impl Process {
    pub fn path(&self) -> &Path {
        &self.path
    }

    pub fn read(&self, file: &str) -> String {
        fs::read_to_string(self.path.join(file)).unwrap_or_default()
    }

    /// Empty for one that ended and is not yet waited for.
    pub fn command_line(&self) -> Vec<u8> {
        fs::read(self.path.join("cmdline")).unwrap_or_default()
    }

    pub fn runs(&self, program: &Path) -> bool {
        fs::read_link(self.path.join("exe")).is_ok_and(|exe| exe == program)
    }

    pub fn parent(&self) -> Option<u32> {
        let stat = self.read("stat");
        // Behind the name, which may have anything in it.
        let (_, rest) = stat.rsplit_once(") ")?;
        rest.split(' ').nth(1)?.parse().ok()
    }

    /// The soft limit for dumps, unless the process is gone.
    pub fn dump_limit(&self) -> Option<u64> {
        let limits = self.read("limits");
        let line = limits.lines().find(|line| line.starts_with("Max core"))?;
        let soft = line.split_whitespace().nth(4)?;
        Some(soft.parse().unwrap_or(u64::MAX))
    }
}

/// The process with this number and all below it.
pub fn family(first: u32) -> Vec<Process> {
    let mut others: Vec<_> = all().collect();
    let mut found: Vec<Process> = others.extract_if(.., |own| own.number == first).collect();
    let mut at = 0;
    while let Some(parent) = found.get(at).map(|own| own.number) {
        found.extend(others.extract_if(.., |own| own.parent() == Some(parent)));
        at += 1;
    }
    found
}
