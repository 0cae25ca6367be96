//! What a step has written: the end of it, however much it was.

use std::collections::VecDeque;

/// What is kept of one step's output.
pub const MAX_BYTES: usize = 64 << 10;

/// The last bytes of an output, in the order in which they came.
#[derive(Debug, Default)]
pub struct Log {
    chunks: VecDeque<Chunk>,
    bytes: usize,
    /// Bytes before these.
    pub left_out: u64,
}

#[derive(Debug, Clone, PartialEq)]
struct Chunk {
    stderr: bool,
    bytes: Vec<u8>,
}

impl Log {
    pub fn push(&mut self, stderr: bool, bytes: &[u8]) {
        match self.chunks.back_mut() {
            // Pieces of one line belong together.
            Some(last) if last.stderr == stderr && last.bytes.len() < MAX_BYTES / 4 => {
                last.bytes.extend_from_slice(bytes);
            }
            _ => self.chunks.push_back(Chunk {
                stderr,
                bytes: bytes.to_vec(),
            }),
        }
        self.bytes += bytes.len();
        // One chunk more than needed, cut when it is looked at.
        while let Some(first) = self.chunks.front()
            && self.bytes - first.bytes.len() >= MAX_BYTES
        {
            self.bytes -= first.bytes.len();
            self.left_out += first.bytes.len() as u64;
            self.chunks.pop_front();
        }
    }

    /// Bytes that are held.
    pub fn len(&self) -> usize {
        self.bytes
    }

    /// Forgets what is held.
    pub fn clear(&mut self) {
        self.left_out += self.bytes as u64;
        self.bytes = 0;
        self.chunks.clear();
    }

    /// Texts with whether each went to standard error, and how many bytes came
    /// before. A cut is at the beginning of a line; where there is none, so much
    /// is left out (`whole`) that no secret is cut in two.
    pub fn texts(&self, whole: usize) -> (Vec<(bool, String)>, u64) {
        let mut chunks: Vec<Chunk> = Vec::new();
        for chunk in &self.chunks {
            match chunks.last_mut() {
                Some(last) if last.stderr == chunk.stderr => last.bytes.extend(&chunk.bytes),
                _ => chunks.push(chunk.clone()),
            }
        }
        let mut left_out = self.left_out;
        let mut excess = self.bytes.saturating_sub(MAX_BYTES);
        for chunk in &mut chunks {
            if excess == 0 && left_out == 0 {
                break;
            }
            let cut = excess.min(chunk.bytes.len());
            let rest = &chunk.bytes[cut..];
            let line = rest.iter().position(|byte| *byte == b'\n');
            let cut = cut + line.map_or(whole.min(rest.len()), |at| at + 1);
            left_out += cut as u64;
            excess = excess.saturating_sub(cut);
            chunk.bytes.drain(..cut);
            if !chunk.bytes.is_empty() {
                break;
            }
        }
        chunks.retain(|chunk| !chunk.bytes.is_empty());
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let texts = chunks
            .iter()
            .map(|chunk| (chunk.stderr, text(&chunk.bytes)));
        (texts.collect(), left_out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn little_is_kept_as_it_came() {
        let mut log = Log::default();
        for (stderr, text) in [(false, "one\ntw"), (false, "o\n"), (true, "three\n")] {
            log.push(stderr, text.as_bytes());
        }
        let want = vec![
            (false, "one\ntwo\n".to_owned()),
            (true, "three\n".to_owned()),
        ];
        assert_eq!(log.texts(0), (want, 0));
    }

    #[test]
    fn of_much_the_end_is_kept_from_the_beginning_of_a_line() {
        let mut log = Log::default();
        let mut all = 0;
        for n in 0..100_000 {
            let line = format!("line {n}\n");
            all += line.len() as u64;
            log.push(n % 1000 == 0, line.as_bytes());
            assert!(log.len() <= MAX_BYTES + MAX_BYTES / 4);
        }
        let (texts, left_out) = log.texts(0);
        let text: String = texts.iter().map(|(_, text)| text.as_str()).collect();
        assert!(text.starts_with("line ") && text.ends_with("line 99999\n"));
        assert!(text.len() <= MAX_BYTES && text.len() > MAX_BYTES / 2);
        assert_eq!(left_out + text.len() as u64, all);
    }

    #[test]
    fn a_cut_within_a_line_leaves_out_what_may_be_the_rest_of_a_secret() {
        let mut log = Log::default();
        log.push(false, &[b'x'; 2 * MAX_BYTES]);
        log.push(false, b"end");
        let (texts, left_out) = log.texts(10);
        let kept: usize = texts.iter().map(|(_, text)| text.len()).sum();
        assert_eq!(kept as u64 + left_out, 2 * MAX_BYTES as u64 + 3);
        assert!(kept <= MAX_BYTES - 10);
    }
}
