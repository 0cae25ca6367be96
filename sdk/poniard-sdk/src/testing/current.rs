//! Holds `dagger.types.json` current.

use std::path::Path;

use crate::registry::{Object, types_text};

/// See [`assert_types_current!`](crate::assert_types_current).
///
/// # Panics
/// When the file differs from what the module's program prints, or is absent.
///
/// ```should_panic
/// # use poniard_sdk::prelude::*;
/// # #[object] pub struct Hello;
/// # #[functions] impl Hello {}
/// # let dir = std::env::temp_dir();
/// poniard_sdk::testing::assert_types_current::<Hello>(env!("CARGO_MANIFEST_DIR"), "hello");
/// ```
#[track_caller]
pub fn assert_types_current<Main: Object>(crate_dir: &str, package: &str) {
    let wanted = match types_text::<Main>() {
        Ok(text) => text,
        Err(report) => panic!("{report:#}"),
    };
    let kept = std::fs::read_to_string(Path::new(crate_dir).join("dagger.types.json"));
    if kept.as_ref().is_ok_and(|kept| *kept == wanted) {
        return;
    }
    let kept = kept.unwrap_or_default();
    let differs = kept
        .lines()
        .map(Some)
        .chain(std::iter::repeat(None))
        .zip(wanted.lines())
        .enumerate()
        .find(|(_, (kept, wanted))| *kept != Some(wanted));
    let place = match differs {
        Some((at, (kept, wanted))) => format!(
            "line {}: has `{}`, wants `{}`",
            at + 1,
            kept.unwrap_or_default().trim(),
            wanted.trim()
        ),
        None => "it has lines too many".into(),
    };
    panic!(
        "`dagger.types.json` of `{package}` is not current ({place}); run, in the folder of the module: cargo run -p {package} -- types > dagger.types.json"
    );
}
