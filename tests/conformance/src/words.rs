//! Words that differ from machine to machine: put into what a case gives to the
//! CLI, and taken out of what the CLI prints.

use std::path::Path;
use std::sync::LazyLock;

use regex::Regex;

pub struct Words([(&'static str, String); 3]);

static COLOUR: LazyLock<Regex> = LazyLock::new(|| pattern(r"\x1b\[[0-9;]*m"));
static DIGEST: LazyLock<Regex> = LazyLock::new(|| pattern(r"\b([A-Z]\w*)@\w+:[0-9a-f]+"));

fn pattern(text: &str) -> Regex {
    Regex::new(text).expect("a valid pattern")
}

impl Words {
    pub fn new(sink: &Path, work: &Path, nonce: String) -> Self {
        let path = |path: &Path| path.to_string_lossy().into_owned();
        Self([
            ("{sink}", path(sink)),
            ("{work}", path(work)),
            ("{nonce}", nonce),
        ])
    }

    pub fn fill(&self, text: &str) -> String {
        self.0.iter().fold(text.to_owned(), |text, (word, value)| {
            text.replace(word, value)
        })
    }

    pub fn normalise(&self, output: &str) -> String {
        let plain = COLOUR.replace_all(output, "").into_owned();
        let plain = self
            .0
            .iter()
            .fold(plain, |text, (word, value)| text.replace(value, word));
        DIGEST.replace_all(&plain, "$1@{digest}").into_owned()
    }
}

/// UTF-8 with every other byte written as `\xNN`.
pub fn decode(bytes: &[u8]) -> String {
    let mut text = String::new();
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        for byte in chunk.invalid() {
            text.push_str(&format!("\\x{byte:02x}"));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_and_digests_are_written_as_words() {
        let words = Words::new(Path::new("/s"), Path::new("/tmp/w"), "abc123".into());
        assert_eq!(words.fill("{sink}/x {nonce}"), "/s/x abc123");
        let output = "\x1b[1mDirectory@xxh3:01ab\x1b[0m in /tmp/w/out; me@host:22";
        assert_eq!(
            words.normalise(output),
            "Directory@{digest} in {work}/out; me@host:22"
        );
    }

    #[test]
    fn bytes_that_are_not_text_are_shown_as_numbers() {
        assert_eq!(decode(b"a\xff\xc3\xa9"), "a\\xffé");
    }
}
