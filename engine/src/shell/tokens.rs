//! Text becomes words and operators.
//!
//! The tokenizer of `brush-parser` has three faults that a script could use: it
//! looks without end for a here-document whose end has an empty name when the text
//! ends in the line of its `<<`; it gives up the program when such a document ends
//! behind the `)` that it is in, and the text with it; and its stack is not endless.
//! So the text that it reads always ends with empty lines, and has a bounded depth.

use std::io::{self, BufRead, Read};

use brush_parser::uncached_tokenize_str;
use brush_parser::{ParseError, Parser, ParserOptions, Token, TokenizerError};

/// Levels of `$(`, `${` and `$[` that any stack is large enough for.
const LEVELS: usize = 100;

/// How much of the stack the tokenizer may use up; threads have twice that at least.
const STACK_BYTES: usize = 1 << 20;

/// Why there are none.
pub enum Fault {
    Deep,
    /// A here-document goes on behind the `)` of what it begins in.
    Torn,
    Wrong(ParseError),
}

/// The words and operators of a script.
///
/// # Errors
/// What the tokenizer says of it, and where.
pub fn tokens(text: &str, options: &ParserOptions) -> Result<Vec<Token>, Fault> {
    if marks(text) > LEVELS && is_deep(text, options) {
        return Err(Fault::Deep);
    }
    let lines = with_empty_lines(text);
    let Ok(mut tokens) = uncached_tokenize_str(&lines, &options.tokenizer_options()) else {
        // It ends at the same place again, and says where that is.
        let program = Parser::new(lines.as_bytes(), options).parse_program();
        let error = program.err().unwrap_or(ParseError::ParsingAtEndOfInput);
        return Err(Fault::Wrong(error));
    };
    let end = text.chars().count();
    let is_added = |token: &mut Token| token.location().end.index > end && token.to_str() == "\n";
    while tokens.pop_if(is_added).is_some() {}
    if are_torn(&tokens) {
        return Err(Fault::Torn);
    }
    if reach_beyond(&tokens, end) {
        let inner = match text.ends_with('\\') {
            true => TokenizerError::UnterminatedEscapeSequence,
            false => TokenizerError::UnterminatedCommandSubstitution,
        };
        let position = None;
        return Err(Fault::Wrong(ParseError::Tokenizing { inner, position }));
    }
    Ok(tokens)
}

/// The text and as many lines behind it as the tokenizer could want: one for the
/// line of `<<`, one for each document without a name for its end, and one for each
/// sign that it believes to stand there once more.
fn with_empty_lines(text: &str) -> String {
    let wants = |letter: &u8| matches!(letter, b'<' | b')' | b'}' | b']');
    let lines = 2 + text.bytes().filter(wants).count();
    // A backslash would take the first of them.
    let escaped = if text.ends_with('\\') { " " } else { "" };
    format!("{text}{escaped}{}", "\n".repeat(lines))
}

/// Tokens without the texts and ends of here-documents, which stand elsewhere.
fn in_order(tokens: &[Token]) -> impl Iterator<Item = &Token> {
    let mut behind = 0;
    tokens.iter().filter(move |token| {
        let is_document = matches!(behind, 1 | 2);
        behind = match token {
            _ if behind > 0 => behind - 1,
            Token::Operator(operator, _) if operator == "<<" || operator == "<<-" => 3,
            _ => 0,
        };
        !is_document
    })
}

/// Whether a part of a word has become one of its own, before it.
fn are_torn(tokens: &[Token]) -> bool {
    let start = |token: &Token| token.location().start.index;
    let has_blank = |token: &Token| token.to_str().starts_with([' ', '\t']);
    !in_order(tokens).is_sorted_by_key(start) || in_order(tokens).any(has_blank)
}

/// Whether a word has become whole only by what stands behind the text.
fn reach_beyond(tokens: &[Token], end: usize) -> bool {
    in_order(tokens).any(|token| token.location().end.index > end)
}

/// What may begin a level, whether it ends or not.
fn marks(text: &str) -> usize {
    let pairs = text.as_bytes().windows(2);
    pairs
        .filter(|pair| matches!(pair, [b'$', b'(' | b'{' | b'[']))
        .count()
}

