//! Text becomes a tree.

use brush_parser::ast::Program;
use brush_parser::word::{self, WordPieceWithSource};
use brush_parser::{ParseError, ParserOptions, Token, parse_tokens};

use super::depth;
use super::tokens::{self, Fault};
use crate::client::Failure;

const TORN: &str = "syntax error: a here-document goes on behind the `)` of what it begins in: \
                    end it in a line before that `)`";

/// Bash without what depends on a host: no tilde after colons.
pub fn options() -> ParserOptions {
    ParserOptions::default()
}

/// Parses a whole script.
///
/// # Errors
/// With the line at fault.
pub fn parse(text: &str) -> Result<Program, Failure> {
    parse_with(text, &options()).map_err(|refusal| match refusal {
        Refusal::Unasked(message) => Failure::new(message),
        Refusal::Wrong(error) => explain(text, &error),
    })
}

/// The pieces of a word.
///
/// # Errors
/// Why it is none.
pub fn word(text: &str) -> Result<Vec<WordPieceWithSource>, String> {
    // The parser gives up the program for a number that it cannot hold.
    if let Some(rest) = text.strip_prefix('~')
        && has_large_number(rest.trim_start_matches(['+', '-']))
    {
        return Err(format!("the number in `{text}` is too large"));
    }
    depth::word(text)?;
    word::parse(text, &options()).map_err(|error| error.to_string())
}

/// The pieces of a here-document's body.
///
/// # Errors
/// Why it has none.
pub fn heredoc(text: &str) -> Result<Vec<WordPieceWithSource>, String> {
    depth::heredoc(text)?;
    word::parse_heredoc(text, &options()).map_err(|error| error.to_string())
}

/// Whether a text begins with a number that does not fit 64 bits.
pub fn has_large_number(text: &str) -> bool {
    let end = text.find(|letter: char| !letter.is_ascii_digit());
    let digits = &text[..end.unwrap_or(text.len())];
    !digits.is_empty() && digits.parse::<i64>().is_err()
}

/// Numbers of descriptors, which stand before a redirect without a space.
fn descriptors(tokens: &[Token]) -> Result<(), String> {
    for pair in tokens.windows(2) {
        if let [Token::Word(number, at), Token::Operator(operator, next)] = pair
            && operator.starts_with(['<', '>'])
            && at.end.index == next.start.index
            && number.bytes().all(|byte| byte.is_ascii_digit())
            && number.parse::<i32>().is_err()
        {
            return Err(format!("the number in `{number}{operator}` is too large"));
        }
    }
    Ok(())
}

/// Whether more lines could make it a script.
pub fn is_incomplete(text: &str) -> bool {
    match parse_with(text, &options()) {
        Ok(_) => text.ends_with("\\\n"),
        Err(Refusal::Wrong(ParseError::ParsingAtEndOfInput)) => true,
        Err(Refusal::Wrong(ParseError::Tokenizing { inner, .. })) => inner.is_incomplete(),
        Err(Refusal::Wrong(ParseError::ParsingNear(_)) | Refusal::Unasked(_)) => false,
    }
}

/// Why a text is no script.
#[derive(Debug)]
pub enum Refusal {
    /// What the parser is not asked, for it would not answer.
    Unasked(String),
    Wrong(ParseError),
}

/// Parses a whole script by these rules.
///
/// # Errors
/// What the parser says, and what it is not asked.
pub fn parse_with(text: &str, options: &ParserOptions) -> Result<Program, Refusal> {
    let tokens = tokens::tokens(text, options).map_err(|fault| match fault {
        Fault::Deep => Refusal::Unasked(depth::refusal(text)),
        Fault::Torn => Refusal::Unasked(TORN.to_owned()),
        Fault::Wrong(error) => Refusal::Wrong(error),
    })?;
    descriptors(&tokens).map_err(Refusal::Unasked)?;
    let apart = depth::without_arithmetic(&tokens);
    let has_arithmetic = apart.is_none();
    let tokens = apart.unwrap_or(tokens);
    depth::script(&tokens, has_arithmetic).map_err(Refusal::Unasked)?;
    parse_tokens(&tokens, options).map_err(Refusal::Wrong)
}

fn explain(text: &str, error: &ParseError) -> Failure {
    let last = text.lines().rfind(|line| !line.trim().is_empty());
    let last = last.unwrap_or_default().trim();
    let line = |number: usize| {
        let line = text.lines().nth(number.saturating_sub(1));
        line.map_or(last, str::trim)
    };
    let message = match error {
        ParseError::ParsingNear(at) => {
            format!(
                "syntax error at {}:{}, in `{}`",
                at.line,
                at.column,
                line(at.line)
            )
        }
        ParseError::ParsingAtEndOfInput => {
            format!("syntax error: the script ends too early, after `{last}`")
        }
        ParseError::Tokenizing { inner, position } => match position {
            Some(at) => format!("syntax error: {inner}, near `{}`", line(at.line)),
            None => format!("syntax error: {inner}"),
        },
    };
    Failure::new(message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pipelines_go_on_over_comments_and_blank_lines() {
        let text = "# a comment\ndirectory |   # trailing\n  with-new-file a 1 |\n\n  with-new-file b \\\n    2 |\n  entries\n\n# the end\n";
        let program = parse(text).expect("parses");
        assert_eq!(program.complete_commands.len(), 1);
        assert_eq!(program.complete_commands[0].0[0].0.first.seq.len(), 4);
    }

    #[test]
    fn scripts_that_end_too_early_say_after_what() {
        let error = parse(".echo never\nif true; then\n").expect_err("incomplete");
        assert!(error.message.contains("if true; then"), "{error}");
    }

    #[test]
    fn numbers_too_large_for_a_descriptor_are_refused() {
        let error = parse("a 3000000000<b").expect_err("refused");
        assert_eq!(error.message, "the number in `3000000000<` is too large");
        parse("a 3000000000 <b; a 2>c").expect("parses");
    }

    #[test]
    fn incomplete_text_is_told_from_wrong_text() {
        for text in [
            "if a; then\n",
            "x='a\n",
            "f() {\n",
            "a |\n",
            "a \\\n",
            "cat <<E\nx\n",
            "$(a\n",
        ] {
            assert!(is_incomplete(text), "{text}");
        }
        for text in ["a | b\n", "", "; ;\n", "fi\n"] {
            assert!(!is_incomplete(text), "{text}");
        }
    }
}
