//! Names of traces and their spans, as W3C's Trace Context has them.

/// The trace that a run is, or is part of.
#[derive(Debug, Clone, PartialEq)]
pub struct Context {
    pub trace: [u8; 16],
    /// Span of whoever started the run.
    pub parent: Option<[u8; 8]>,
    /// Vendors' own words, handed on.
    pub state: String,
    /// Whether the trace is wanted by whoever began it.
    pub sampled: bool,
    /// Span ids of the run follow from this.
    seed: u64,
}

/// The run itself among the spans of a run.
pub const RUN: u64 = 0;

impl Context {
    /// Part of the trace in `TRACEPARENT`, or a new one.
    pub fn new(traceparent: Option<&str>, tracestate: Option<&str>) -> Self {
        let seed = u64::from_le_bytes(random());
        let begun = traceparent.and_then(parse);
        let Some((trace, parent, sampled)) = begun else {
            return Self {
                trace: random(),
                parent: None,
                state: String::new(),
                sampled: true,
                seed,
            };
        };
        Self {
            trace,
            parent: Some(parent),
            state: tracestate.unwrap_or_default().trim().to_owned(),
            sampled,
            seed,
        }
    }

    /// Id of a span by its number: never twice in a run, never zero in practice.
    pub fn span(&self, number: u64) -> [u8; 8] {
        // SplitMix64, which takes each number to another one.
        let mut z = self
            .seed
            .wrapping_add(number.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)).to_be_bytes()
    }

    /// The value of `TRACEPARENT` for what is part of a span.
    pub fn traceparent(&self, number: u64) -> String {
        let flags = u8::from(self.sampled);
        format!(
            "00-{}-{}-{flags:02x}",
            hex(&self.trace),
            hex(&self.span(number))
        )
    }
}

fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    // The kernel's generator does not fail once it is seeded, which it is by now.
    let _ = rustix::rand::getrandom(&mut bytes, rustix::rand::GetRandomFlags::empty());
    bytes
}

pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Trace, span and whether it is sampled; versions to come may say more.
fn parse(text: &str) -> Option<([u8; 16], [u8; 8], bool)> {
    let mut parts = text.trim().split('-');
    let mut next = || parts.next();
    let (version, trace, span, flags) = (next()?, next()?, next()?, next()?);
    let version: [u8; 1] = unhex(version)?;
    if version[0] == 0xff || (version[0] == 0 && next().is_some()) {
        return None;
    }
    let (trace, span) = (unhex::<16>(trace)?, unhex::<8>(span)?);
    let flags: [u8; 1] = unhex(flags)?;
    let is_valid = trace != [0; 16] && span != [0; 8];
    is_valid.then_some((trace, span, flags[0] & 1 == 1))
}

fn unhex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let digits = |byte: &u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(byte);
    if text.len() != 2 * N || !text.as_bytes().iter().all(digits) {
        return None;
    }
    let mut bytes = [0; N];
    for (at, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&text[2 * at..2 * at + 2], 16).ok()?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    const GIVEN: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    #[test]
    fn a_run_is_part_of_the_trace_in_the_environment() {
        let context = Context::new(Some(GIVEN), Some("vendor=1"));
        assert_eq!(hex(&context.trace), "0af7651916cd43dd8448eb211c80319c");
        assert_eq!(hex(&context.parent.unwrap()), "b7ad6b7169203331");
        assert_eq!(
            (context.sampled, context.state.as_str()),
            (true, "vendor=1")
        );
        let handed_on = context.traceparent(7);
        let read = Context::new(Some(&handed_on), None);
        assert_eq!(
            (read.trace, read.parent),
            (context.trace, Some(context.span(7)))
        );
    }

    #[test]
    fn what_is_no_traceparent_begins_a_new_trace() {
        let zeros = format!("00-{}-b7ad6b7169203331-01", "0".repeat(32));
        let (upper, longer, unknown) = (
            GIVEN.to_uppercase(),
            format!("{GIVEN}-x"),
            GIVEN.replacen("00", "ff", 1),
        );
        for text in [
            "",
            "nonsense",
            "00-12-34-01",
            &zeros,
            &upper,
            &longer,
            &unknown,
        ] {
            let context = Context::new(Some(text), Some("vendor=1"));
            assert_eq!(
                (context.parent, context.state.as_str()),
                (None, ""),
                "{text}"
            );
        }
        let newer = format!("{}-x", GIVEN.replacen("00", "01", 1));
        assert!(Context::new(Some(&newer), None).parent.is_some());
        assert_ne!(
            Context::new(None, None).trace,
            Context::new(None, None).trace
        );
    }

    #[test]
    fn spans_have_ids_of_their_own() {
        let context = Context::new(None, None);
        let ids: std::collections::HashSet<_> = (0..10_000).map(|n| context.span(n)).collect();
        assert_eq!(ids.len(), 10_000);
    }
}
