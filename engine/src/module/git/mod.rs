//! Modules in git repositories: [`Reference`] is how they are named, [`version`]
//! finds the commit that a name stands for, [`commit`] gets its files.

pub mod commit;
mod reference;
pub mod version;

pub use reference::Reference;
