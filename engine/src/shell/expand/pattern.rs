//! Patterns of `case` and of parameter expansions.

use brush_parser::pattern::pattern_to_regex_str;
use regex::Regex;

use crate::shell::stop::Stop;

/// Text as a pattern that matches only itself.
pub fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if matches!(
            c,
            '*' | '?' | '[' | ']' | '\\' | '(' | ')' | '|' | '+' | '@' | '!'
        ) {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

/// Whether all of `text` matches.
pub fn matches(pattern: &str, text: &str) -> Result<bool, Stop> {
    Ok(whole(pattern)?.is_match(text))
}

/// A pattern that has to match from the beginning to the end.
pub fn whole(pattern: &str) -> Result<Regex, Stop> {
    compile(pattern, "^(?:", ")$")
}

/// A pattern that matches anywhere.
pub fn anywhere(pattern: &str) -> Result<Regex, Stop> {
    compile(pattern, "(?:", ")")
}

pub fn compile(pattern: &str, before: &str, after: &str) -> Result<Regex, Stop> {
    let wrong = |why: String| Stop::failed(format!("pattern `{pattern}` is not supported: {why}"));
    let regex = pattern_to_regex_str(pattern, true).map_err(|e| wrong(e.to_string()))?;
    Regex::new(&format!("(?s){before}{regex}{after}")).map_err(|e| wrong(e.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_as_in_bash() {
        let cases = [
            ("a*", "abc", true),
            ("a*", "xa", false),
            ("*", "", true),
            ("?", "ab", false),
            ("[a-c]x", "bx", true),
            ("[!a]", "a", false),
            ("a.c", "abc", false),
            ("@(x|y)", "y", true),
            ("*\n*", "a\nb", true),
        ];
        for (pattern, text, want) in cases {
            let Ok(got) = matches(pattern, text) else {
                panic!("{pattern} is refused")
            };
            assert_eq!(got, want, "{pattern} on {text}");
        }
    }

    #[test]
    fn quoted_patterns_stand_for_themselves() {
        for text in ["a*b", "[x]", "a\\b", "(a|b)", "+(a)", "1.2^3$"] {
            let Ok(got) = matches(&escape(text), text) else {
                panic!("{text} is refused")
            };
            assert!(got, "{text}");
        }
    }
}
