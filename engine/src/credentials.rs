//! Credentials that stand in an address: `https://user:password@host/path`.
//!
//! [`hidden`] goes over everything that users are told, errors and progress: an
//! address gets there in many ways, also in the words of git and ssh.
//!
//! What is kept for longer than a run is seen by more people than its output is:
//! [`Veil`] takes every secret out of it that the run has come to know.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::sync::{LazyLock, Mutex, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use regex::{Captures, Regex};

/// Plaintexts of this run.
static KNOWN: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());

/// Shorter ones would make holes into everything; a process that has them does
/// not show them anyway.
const SHORTEST: usize = 4;

/// Remembers a secret, so that it is in nothing that is kept.
pub fn keep_out(plaintext: &str) {
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    known.insert(plaintext.to_owned());
}

/// Hides every form of every secret.
pub struct Veil {
    /// The longest first.
    forms: Vec<String>,
}

impl Veil {
    /// Over the secrets that are known by now.
    pub fn new() -> Self {
        let known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
        Self::over(known.iter().map(String::as_str))
    }

    fn over<'a>(plaintexts: impl Iterator<Item = &'a str>) -> Self {
        let mut forms = BTreeSet::new();
        for plaintext in plaintexts {
            forms.insert(plaintext.to_owned());
            let others = self::forms(plaintext.as_bytes());
            forms.extend(
                others
                    .into_iter()
                    .filter_map(|form| String::from_utf8(form).ok()),
            );
        }
        let mut forms: Vec<_> = forms.into_iter().collect();
        forms.retain(|form| form.len() >= SHORTEST);
        forms.sort_by_key(|form| std::cmp::Reverse(form.len()));
        Self { forms }
    }

    /// Length of the longest form.
    pub fn longest(&self) -> usize {
        self.forms.first().map_or(0, String::len)
    }

    pub fn over_text(&self, text: &str) -> String {
        let mut text = hidden(text).into_owned();
        for form in &self.forms {
            if text.contains(form.as_str()) {
                text = text.replace(form.as_str(), "***");
            }
        }
        text
    }
}

/// What else gives a secret away: each of its lines, and its base64.
pub fn forms(plaintext: &[u8]) -> Vec<Vec<u8>> {
    // Of a key, each line says enough.
    let lines = plaintext.split(|byte| *byte == b'\n');
    let lines = lines.map(|line| line.trim_ascii().to_vec());
    let mut forms: Vec<_> = lines.filter(|line| line.len() >= SHORTEST).collect();
    for text in [plaintext, plaintext.trim_ascii()] {
        let encoded = encoded(text);
        forms.extend(encoded.into_iter().map(String::into_bytes));
    }
    forms
}

/// In base64, wherever among other bytes the text begins: without the letters
/// that its neighbours have a part in. Short ones would fit too much.
fn encoded(plaintext: &[u8]) -> Vec<String> {
    let mut forms = Vec::new();
    for before in 0..3 {
        let bytes = [&vec![0; before], plaintext].concat();
        let from = [0, 2, 3][before];
        for engine in [STANDARD_NO_PAD, URL_SAFE_NO_PAD] {
            let text = engine.encode(&bytes);
            let to = bytes.len() / 3 * 4;
            forms.extend(text.get(from..to).map(str::to_owned));
        }
    }
    // Broken into lines, as programs do: `openssl`, and `base64` of coreutils. The
    // last letters are others when something follows, be it a line end.
    let text = STANDARD_NO_PAD.encode(plaintext);
    for text in [text.as_str(), &text[..text.len() / 4 * 4]] {
        for width in [64, 76] {
            let lines = text.as_bytes().chunks(width);
            forms.extend(lines.map(|line| String::from_utf8_lossy(line).into_owned()));
        }
    }
    forms.retain(|form| form.len() >= 8);
    forms
}

static PATTERN: LazyLock<Regex> = LazyLock::new(|| {
    let scheme = "[a-zA-Z][a-zA-Z0-9+.-]*://";
    // Up to the last `@` before the path.
    let in_url = format!(r"(?P<scheme>{scheme})(?P<user>[^\s/]*)@");
    // With a `/` in the password: what follows the colon is no port. Which `@`
    // is the end of it cannot be told, so the last one is.
    let with_slash = format!(r"(?P<longer>{scheme})[^\s/:@\[]+:[0-9]*[^\s/@0-9][^\s/@]*/\S*@");
    // Without a scheme, as a word of its own, before a host.
    let bare =
        r#"(?P<before>^|[\s`'"(=])(?P<pair>[^\s/:@`'"(=\[]+:[^\s/]*)@(?P<host>[^\s/:@]+[/:])"#;
    #[allow(clippy::unwrap_used, reason = "the pattern is constant, and tested")]
    Regex::new(&format!("{with_slash}|{in_url}|{bare}")).unwrap()
});

