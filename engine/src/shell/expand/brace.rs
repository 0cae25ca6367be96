//! `a{b,c}` and `{1..3}`.

use brush_parser::word::{self, BraceExpressionMember as Member, BraceExpressionOrText as Part};

use crate::shell::stop::Stop;
use crate::shell::{depth, syntax};

/// A range may not make more words.
const MAX_WORDS: usize = 100_000;

/// The words that a word with braces stands for.
pub fn expand(text: &str) -> Result<Vec<String>, Stop> {
    if !text.contains('{') || !(text.contains(',') || text.contains("..")) {
        return Ok(vec![text.to_owned()]);
    }
    // The parser gives up the program for a number that it cannot hold.
    let after = ["{", ".."]
        .into_iter()
        .flat_map(|mark| text.split(mark).skip(1));
    for number in after.map(|rest| rest.strip_prefix(['+', '-']).unwrap_or(rest)) {
        if syntax::has_large_number(number) {
            // In quotes it means nothing.
            if text.contains(['\'', '"']) {
                return Ok(vec![text.to_owned()]);
            }
            let message = format!("`{text}`: a number in the braces is too large");
            return Err(Stop::failed(message));
        }
    }
    depth::word(text).map_err(Stop::failed)?;
    match word::parse_brace_expansions(text, &syntax::options()) {
        Ok(Some(parts)) => combine(&parts),
        // No braces that mean anything.
        Ok(None) | Err(_) => Ok(vec![text.to_owned()]),
    }
}

fn combine(parts: &[Part]) -> Result<Vec<String>, Stop> {
    let mut words = vec![String::new()];
    for part in parts {
        let choices = match part {
            Part::Text(text) => vec![text.clone()],
            Part::Expr(members) => {
                let mut choices = Vec::new();
                for member in members {
                    choices.extend(member_words(member)?);
                }
                choices
            }
        };
        if words.len().saturating_mul(choices.len()) > MAX_WORDS {
            return Err(Stop::failed(format!(
                "braces make more than {MAX_WORDS} words"
            )));
        }
        words = words
            .iter()
            .flat_map(|w| choices.iter().map(move |c| format!("{w}{c}")))
            .collect();
    }
    Ok(words)
}

fn member_words(member: &Member) -> Result<Vec<String>, Stop> {
    match member {
        Member::Child(parts) => combine(parts),
        Member::NumberSequence {
            start,
            end,
            increment,
        } => range(*start, *end, *increment).map(|r| r.iter().map(i64::to_string).collect()),
        Member::CharSequence {
            start,
            end,
            increment,
        } => {
            let codes = range(*start as i64, *end as i64, *increment)?;
            let chars = codes
                .into_iter()
                .filter_map(|c| u32::try_from(c).ok().and_then(char::from_u32));
            Ok(chars.map(String::from).collect())
        }
    }
}

fn range(start: i64, end: i64, increment: i64) -> Result<Vec<i64>, Stop> {
    let step = increment.unsigned_abs().max(1);
    let count = start.abs_diff(end) / step;
    if count >= MAX_WORDS as u64 {
        return Err(Stop::failed(format!(
            "braces make more than {MAX_WORDS} words"
        )));
    }
    // None leaves the numbers from `start` to `end`, though a step may.
    Ok((0..=count)
        .map(|i| match start <= end {
            true => start.wrapping_add_unsigned(i.wrapping_mul(step)),
            false => start.wrapping_sub_unsigned(i.wrapping_mul(step)),
        })
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn braces_make_several_words() {
        let cases: &[(&str, &[&str])] = &[
            ("a", &["a"]),
            ("a{b,c}d", &["abd", "acd"]),
            ("{1..3}", &["1", "2", "3"]),
            ("{c..a}", &["c", "b", "a"]),
            ("{1..9..-9223372036854775807}", &["1"]),
            (
                "{-9223372036854775807..9223372036854775807..9223372036854775807}",
                &["-9223372036854775807", "0", "9223372036854775807"],
            ),
            (
                "{a,b}99999999999999999999",
                &["a99999999999999999999", "b99999999999999999999"],
            ),
            ("'{a,b}'", &["'{a,b}'"]),
            ("\"{a,b}\"", &["\"{a,b}\""]),
            ("{}", &["{}"]),
            ("{a}", &["{a}"]),
            ("${x:-a,b}", &["${x:-a,b}"]),
            ("$(f {a,b})", &["$(f {a,b})"]),
            (
                "'{99999999999999999999,b}'",
                &["'{99999999999999999999,b}'"],
            ),
        ];
        for (text, want) in cases {
            let Ok(words) = expand(text) else {
                panic!("{text} is refused")
            };
            assert_eq!(words, *want, "{text}");
        }
    }

    #[test]
    fn numbers_that_are_too_large_are_refused() {
        for text in [
            "{1..9223372036854775808}",
            "{-99999999999999999999..1}",
            "x{99999999999999999999,a}",
        ] {
            assert!(expand(text).is_err(), "{text}");
        }
        assert!(syntax::word("~99999999999999999999").is_err());
    }
}
