//! How deep a script nests.
//!
//! The parser tries alternatives anew at each level: of a script that is wrong, or
//! ambiguous, the time doubles or trebles with every one, and its stack is not
//! endless. So what is nested deeper than people write is refused before.

use brush_parser::Token;

/// Levels within a word, and of `(` and `case`, that make the parser try anew.
const COSTLY: usize = 10;

/// Levels of any kind.
const ALL: usize = 64;

/// A refusal that shows the place.
fn refuse(most: usize, at: &str) -> String {
    let line = at.lines().next().unwrap_or_default();
    let shown: String = line.chars().take(40).collect();
    let more = if shown.len() < at.trim_end().len() {
        "…"
    } else {
        ""
    };
    format!(
        "`{shown}{more}` is nested deeper than {most} levels: put inner parts into variables or functions"
    )
}

/// Of what is so deep that it cannot even be cut into words.
pub fn refusal(text: &str) -> String {
    refuse(COSTLY, text.trim_start())
}

/// Groups and blocks of a script, and the words in it.
pub fn script(tokens: &[Token]) -> Result<(), String> {
    let mut open: Vec<&str> = Vec::new();
    let mut is_command = true;
    let mut tokens = tokens.iter();
    while let Some(token) = tokens.next() {
        let text = token.to_str();
        match token {
            Token::Operator(..) => {
                match text {
                    "(" => open.push(text),
                    ")" => close(&mut open, "("),
                    // The end, the text and the end again are no part of the grammar.
                    "<<" | "<<-" => drop(tokens.nth(2)),
                    _ => {}
                }
                is_command = true;
            }
            Token::Word(..) => {
                word(text)?;
                let was_command = is_command;
                is_command = was_command && is_reserved(text);
                match text {
                    "{" | "if" | "do" | "case" if was_command => open.push(text),
                    "}" if was_command => close(&mut open, "{"),
                    "fi" if was_command => close(&mut open, "if"),
                    "done" if was_command => close(&mut open, "do"),
                    "esac" if was_command => close(&mut open, "case"),
                    _ => {}
                }
            }
        }
        let costly = open.iter().filter(|word| matches!(**word, "(" | "case"));
        if costly.count() > COSTLY {
            return Err(refuse(COSTLY, &around(token, tokens.as_slice())));
        }
        if open.len() > ALL {
            return Err(refuse(ALL, &around(token, tokens.as_slice())));
        }
    }
    Ok(())
}

fn close(open: &mut Vec<&str>, what: &str) {
    open.pop_if(|last| *last == what);
}

fn is_reserved(word: &str) -> bool {
    matches!(
        word,
        "if" | "then"
            | "elif"
            | "else"
            | "do"
            | "while"
            | "until"
            | "{"
            | "!"
            | "time"
            | "coproc"
            | "fi"
            | "done"
            | "esac"
            | "}"
    )
}

/// The script from a token on.
fn around(token: &Token, after: &[Token]) -> String {
    let tokens = std::iter::once(token).chain(after).take(8);
    let words: Vec<_> = tokens.map(Token::to_str).collect();
    words.join(" ")
}

#[derive(Clone, Copy, PartialEq)]
enum Open {
    /// `"`
    Quote,
    /// `$(`, and `(` in it
    Paren,
    /// `${`
    Parameter,
    /// `{`
    Brace,
    /// `[` of an index or `$[`
    Index,
}

/// Expansions within a word.
pub fn word(text: &str) -> Result<(), String> {
    levels(text, false)
}

/// Expansions within the body of a here-document, where quotes mean nothing.
pub fn heredoc(text: &str) -> Result<(), String> {
    levels(text, true)
}

fn levels(text: &str, is_heredoc: bool) -> Result<(), String> {
    let bytes = text.as_bytes();
    let mut open = Vec::new();
    let (mut at, mut before) = (0, b' ');
    while let Some(&byte) = bytes.get(at) {
        let top = open.last().copied();
        let is_text = top == Some(Open::Quote) || (is_heredoc && open.is_empty());
        match byte {
            // What it escapes means nothing, nor after it.
            b'\\' => at += 1,
            b'\'' if !is_text => at = quoted(bytes, at, before == b'$'),
            b'"' if top == Some(Open::Quote) => drop(open.pop()),
            b'"' if !is_text => open.push(Open::Quote),
            b'(' if before == b'$' => open.push(Open::Paren),
            b'{' if before == b'$' => open.push(Open::Parameter),
            b'[' if before == b'$' => open.push(Open::Index),
            _ if is_text => {}
            b'(' if matches!(top, Some(Open::Paren | Open::Index))
                || b"@!?+*<>".contains(&before) =>
            {
                open.push(Open::Paren);
            }
            b'{' if top != Some(Open::Parameter) => open.push(Open::Brace),
            b'[' if before == b'_' || before.is_ascii_alphanumeric() => open.push(Open::Index),
            b')' => drop(open.pop_if(|last| *last == Open::Paren)),
            b'}' => drop(open.pop_if(|last| matches!(last, Open::Parameter | Open::Brace))),
            b']' => drop(open.pop_if(|last| *last == Open::Index)),
            _ => {}
        }
        if open.len() > COSTLY && open.iter().filter(|kind| **kind != Open::Quote).count() > COSTLY
        {
            return Err(refuse(COSTLY, text));
        }
        before = byte;
        at += 1;
    }
    Ok(())
}

