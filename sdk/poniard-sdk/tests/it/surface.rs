//! The public API changes on purpose only, and all of it has an example.
//!
//! Both are read from rustdoc's JSON, which a stable toolchain gives when told to
//! take unstable flags; only rustdoc is told, so that nothing is compiled anew.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, PoisonError};

use poniard_sdk::serde_json::{self, Value};

/// Who describes a crate writes where all others do.
static TURN: Mutex<()> = Mutex::new(());

/// Describes a crate into a file; fails on what rustdoc warns of. With `hidden`
/// also what is not documented: the code that macros make stands on it.
fn described(package: &str, hidden: bool) -> PathBuf {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let dir = PathBuf::from(env!("CARGO_TARGET_TMPDIR"));
    let rustdoc = dir.join("rustdoc.sh");
    let script = "#!/bin/sh\nRUSTC_BOOTSTRAP=1 exec rustdoc \"$@\"\n";
    if fs::read_to_string(&rustdoc).ok().as_deref() != Some(script) {
        fs::write(&rustdoc, script).expect("a script");
    }
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    fs::set_permissions(&rustdoc, mode).expect("a program");
    let done = Command::new(env!("CARGO"))
        .args(["rustdoc", "--quiet", "--lib", "-p", package, "--"])
        .args(["-Z", "unstable-options", "--output-format", "json"])
        .args(["-D", "warnings"])
        .args(hidden.then_some("--document-hidden-items"))
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .env("RUSTDOC", rustdoc)
        .output()
        .expect("cargo");
    let said = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success(), "rustdoc of `{package}`:\n{said}");
    // Beside this test's own files.
    let name = format!("{}.json", package.replace('-', "_"));
    let copy = dir.join(format!("{hidden}-{name}"));
    fs::copy(dir.with_file_name("doc").join(name), &copy).expect("a description");
    copy
}

#[test]
fn the_public_api_is_the_one_that_is_written_down() {
    for package in ["poniard-sdk", "poniard-http"] {
        let json = described(package, true);
        let api = public_api::Builder::from_rustdoc_json(&json)
            .omit_blanket_impls(true)
            .omit_auto_trait_impls(true)
            .omit_auto_derived_impls(true)
            .build()
            .unwrap_or_else(|cause| {
                panic!("cannot read what rustdoc writes; the test knows Rust 1.95: {cause}")
            });
        let wanted = api.to_string();
        let file = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("..")
            .join(package)
            .join("public-api.txt");
        if std::env::var_os("UPDATE_PUBLIC_API").is_some() {
            fs::write(&file, &wanted).expect("a list");
        }
        let kept = fs::read_to_string(&file).unwrap_or_default();
        let (kept, wanted): (BTreeSet<_>, BTreeSet<_>) =
            (kept.lines().collect(), wanted.lines().collect());
        let gone: Vec<_> = kept
            .difference(&wanted)
            .map(|line| format!("- {line}"))
            .collect();
        let new: Vec<_> = wanted
            .difference(&kept)
            .map(|line| format!("+ {line}"))
            .collect();
        assert!(
            gone.is_empty() && new.is_empty(),
            "the API of `{package}` changed; if that is meant, UPDATE_PUBLIC_API=1 cargo test -p poniard-sdk public_api and tell it in CHANGELOG.md:\n{}",
            [gone, new].concat().join("\n")
        );
    }
}

#[test]
fn every_public_item_has_an_example() {
    let mut without = Vec::new();
    for package in ["poniard-sdk", "poniard-http"] {
        let text = fs::read_to_string(described(package, false)).expect("a description");
        let all: Value = serde_json::from_str(&text).expect("JSON");
        let index = all["index"].as_object().expect("items");
        let own = index.values().filter(|item| item["crate_id"] == 0);
        let public: Vec<_> = own.filter(|item| wants_example(item, index)).collect();
        assert!(public.len() > 15, "{}", public.len());
        without.extend(
            public
                .iter()
                .filter(|item| !item["docs"].as_str().unwrap_or_default().contains("```"))
                .map(|item| {
                    let (name, span) = (item["name"].as_str(), &item["span"]);
                    let file = span["filename"].as_str().unwrap_or_default();
                    format!(
                        "{file}:{} {}",
                        span["begin"][0],
                        name.unwrap_or("a re-export")
                    )
                }),
        );
    }
    without.sort();
    assert!(
        without.is_empty(),
        "without an example:\n{}",
        without.join("\n")
    );
}

/// Types, traits, functions and macros; not fields, nor what a trait demands.
fn wants_example(item: &Value, index: &serde_json::Map<String, Value>) -> bool {
    let inner = item["inner"]
        .as_object()
        .and_then(|inner| inner.keys().next());
    let kind = inner.map(String::as_str).unwrap_or_default();
    let is_public = item["visibility"] == "public";
    match kind {
        "struct" | "enum" | "trait" | "macro" | "proc_attribute" => is_public,
        // Of a trait's implementation, functions are documented by the trait.
        "function" => is_public && !in_implementation(item, index),
        _ => false,
    }
}

fn in_implementation(item: &Value, index: &serde_json::Map<String, Value>) -> bool {
    index.values().any(|other| {
        let implementation = &other["inner"]["impl"];
        !implementation["trait"].is_null()
            && implementation["items"]
                .as_array()
                .is_some_and(|items| items.contains(&item["id"]))
    })
}
