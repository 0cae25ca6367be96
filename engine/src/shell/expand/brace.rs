//! `a{b,c}` and `{1..3}`.

use brush_parser::word::{self, BraceExpressionMember as Member, BraceExpressionOrText as Part};

use crate::shell::stop::Stop;
use crate::shell::syntax;

/// A range may not make more words.
const MAX_WORDS: usize = 100_000;

/// The words that a word with braces stands for.
pub fn expand(text: &str) -> Result<Vec<String>, Stop> {
    if !text.contains('{') || !(text.contains(',') || text.contains("..")) {
        return Ok(vec![text.to_owned()]);
    }
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
    let step = step as i64;
    Ok((0..=count as i64)
        .map(|i| {
            if start <= end {
                start + i * step
            } else {
                start - i * step
            }
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
            ("'{a,b}'", &["'{a,b}'"]),
            ("\"{a,b}\"", &["\"{a,b}\""]),
            ("{}", &["{}"]),
            ("{a}", &["{a}"]),
            ("${x:-a,b}", &["${x:-a,b}"]),
            ("$(f {a,b})", &["$(f {a,b})"]),
        ];
        for (text, want) in cases {
            let Ok(words) = expand(text) else {
                panic!("{text} is refused")
            };
            assert_eq!(words, *want, "{text}");
        }
    }
}