/// Whether the tokenizer descends too far. Which `)` it takes for an end is its own
/// knowledge, so it is asked, with a text that breaks off when the stack is used up.
fn is_deep(text: &str, options: &ParserOptions) -> bool {
    let mut measured = Measured {
        rest: text.as_bytes(),
        began: address(),
        is_deep: false,
    };
    // The text never ends for it, but breaks off: there is nothing to be parsed.
    drop(Parser::new(&mut measured, options).parse_program());
    measured.is_deep
}

struct Measured<'a> {
    rest: &'a [u8],
    /// Of the stack, before the tokenizer.
    began: usize,
    is_deep: bool,
}

/// Where the stack is now.
#[inline(never)]
fn address() -> usize {
    let here = 0_u8;
    std::hint::black_box(&raw const here).addr()
}

impl BufRead for Measured<'_> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.is_deep |= self.began.abs_diff(address()) > STACK_BYTES;
        if self.is_deep || self.rest.is_empty() {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(self.rest)
    }

    fn consume(&mut self, many: usize) {
        self.rest = &self.rest[many..];
    }
}

impl Read for Measured<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let many = self.fill_buf()?.read(into)?;
        self.consume(many);
        Ok(many)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shell::syntax;

    fn words(text: &str) -> Vec<String> {
        let tokens = tokens(text, &syntax::options());
        let tokens = tokens.unwrap_or_else(|_| panic!("`{text}` has words"));
        let words = tokens.iter().map(|token| token.to_str().to_owned());
        words.collect()
    }

    #[test]
    fn a_text_has_its_own_words_and_lines_and_none_besides() {
        assert_eq!(
            words("a <<E;b\nc\nE"),
            ["a", "<<", "E", "c\n", "E", ";", "b", "\n"]
        );
        assert_eq!(words("a \\\n\n\n"), ["a", "\n", "\n"]);
        assert_eq!(words("a\n# \\"), ["a", "\n"]);
        assert_eq!(
            words("é <<''\nb\n\nc"),
            ["é", "<<", "''", "b\n", "", "\n", "c"]
        );
        assert_eq!(words(""), [""; 0]);
    }

    #[test]
    fn a_backslash_at_the_end_is_not_taken_for_one_before_a_space() {
        for text in ["a \\", "a b\\", "\\", "\\\\\\"] {
            assert!(tokens(text, &syntax::options()).is_err(), "{text}");
        }
        assert_eq!(words("a \\\\"), ["a", "\\\\"]);
    }

    #[test]
    fn a_text_that_ends_in_the_line_of_a_document_without_a_name_is_answered_at_once() {
        for start in ["x ", "x $(a (6 ", "$(=(6 ", "((1)) ", "${a:-"] {
            for mark in [
                "<<''",
                "<<-\"\"",
                "<<'' << ",
                "<<  ",
                "<<''<<\\\n",
                "<<''\t<<A",
            ] {
                for end in ["", " ", " )", "A)", "\\", " # \\", "\n", " b\n\nc"] {
                    let _ = syntax::parse(&format!("{start}{mark}{end}")).is_ok();
                }
            }
        }
    }

    #[test]
    fn a_document_that_ends_behind_its_parenthesis_does_not_end_the_program() {
        for text in [
            "$( $(a <<E x)\nE\n",
            "b $(a <<E x)\nE\n",
            "${a $(${b <<E}<<E)\nE\nE",
            "$[$(<<''])",
        ] {
            assert!(syntax::parse(text).is_err(), "{text}");
        }
        let error = syntax::parse("b $(a <<E x)\nE\n").map(drop).unwrap_err();
        assert!(
            error.message.contains("end it in a line before that `)`"),
            "{error}"
        );
        syntax::parse("a $(b <<B c\nb\nB\n) <<C c\nc\nC\nd").unwrap();
    }

    #[test]
    fn what_seems_closed_is_deep_all_the_same() {
        for text in ["$(')'", "${a:-'}'", "$[\"]\""] {
            let refused = syntax::parse(&text.repeat(100_000)).map(drop).unwrap_err();
            let message = refused.message;
            assert!(message.contains("is nested deeper than"), "{message}");
        }
        let many = "a $(b) ${c} $[1] ')'\n".repeat(1000);
        assert!(syntax::parse(&many).is_ok());
    }
}
