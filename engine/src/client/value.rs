//! Values of the shell: text, with results in it that are not evaluated yet.

use super::Chain;

/// A part of a value.
#[derive(Clone, Debug)]
pub enum Piece {
    Text(String),
    /// What a command substitution gave; asked for when it is needed.
    Chain(Chain),
}

/// Text and chains, one after the other.
#[derive(Clone, Debug, Default)]
pub struct Value(pub Vec<Piece>);

impl Value {
    pub fn text(text: impl Into<String>) -> Self {
        Self(vec![Piece::Text(text.into())])
    }

    pub fn chain(chain: Chain) -> Self {
        Self(vec![Piece::Chain(chain)])
    }

    /// Appends, and joins neighbouring texts.
    pub fn push(&mut self, piece: Piece) {
        match (self.0.last_mut(), piece) {
            (Some(Piece::Text(last)), Piece::Text(more)) => last.push_str(&more),
            (_, piece) => self.0.push(piece),
        }
    }

    pub fn extend(&mut self, other: Value) {
        other.0.into_iter().for_each(|piece| self.push(piece));
    }

    /// The chain, when there is nothing else.
    pub fn as_chain(&self) -> Option<&Chain> {
        match self.0.as_slice() {
            [Piece::Chain(chain)] => Some(chain),
            _ => None,
        }
    }

    /// The text, when there is nothing to be evaluated.
    pub fn as_text(&self) -> Option<&str> {
        match self.0.as_slice() {
            [] => Some(""),
            [Piece::Text(text)] => Some(text),
            _ => None,
        }
    }

    /// The text at the beginning.
    pub fn head(&self) -> &str {
        match self.0.first() {
            Some(Piece::Text(text)) => text,
            _ => "",
        }
    }

    /// The value without the first `n` bytes of its leading text.
    pub fn without_head(mut self, n: usize) -> Self {
        if let Some(Piece::Text(text)) = self.0.first_mut() {
            text.drain(..n);
        }
        self
    }

    pub fn is_empty(&self) -> bool {
        self.0
            .iter()
            .all(|p| matches!(p, Piece::Text(t) if t.is_empty()))
    }

    /// Removes line ends from the end, of text only.
    pub fn trim_line_ends(&mut self) {
        if let Some(Piece::Text(text)) = self.0.last_mut() {
            text.truncate(text.trim_end_matches('\n').len());
        }
    }
}
