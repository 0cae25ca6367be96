//! Secrets taken out of a stream, also where a read ends in the middle of one.

use std::sync::Arc;

use crate::credentials;

/// What stands where a secret was.
const STARS: &[u8] = b"***";

/// Secrets in every form in which they are taken out, the longest first; empty
/// ones are left out.
#[derive(Clone, Default)]
pub(super) struct Secrets(Arc<[Vec<u8>]>);

impl Secrets {
    pub(super) fn new(mut values: Vec<Vec<u8>>) -> Self {
        let forms: Vec<_> = values
            .iter()
            .flat_map(|value| credentials::forms(value))
            .collect();
        values.extend(forms);
        values.retain(|value| !value.is_empty());
        values.sort_by(|a, b| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
        values.dedup();
        Self(values.into())
    }
}

/// Scrubs one stream.
pub(super) struct Scrubber {
    secrets: Secrets,
    /// Whether a secret starts with the byte.
    starts: Box<[bool; 256]>,
    /// The end of what was pushed, which may be the start of a secret.
    held: Vec<u8>,
}

impl Scrubber {
    pub(super) fn new(secrets: Secrets) -> Self {
        let mut starts = Box::new([false; 256]);
        for first in secrets.0.iter().filter_map(|secret| secret.first()) {
            starts[usize::from(*first)] = true;
        }
        Self {
            secrets,
            starts,
            held: Vec::new(),
        }
    }

    /// What is known to be clean after `bytes`.
    pub(super) fn push(&mut self, bytes: &[u8]) -> Vec<u8> {
        if self.secrets.0.is_empty() {
            return bytes.to_vec();
        }
        self.held.extend_from_slice(bytes);
        self.advance(false)
    }

    /// The rest, when nothing more comes.
    pub(super) fn finish(&mut self) -> Vec<u8> {
        self.advance(true)
    }

    fn advance(&mut self, last: bool) -> Vec<u8> {
        let buffer = std::mem::take(&mut self.held);
        let mut clean = Vec::with_capacity(buffer.len());
        let mut rest = buffer.as_slice();
        while let Some(start) = rest.iter().position(|byte| self.starts[usize::from(*byte)]) {
            clean.extend_from_slice(&rest[..start]);
            rest = &rest[start..];
            // A longer secret may still come where a shorter one has ended.
            let open = |secret: &&Vec<u8>| secret.len() > rest.len() && secret.starts_with(rest);
            if !last && self.secrets.0.iter().any(|secret| open(&secret)) {
                self.held = rest.to_vec();
                return clean;
            }
            match self
                .secrets
                .0
                .iter()
                .find(|secret| rest.starts_with(secret))
            {
                Some(secret) => {
                    clean.extend_from_slice(STARS);
                    rest = &rest[secret.len()..];
                }
                None => {
                    clean.push(rest[0]);
                    rest = &rest[1..];
                }
            }
        }
        clean.extend_from_slice(rest);
        clean
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secrets(values: &[&str]) -> Secrets {
        Secrets::new(
            values
                .iter()
                .map(|value| value.as_bytes().to_vec())
                .collect(),
        )
    }

    fn whole(secrets: &Secrets, text: &[u8]) -> Vec<u8> {
        let mut scrubber = Scrubber::new(secrets.clone());
        [scrubber.push(text), scrubber.finish()].concat()
    }

    fn scrub(values: &[&str], text: &str) -> String {
        String::from_utf8(whole(&secrets(values), text.as_bytes())).unwrap()
    }

    #[test]
    fn whole_values_are_replaced() {
        assert_eq!(
            scrub(&["s3cr3t-value"], "pw is s3cr3t-value."),
            "pw is ***."
        );
        assert_eq!(scrub(&["a\nb"], "a\nb a b"), "*** a b");
        assert_eq!(scrub(&["", "x"], "axxa"), "a******a");
        assert_eq!(scrub(&[""], "text"), "text");
        assert_eq!(
            scrub(&["pass", "password"], "password pass passwor"),
            "*** *** ***wor"
        );
        assert_eq!(scrub(&["aab"], "aaab"), "a***");
    }

    #[test]
    fn lines_of_a_secret_and_its_base64_are_replaced() {
        use base64::Engine as _;
        use base64::engine::general_purpose::STANDARD;
        let key = "-----BEGIN KEY-----\n  MIIabcdefgh\n}\n-----END KEY-----\n";
        assert_eq!(scrub(&[key], "key: MIIabcdefgh\r\n}\n"), "key: ***\r\n}\n");
        let secret = "s3cr3t-p4ssw0rd-of-mine";
        for before in ["", "u", "us", "user:"] {
            let text = STANDARD.encode(format!("{before}{secret}\n"));
            let seen = scrub(&[secret], &text);
            assert!(seen.contains("***") && seen.len() < 16, "{seen}");
        }
        // As `base64` of coreutils and `openssl base64` break lines.
        let long: String = (0..40).map(|n| format!("{n:04}-")).collect();
        for (width, end) in [(64, ""), (64, "x\n"), (76, ""), (76, "\n"), (76, ", more")] {
            for cut in 0..3 {
                let long = &long[cut..];
                let text = STANDARD.encode(format!("{long}{end}"));
                let lines = text.as_bytes().chunks(width);
                let lines: Vec<_> = lines.map(|l| String::from_utf8_lossy(l)).collect();
                let seen = scrub(&[long], &lines.join("\n"));
                for line in seen.lines() {
                    assert!(line.len() < 16, "{end:?}: {seen}");
                }
            }
        }
    }

    /// Splits of every kind give what the whole text gives, and no secret.
    #[test]
    fn it_does_not_matter_where_reads_end() {
        let mut random = 0x2545_f491_4f6c_dd1d_u64;
        let mut next = move |below: usize| {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            (random % below as u64) as usize
        };
        for _ in 0..3000 {
            // Two letters make overlaps and false starts likely.
            let mut word = |longest: usize| -> Vec<u8> {
                (0..1 + next(longest)).map(|_| b"ab"[next(2)]).collect()
            };
            let secrets = Secrets::new(vec![word(4), word(6), word(3)]);
            let text = word(40);
            let whole = whole(&secrets, &text);
            let mut scrubber = Scrubber::new(secrets.clone());
            let (mut pieces, mut rest) = (Vec::new(), text.as_slice());
            while !rest.is_empty() {
                let (piece, after) = rest.split_at(1 + next(rest.len()));
                pieces.extend(scrubber.push(piece));
                rest = after;
            }
            pieces.extend(scrubber.finish());
            assert_eq!(pieces, whole, "{:?} in {text:?}", secrets.0);
            for secret in secrets.0.iter() {
                assert!(!whole.windows(secret.len()).any(|window| window == secret));
            }
        }
    }

    #[test]
    fn what_cannot_be_a_secret_is_not_held_back() {
        let mut scrubber = Scrubber::new(secrets(&["token"]));
        assert_eq!(scrubber.push(b"hello to"), b"hello ");
        assert_eq!(scrubber.push(b"day"), b"today");
        assert_eq!(scrubber.push(b" tok"), b" ");
        assert_eq!(scrubber.push(b"en!"), b"***!");
        assert_eq!(scrubber.push(b"toke"), b"");
        assert_eq!(scrubber.finish(), b"toke");
    }
}
