//! The readers. Results are looked at only where something must hold of them.

use std::io::Cursor;
use std::path::Path;

use crate::api::resolve::dockerfile::words;
use crate::image::{self, unpack::Whiteouts};
use crate::module::config::Config;
use crate::module::defaults::Environment;
use crate::module::git::Reference;
use crate::module::manifest::read_and_change;
use crate::module::types::{Types, camel, pascal};
use crate::shell::{expand, syntax};
use crate::store::filter::GitIgnores;
use crate::store::pattern::Pattern;

fn text(input: &[u8]) -> Option<&str> {
    std::str::from_utf8(input).ok()
}

/// A script, and each line of it as a word with braces and as a pattern.
pub fn shell(input: &[u8]) {
    let Some(text) = text(input) else { return };
    let _ = (syntax::parse(text).is_ok(), syntax::is_incomplete(text));
    for line in text.lines() {
        if let Ok(words) = expand::brace::expand(line) {
            assert!(!words.is_empty(), "`{line}` becomes nothing");
        }
        let _ = (
            syntax::word(line).is_ok(),
            syntax::heredoc(line).is_ok(),
            expand::pattern::matches(line, "a/b c"),
        );
    }
}

/// As loaded with a module, and as changed by `install`.
pub fn dagger_json(input: &[u8]) {
    let Some(text) = text(input) else { return };
    let dir = Path::new("/module");
    if let Ok(config) = Config::parse(text, &dir.join("dagger.json")) {
        assert!(!config.name.is_empty() && !config.name.contains('/'));
        assert!(config.code(dir).starts_with(dir), "{:?}", config.source);
        let _ = (
            config.dependency("a").is_some(),
            config.related("b").is_some(),
        );
    }
    read_and_change(dir, text);
}

pub fn types_file(input: &[u8]) {
    let Some(text) = text(input) else { return };
    if let Ok(types) = Types::parse(text, Path::new("dagger.types.json")) {
        for object in &types.objects {
            let _ = (
                types.object(&object.name),
                pascal(&object.name),
                camel(&object.name),
            );
        }
    }
}

/// An index, a manifest, a docker archive's list or a configuration.
pub fn image_manifest(input: &[u8]) {
    let _ = image::layout::read_texts(input);
    if let Ok((config, layers)) = image::config::read(input) {
        let written = image::config::write(&config, &layers);
        let written = written.unwrap_or_else(|e| panic!("it cannot be written: {e}"));
        let read = image::config::read(&written);
        let (again, same) = read.unwrap_or_else(|e| panic!("it cannot be read again: {e}"));
        assert_eq!(layers, same);
        let twice = image::config::write(&again, &same).unwrap_or_default();
        assert!(written == twice, "it does not stay as it is written");
    }
    if let Some(text) = text(input) {
        let _ = image::parse_reference(text.trim());
    }
}

/// A tar, compressed or not, as a layer and as an archive of an image.
pub fn archive(input: &[u8]) {
    for whiteouts in [Whiteouts::Keep, Whiteouts::Ignore, Whiteouts::Plain] {
        let Ok(dir) = tempfile::tempdir() else { return };
        let (layer, beside) = (dir.path().join("layer"), dir.path().join("beside"));
        if std::fs::create_dir(&layer).is_err() || std::fs::write(&beside, "kept").is_err() {
            return;
        }
        if let Ok(stream) = image::unpack::decompress(Cursor::new(input)) {
            let _ = image::unpack::unpack(stream, &layer, whiteouts);
        }
        assert_eq!(std::fs::read(&beside).ok().as_deref(), Some(&b"kept"[..]));
        let around = std::fs::read_dir(dir.path()).map_or(0, Iterator::count);
        assert_eq!(around, 2, "it has written beside its directory");
    }
}

/// Each line as a pattern, and all of them as a `.gitignore`, for a few paths.
pub fn patterns(input: &[u8]) {
    const PATHS: [&str; 5] = ["a", "a/b", "src/main.rs", "x y/[z]", "\u{e9}/\\"];
    let Some(text) = text(input) else { return };
    for line in text.lines() {
        if let Ok(Some(pattern)) = Pattern::parse(line) {
            for path in PATHS {
                let _ = (pattern.matches(path), pattern.reaches_below(path));
            }
        }
    }
    if let Ok(ignores) = GitIgnores::default().with("", text) {
        for path in PATHS {
            let _ = (ignores.ignores(path, false), ignores.ignores(path, true));
        }
    }
}

pub fn dockerfile(input: &[u8]) {
    let Some(text) = text(input) else { return };
    let _ = parse_dockerfile::parse(text).is_ok();
    let value = |name: &str| (name.len() < 3).then(|| format!("<{name}>"));
    for line in text.lines() {
        let _ = (words::split(line, &value), words::expand(line, &value));
    }
}

/// Addresses of modules and repositories, and names of images.
pub fn references(input: &[u8]) {
    let Some(text) = text(input) else { return };
    for line in text.lines() {
        if let Ok(reference) = Reference::parse(line) {
            let _ = (reference.url(), reference.module());
        }
        if let Ok(name) = image::parse_reference(line) {
            let again = image::parse_reference(&name.whole());
            assert_eq!(again.ok(), Some(name), "`{line}`");
        }
    }
}

pub fn env_file(input: &[u8]) {
    let Some(text) = text(input) else { return };
    let _ = Environment::parse(text).is_ok();
}

/// What a client asks, with the IDs among its arguments.
pub fn query(input: &[u8]) {
    let Some(text) = text(input) else { return };
    let _ = async_graphql::parser::parse_query(text).is_ok();
}