/// The text with stars for users with their passwords in addresses. A user alone
/// may be a token in `http`, and is hidden there, as git does.
pub fn hidden(text: &str) -> Cow<'_, str> {
    PATTERN.replace_all(text, |found: &Captures| {
        let part = |name| found.name(name).map_or("", |part| part.as_str());
        let is_hidden = has_password(found) || part("scheme").to_lowercase().starts_with("http");
        match (is_hidden, part("longer"), part("scheme"), part("pair")) {
            (false, ..) => found[0].to_owned(),
            (_, "", "", _) => format!("{}***@{}", part("before"), part("host")),
            (_, longer, scheme, _) => format!("{longer}{scheme}***@"),
        }
    })
}

/// Whether a password is in an address.
pub fn are_in(address: &str) -> bool {
    PATTERN
        .captures_iter(address)
        .any(|found| has_password(&found))
}

fn has_password(found: &Captures) -> bool {
    let part = |name| found.name(name).map_or("", |part| part.as_str());
    // `host:repository.git@version` and `image:tag@sha256:…` look alike.
    let is_pair =
        !part("pair").is_empty() && !part("pair").ends_with(".git") && part("host") != "sha256:";
    is_pair || found.name("longer").is_some() || part("user").contains(':')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_form_of_a_secret_is_seen_through_the_veil() {
        let secret = "s3cr3t-p4ssw0rd-of-mine";
        let key = "-----BEGIN KEY-----\nMIIabcdefgh\n-----END KEY-----\n";
        let veil = Veil::over([secret, key, "no"].into_iter());
        assert_eq!(veil.over_text(&format!("a {secret} b no")), "a *** b no");
        assert_eq!(veil.over_text("  MIIabcdefgh\r\n"), "  ***\r\n");
        for before in ["", "u", "us", "user:", "\0\0"] {
            for after in ["", "\n", ":x"] {
                for engine in [
                    base64::engine::general_purpose::STANDARD,
                    base64::engine::general_purpose::URL_SAFE,
                ] {
                    let text = engine.encode(format!("{before}{secret}{after}"));
                    let seen = veil.over_text(&text);
                    assert!(
                        seen.contains("***") && seen.len() < 16,
                        "{before:?} {after:?}: {seen}"
                    );
                }
            }
        }
    }

    #[test]
    fn users_with_passwords_are_hidden() {
        for (text, want) in [
            (
                "`https://u:pa55@git.test/r.git/m@v1`: no",
                "`https://***@git.test/r.git/m@v1`: no",
            ),
            (
                "https://u:p@55@git.test/r.git",
                "https://***@git.test/r.git",
            ),
            (
                "https://u:p/55@git.test/r.git",
                "https://***@git.test/r.git",
            ),
            ("https://u:p/55@git.test/r.git@v1", "https://***@v1"),
            (
                "https://pa55:@git.test:80/r.git",
                "https://***@git.test:80/r.git",
            ),
            ("HTTPS://pa55@git.test/r.git", "HTTPS://***@git.test/r.git"),
            (
                "a ssh://git:pa55@git.test/r.git b",
                "a ssh://***@git.test/r.git b",
            ),
            (
                "`u.v:pa55@git.test/r.git/m@v1`",
                "`***@git.test/r.git/m@v1`",
            ),
            (
                "u:p@55@git.test: Permission denied",
                "***@git.test: Permission denied",
            ),
            (
                "http://a:pa55@x/ http://b:pa55@y/",
                "http://***@x/ http://***@y/",
            ),
        ] {
            assert_eq!(hidden(text), want);
            assert!(!hidden(text).contains("55"), "{text}");
            assert!(are_in(text) || text.starts_with("HTTPS"), "{text}");
        }
    }

    #[test]
    fn other_addresses_stay_as_they_are() {
        for text in [
            "https://git.test:8080/g/r.git/m@v1",
            "https://[::1]:8080/r.git@v1",
            "ssh://git@git.test:22/r.git/m@m/lab/v1",
            "git@git.test:g/r.git/m@v1.2/x",
            "git.test:r.git@feature.x/y",
            "debian:12@sha256:0123",
            "`registry.test:5000/debian:12@sha256:0123`",
            r#"{"source":"git@git.test:r.git"}"#,
            "mail me@git.test: now",
        ] {
            assert_eq!(hidden(text), text);
            assert!(!are_in(text), "{text}");
        }
        assert!(!are_in("https://user@git.test/r.git"));
    }
}
