//! What reads texts and archives of others, for fuzzing: every input is taken or
//! refused, none makes it panic, hang or write elsewhere.
//!
//! `fuzz/` has a cargo-fuzz target for each entry of [`TARGETS`], with a corpus.
//! The tests here run the corpora and changes of them in every `cargo test`.

mod targets;

#[cfg(test)]
mod tests;

pub use targets::*;

/// A reader by the name of its target in `fuzz/`.
pub type Target = (&'static str, fn(&[u8]));

pub const TARGETS: [Target; 10] = [
    ("archive", archive),
    ("dagger_json", dagger_json),
    ("dockerfile", dockerfile),
    ("env_file", env_file),
    ("image_manifest", image_manifest),
    ("patterns", patterns),
    ("query", query),
    ("references", references),
    ("shell", shell),
    ("types_file", types_file),
];