/// Parentheses of arithmetic, and indices within indices, which the parser reads
/// again for each operator that may follow.
pub fn arithmetic(text: &str) -> Result<(), String> {
    const INDICES: i32 = 3;
    const PARENTHESES: i32 = 64;
    let (mut indices, mut parentheses) = (0, 0);
    for byte in text.bytes() {
        match byte {
            b'[' => indices += 1,
            b']' => indices -= 1,
            b'(' => parentheses += 1,
            b')' => parentheses -= 1,
            _ => {}
        }
        if indices > INDICES || parentheses > PARENTHESES {
            let shown: String = text.chars().take(40).collect();
            return Err(format!(
                "the arithmetic `{shown}` is nested too deep: put inner parts into variables"
            ));
        }
    }
    Ok(())
}

/// Where text in single quotes ends.
fn quoted(bytes: &[u8], start: usize, has_escapes: bool) -> usize {
    let mut at = start + 1;
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b'\'' => break,
            b'\\' if has_escapes => at += 1,
            _ => {}
        }
        at += 1;
    }
    at
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;
    use crate::shell::syntax;

    #[test]
    fn what_is_nested_deep_is_refused_at_once_and_says_what_to_do() {
        let cases = [
            ("(", "a", ")"),
            ("( ", "; ", ") "),
            ("$(", "a", ")"),
            ("\"$(", "a", ")\""),
            ("$(a $(", "a", ") )"),
            ("${a:-", "b", "}"),
            ("case a in a) ", "b", " ;; esac"),
            ("case a in a) ", "b", " esac"),
            ("$((", "1", "))"),
            ("$((", "1", ") )"),
            ("{a,", "b", "}"),
            ("{ ", "a;", " };"),
            ("if ", "a;", " then b; fi;"),
            ("while a; do ", "b;", " done;"),
            ("f() { ", "a;", " };"),
        ];
        for (open, within, close) in cases {
            for (depth, closed) in [(80, true), (80, false), (2000, true), (2000, false)] {
                let mut script = format!("x {within}; {}{within}", open.repeat(depth));
                if closed {
                    script += &close.repeat(depth);
                }
                let began = Instant::now();
                let refused = syntax::parse(&script).map(drop).unwrap_err().message;
                assert!(
                    refused.contains("is nested deeper than") || !closed,
                    "{open}: {refused}"
                );
                assert!(began.elapsed() < Duration::from_secs(60), "{open}");
            }
        }
        let began = Instant::now();
        let refused = heredoc(&"$(".repeat(20)).unwrap_err();
        assert_eq!(
            refused,
            "`$($($($($($($($($($($($($($($($($($($($(` is nested deeper than 10 levels: \
             put inner parts into variables or functions"
        );
        assert!(began.elapsed() < Duration::from_secs(60));
    }

    #[test]
    fn what_people_write_is_not_deep_however_much_of_it_there_is() {
        for text in [
            "f '(((((((((((((((((((('",
            "f \"{{{{{{{{{{{{{{{{{{{{ (((((((((((((((((((( [[[[[[[[[[[[[[[[[[[[\"",
            "f $'((\\'((((((((((((((((((('",
            "f \\(\\(\\(\\(\\(\\(\\(\\(\\(\\(\\(\\(\\(\\(",
            "echo if if if case case case case case case case case case case case case",
            "cat <<'E' | f\n$($($($($($($($($($($($($($($($( it's\nE",
            "f # $($($($($($($($($($($($($($($($(",
            "a=$(b \"$(c \"$(d ${e:-\"$(f)\"})\")\")",
        ] {
            let many = format!("{text}\n").repeat(20);
            assert!(syntax::parse(&many).is_ok(), "{text}");
        }
        let blocks = format!("{}a; {}", "if x; then ".repeat(30), "fi; ".repeat(30));
        assert!(syntax::parse(&blocks).is_ok());
        let groups = "case a in a) (b) ;; (c|d) $(e) ;; esac; f() { (x); }\n".repeat(50);
        assert!(syntax::parse(&groups).is_ok());
        assert_eq!(heredoc(&"it's 5\" {([ $(a) ${b} \\$(\n".repeat(50)), Ok(()));
        assert_eq!(word(&"a${b:-(}c{d,e}[f]g[h]".repeat(50)), Ok(()));
    }
}
