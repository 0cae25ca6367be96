//! Where a run takes the results of lookups from, and which of them it may renew.

use clap::ValueEnum;

/// What `--lock` says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Mode {
    /// From where they are looked up; the lock is not read
    #[default]
    Disabled,
    /// From where they are looked up, and into the lock
    #[value(alias = "update")]
    Live,
    /// From the lock what is pinned there; the rest as `live`
    #[value(alias = "auto")]
    Pinned,
    /// From the lock; what it lacks fails
    #[value(alias = "strict")]
    Frozen,
}

impl Mode {
    /// Whether what was looked up goes into the lock.
    pub(super) fn records(self) -> bool {
        matches!(self, Self::Live | Self::Pinned)
    }
}
