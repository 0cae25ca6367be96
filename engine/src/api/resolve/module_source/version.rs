//! Versions of the engine that a module asks for.

use super::super::API_VERSION;

/// The first that modules could ask for.
const FIRST: &str = "v0.9.9";

/// The one that is meant by what is no version, as in Dagger.
const UNKNOWN: &str = "v0.11.9";

/// The version that a `dagger.json` means: `latest` is this one, and the `v` may
/// be left out.
pub fn known(text: &str) -> String {
    match text {
        "" => FIRST.to_owned(),
        "latest" => API_VERSION.to_owned(),
        text => {
            let full = if text.starts_with('v') {
                text.to_owned()
            } else {
                format!("v{text}")
            };
            if crate::module::git::version::is_semantic(&full) {
                full
            } else {
                UNKNOWN.to_owned()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_written_in_full() {
        for (text, want) in [
            ("", FIRST),
            ("latest", API_VERSION),
            ("0.18.0", "v0.18.0"),
            ("v0.21.8", "v0.21.8"),
            ("main", UNKNOWN),
        ] {
            assert_eq!(known(text), want);
        }
    }
}
