//! How deep a script nests.
//!
//! The parser tries alternatives anew at each level of some shapes: of a script that
//! is wrong, or ambiguous, the time doubles or trebles with every one, and its stack
//! is not endless. So what is nested deeper than people write is refused before.
//!
//! `$(…)` is not such a shape once what is in it is known to be right, and neither
//! are parentheses that cannot be arithmetic; both may be as deep as blocks.

use brush_parser::word::{self, WordPiece};
use brush_parser::{ParserOptions, Token};

/// Levels that make the parser try anew: `case`, `((`, and in words all but a `$(…)`
/// that is not in quotes. Ten take it 0.1 s at most, fourteen several seconds.
const COSTLY: usize = 10;

/// Levels of indices in a word, each of which takes it ten times as long.
const INDICES: usize = 3;

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

/// Tokens with a line's end between each two parentheses that stand apart, which are
/// no arithmetic: the parser tries that first. None where some are.
pub fn without_arithmetic(tokens: &[Token]) -> Option<Vec<Token>> {
    let mut out: Vec<Token> = Vec::with_capacity(tokens.len());
    for token in tokens {
        let before = out.last().filter(|before| is_open(before));
        match (before, token) {
            (_, Token::Word(word, _)) if word == "[[" => return None,
            (Some(before), _) if is_open(token) => {
                if before.location().end.index == token.location().start.index {
                    return None;
                }
                out.push(Token::Operator("\n".to_owned(), token.location().clone()));
            }
            _ => {}
        }
        out.push(token.clone());
    }
    Some(out)
}

fn is_open(token: &Token) -> bool {
    matches!(token, Token::Operator(operator, _) if operator == "(")
}

/// Groups and blocks of a script, and the words in it.
pub fn script(tokens: &[Token], has_arithmetic: bool) -> Result<(), String> {
    let is_costly = |word: &&&str| **word == "case" || (has_arithmetic && **word == "(");
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
        if open.iter().filter(is_costly).count() > COSTLY {
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
    /// `$(` that is not in quotes and not arithmetic, and where
    Command(usize),
    /// Another `$(`, and `(` in either
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
    let (mut open, mut commands) = (Vec::new(), Vec::new());
    let mut is_deep = false;
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
            b'(' if before == b'$' && !is_text && bytes.get(at + 1) != Some(&b'(') => {
                open.push(Open::Command(at - 1));
            }
            b'(' if before == b'$' => open.push(Open::Paren),
            b'{' if before == b'$' => open.push(Open::Parameter),
            b'[' if before == b'$' => open.push(Open::Index),
            _ if is_text => {}
            b'(' if matches!(top, Some(Open::Paren | Open::Command(_) | Open::Index))
                || b"@!?+*<>".contains(&before) =>
            {
                open.push(Open::Paren);
            }
            b'{' if top != Some(Open::Parameter) => open.push(Open::Brace),
            b'[' if before == b'_' || before.is_ascii_alphanumeric() => open.push(Open::Index),
            b')' => match top {
                Some(Open::Command(start)) => {
                    open.pop();
                    commands.push(start..at + 1);
                }
                _ => drop(open.pop_if(|last| *last == Open::Paren)),
            },
            b'}' => drop(open.pop_if(|last| matches!(last, Open::Parameter | Open::Brace))),
            b']' => drop(open.pop_if(|last| *last == Open::Index)),
            _ => {}
        }
        let deep = Depth::of(&open);
        if deep.costly > COSTLY || deep.all > ALL || deep.indices > INDICES {
            return Err(refuse(deep.most(), text));
        }
        is_deep |= deep.all > COSTLY;
        before = byte;
        at += 1;
    }
    if is_deep {
        // The inner ones come first, so each is read once more, and no more often.
        let is_open = open.iter().any(|kind| matches!(kind, Open::Command(_)));
        let is_whole = |range| text.get(range).is_some_and(is_substitution);
        if is_open || !commands.into_iter().all(is_whole) {
            return Err(refuse(COSTLY, text));
        }
    }
    Ok(())
}

/// How many levels are open.
struct Depth {
    all: usize,
    costly: usize,
    indices: usize,
}

impl Depth {
    fn of(open: &[Open]) -> Self {
        let count = |is: fn(&Open) -> bool| open.iter().filter(|kind| is(kind)).count();
        let all = count(|kind| *kind != Open::Quote);
        Self {
            all,
            costly: all - count(|kind| matches!(kind, Open::Command(_))),
            indices: count(|kind| *kind == Open::Index),
        }
    }

    /// The limit that they exceed.
    fn most(&self) -> usize {
        if self.indices > INDICES {
            INDICES
        } else if self.costly > COSTLY {
            COSTLY
        } else {
            ALL
        }
    }
}

/// Whether a text is a `$(…)` and nothing else.
fn is_substitution(text: &str) -> bool {
    let pieces = word::parse(text, &ParserOptions::default());
    let pieces = pieces.unwrap_or_default();
    matches!(&pieces[..], [only] if only.end_index == text.len()
        && matches!(only.piece, WordPiece::CommandSubstitution(_)))
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
    fn what_the_parser_reads_once_may_be_as_deep_as_blocks() {
        let cases = [
            ("$(a ", "b", ")"),
            ("x=$(a | ", "b", " | c)"),
            ("( ", "a;", " )"),
            ("( a; ( ", "b;", " ); ) | c\n"),
            ("f() ( ", "a;", " )"),
            ("a | (b; ", "c;", " )"),
        ];
        for (open, within, close) in cases {
            let per = open.matches('(').count() - open.matches("()").count();
            let deep = |levels: usize| {
                let depth = levels / per;
                let script = format!("{}{within}{}", open.repeat(depth), close.repeat(depth));
                syntax::parse(&script).map(drop)
            };
            deep(ALL).unwrap_or_else(|error| panic!("{open}: {}", error.message));
            let refused = deep(ALL + per).unwrap_err().message;
            assert!(
                refused.contains("deeper than 64 levels"),
                "{open}: {refused}"
            );
        }
    }

    #[test]
    fn what_is_wrong_or_ambiguous_may_not_be_as_deep() {
        let deep = |open: &str, close: &str, depth| {
            let within = if close.is_empty() { "" } else { "b" };
            word(&format!(
                "{}{within}{}",
                open.repeat(depth),
                close.repeat(depth)
            ))
        };
        for (open, close) in [
            ("\"a $(b ", ")\""),
            ("$(( (", ") ))"),
            ("${a:-", "}"),
            ("$(", ""),
        ] {
            let most = COSTLY / open.matches(['(', '{']).count();
            assert_eq!(deep(open, close, most), Ok(()), "{open}");
            let refused = deep(open, close, most + 1).unwrap_err();
            assert!(refused.contains("deeper than 10 levels"), "{refused}");
        }
        assert_eq!(deep("${a[", "]}", INDICES), Ok(()));
        let refused = deep("${a[", "]}", INDICES + 1).unwrap_err();
        assert!(refused.contains("deeper than 3 levels"), "{refused}");
    }

    #[test]
    fn arithmetic_is_left_as_it_is_and_may_not_be_as_deep() {
        for script in [
            "((1 + ( (2) )))",
            "[[ ( ( a ) ) ]]",
            "for ((a=0;a<( (1) );a++)); do b; done",
        ] {
            assert!(syntax::parse(script).is_ok(), "{script}");
        }
        let script =
            |depth: usize| format!("((1)); {}a;{}", "( ".repeat(depth), " )".repeat(depth));
        assert!(syntax::parse(&script(COSTLY)).is_ok());
        assert!(syntax::parse(&script(COSTLY + 1)).is_err());
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
