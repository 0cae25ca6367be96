//! Words become values: quotes, variables, substitutions, braces, fields.
//!
//! A word is parsed into pieces → [`Part`]s say what may still be split →
//! [`fields`] cuts them. What a command substitution gave as a chain is never
//! split and stays a chain.

mod arithmetic;
pub(crate) mod brace;
mod fields;
mod parameter;
pub mod pattern;
mod substring;
mod text;

use brush_parser::word::{TildeExpr, WordPiece, WordPieceWithSource};
use futures::future::BoxFuture;

use crate::client::{Piece, Value};

use super::builtin;
use super::output::Io;
use super::state::Shell;
use super::stop::Stop;
use super::syntax;

pub use fields::Part;

impl Shell {
    /// A word as the fields that it becomes in a command.
    pub(super) async fn fields(&mut self, word: &str) -> Result<Vec<Value>, Stop> {
        let mut out = Vec::new();
        for word in brace::expand(word)? {
            let parts = self.parts(&word).await?;
            out.extend(fields::split(parts));
        }
        Ok(out)
    }

    /// A word as one value, as in an assignment.
    pub(super) async fn word(&mut self, word: &str) -> Result<Value, Stop> {
        Ok(fields::join(self.parts(word).await?))
    }

    /// The body of a here-document.
    pub(super) async fn heredoc(&mut self, text: &str) -> Result<Value, Stop> {
        let pieces = syntax::heredoc(text).map_err(Stop::failed)?;
        let mut parts = Vec::new();
        self.pieces(&pieces, true, &mut parts).await?;
        Ok(fields::join(parts))
    }

    /// A word as a pattern: what was quoted stands for itself.
    pub(super) async fn pattern(&mut self, word: &str) -> Result<String, Stop> {
        let mut out = String::new();
        for part in self.parts(word).await? {
            match part {
                Part::Quoted(Piece::Text(text)) => out += &pattern::escape(&text),
                Part::Quoted(piece @ Piece::Chain(_)) => {
                    let text = self.text(&Value(vec![piece])).await?;
                    out += &pattern::escape(&text);
                }
                Part::Bare(text) | Part::Split(text) => out += &text,
                Part::Cut => out.push(' '),
            }
        }
        Ok(out)
    }

    async fn parts(&mut self, text: &str) -> Result<Vec<Part>, Stop> {
        let pieces = syntax::word(text).map_err(Stop::failed)?;
        let mut parts = Vec::new();
        self.pieces(&pieces, false, &mut parts).await?;
        Ok(parts)
    }

    fn pieces<'a>(
        &'a mut self,
        pieces: &'a [WordPieceWithSource],
        quoted: bool,
        parts: &'a mut Vec<Part>,
    ) -> BoxFuture<'a, Result<(), Stop>> {
        Box::pin(async move {
            for piece in pieces {
                self.piece(&piece.piece, quoted, parts).await?;
            }
            Ok(())
        })
    }

    async fn piece(
        &mut self,
        piece: &WordPiece,
        quoted: bool,
        parts: &mut Vec<Part>,
    ) -> Result<(), Stop> {
        match piece {
            WordPiece::Text(text) if quoted => parts.push(Part::quoted(text)),
            WordPiece::Text(text) => parts.push(Part::Bare(text.clone())),
            WordPiece::SingleQuotedText(text) => parts.push(Part::quoted(text)),
            WordPiece::AnsiCQuotedText(text) => parts.push(Part::quoted(&builtin::unescape(text))),
            WordPiece::DoubleQuotedSequence(inner)
            | WordPiece::GettextDoubleQuotedSequence(inner) => {
                let before = parts.len();
                self.pieces(inner, true, parts).await?;
                // `""` is a word; `"$@"` without arguments is none.
                let only_arguments = inner.len() == 1 && parameter::is_all(&inner[0].piece);
                if parts.len() == before && !only_arguments {
                    parts.push(Part::quoted(""));
                }
            }
            WordPiece::TildeExpansion(tilde) => parts.push(self.tilde(tilde)?),
            WordPiece::ParameterExpansion(expression) => {
                self.parameter(expression, quoted, parts).await?
            }
            WordPiece::CommandSubstitution(text) => self.substitution(text, quoted, parts).await?,
            WordPiece::BackquotedCommandSubstitution(text) => {
                let text = text
                    .replace("\\`", "`")
                    .replace("\\$", "$")
                    .replace("\\\\", "\\");
                self.substitution(&text, quoted, parts).await?;
            }
            WordPiece::EscapeSequence(text) => {
                let escaped = text.strip_prefix('\\').unwrap_or(text);
                if escaped != "\n" {
                    let kept = quoted && !matches!(escaped, "\\" | "$" | "`" | "\"");
                    parts.push(Part::quoted(if kept { text } else { escaped }));
                }
            }
            WordPiece::ArithmeticExpression(expression) => {
                let number = self.arithmetic(&expression.value).await?;
                parts.push(Part::quoted(&number.to_string()));
            }
        }
        Ok(())
    }

    fn tilde(&self, tilde: &TildeExpr) -> Result<Part, Stop> {
        let text = match tilde {
            TildeExpr::Home => std::env::var("HOME").unwrap_or_else(|_| "~".to_owned()),
            TildeExpr::WorkingDir => self.place.dir.to_string_lossy().into_owned(),
            _ => {
                return Err(Stop::failed(
                    "only `~` and `~+` are supported of the tilde expansions",
                ));
            }
        };
        Ok(Part::quoted(&text))
    }

    /// `$(…)`: text is taken without the line ends behind it, a chain as it is.
    async fn substitution(
        &mut self,
        text: &str,
        quoted: bool,
        parts: &mut Vec<Part>,
    ) -> Result<(), Stop> {
        let program = syntax::parse(text)?;
        let (io, kept) = Io::print(self.printer.clone()).kept();
        let mut subshell = self.clone();
        match subshell.program(&program, &io).await {
            Ok(()) | Err(Stop::Exit(0)) => {}
            Err(Stop::Exit(code) | Stop::Return(code)) => return Err(Stop::status(code)),
            Err(stop) => return Err(stop),
        }
        let mut value = kept.value();
        value.trim_line_ends();
        for piece in value.0 {
            parts.push(match piece {
                Piece::Text(text) if !quoted => Part::Split(text),
                piece => Part::Quoted(piece),
            });
        }
        Ok(())
    }
}
