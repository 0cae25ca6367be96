//! Text becomes a tree.

use brush_parser::ast::Program;
use brush_parser::word::{self, WordPieceWithSource};
use brush_parser::{
    ParseError, Parser, ParserOptions, Token, TokenizerOptions, parse_tokens, uncached_tokenize_str,
};

use super::depth;
use crate::client::Failure;

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

/// Here-documents whose end has no name, or is behind several blanks, in
/// parentheses that stay open: the tokenizer looks for that end until the memory is
/// used up.
fn documents(text: &str) -> Result<(), String> {
    let count = |parenthesis| text.bytes().filter(|byte| *byte == parenthesis).count();
    if count(b'(') <= count(b')') {
        return Ok(());
    }
    for (at, _) in text.match_indices("<<") {
        let behind = &text[at + 2..];
        let behind = behind.strip_prefix('-').unwrap_or(behind);
        let behind = behind.strip_prefix([' ', '\t']).unwrap_or(behind);
        let name = behind.trim_start_matches(['\'', '"']);
        // Here-strings are none, and end where their word ends.
        if name.starts_with(|letter: char| letter.is_alphanumeric() || "_<".contains(letter)) {
            continue;
        }
        return Err(
            "syntax error: a parenthesis is not closed, and `<<` has no word for the end of its text: write that word right behind it".to_owned(),
        );
    }
    Ok(())
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
    depth::text(text).map_err(Refusal::Unasked)?;
    documents(text).map_err(Refusal::Unasked)?;
    let tokenizer = TokenizerOptions {
        enable_extended_globbing: options.enable_extended_globbing,
        posix_mode: options.posix_mode,
        sh_mode: options.sh_mode,
    };
    let program = match uncached_tokenize_str(text, &tokenizer) {
        Ok(tokens) => {
            descriptors(&tokens).map_err(Refusal::Unasked)?;
            depth::script(&tokens).map_err(Refusal::Unasked)?;
            parse_tokens(&tokens, options)
        }
        // It ends at the same place again, and says where that is.
        Err(_) => Parser::new(text.as_bytes(), options).parse_program(),
    };
    program.map_err(Refusal::Wrong)
}

fn explain(text: &str, error: &ParseError) -> Failure {
    let line = |number: usize| {
        text.lines()
            .nth(number.saturating_sub(1))
            .unwrap_or_default()
            .trim()
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
            let last = text
                .lines()
                .rfind(|l| !l.trim().is_empty())
                .unwrap_or_default()
                .trim();
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
    fn documents_without_an_end_in_open_parentheses_are_refused_at_once() {
        for start in ["x $(a (6 ", "$(=(6 "] {
            for mark in [
                "<<  ", "<<-  ", "<<\t ", "<< \\\n", "<<''", "<< \"\"", "<< ", "<<-",
            ] {
                for end in ["", "A)", ")", "\n"] {
                    parse(&format!("{start}{mark}{end}")).expect_err("refused");
                }
            }
        }
        parse("a $(b <<c\n(\nc\n)").expect("parses");
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
