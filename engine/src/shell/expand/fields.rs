//! Parts of a word, and the fields that they are cut into.

use crate::client::{Piece, Value};

/// A part of a word after expansion.
#[derive(Clone, Debug)]
pub enum Part {
    /// Never split, not even when it is empty.
    Quoted(Piece),
    /// As it was written, without quotes.
    Bare(String),
    /// From a variable or a command: split at blanks.
    Split(String),
    /// The end of a field, between two arguments of `$@`.
    Cut,
}

impl Part {
    pub fn quoted(text: &str) -> Self {
        Self::Quoted(Piece::Text(text.to_owned()))
    }
}

/// Cuts parts into fields.
pub fn split(parts: Vec<Part>) -> Vec<Value> {
    let mut done = Vec::new();
    let mut field: Option<Value> = None;
    for part in parts {
        match part {
            Part::Quoted(piece) => field.get_or_insert_default().push(piece),
            Part::Bare(text) if text.is_empty() => {}
            Part::Bare(text) => field.get_or_insert_default().push(Piece::Text(text)),
            Part::Cut => done.extend(field.take()),
            Part::Split(text) => {
                if text.starts_with(is_blank) {
                    done.extend(field.take());
                }
                let mut words = text.split(is_blank).filter(|w| !w.is_empty()).peekable();
                while let Some(word) = words.next() {
                    field
                        .get_or_insert_default()
                        .push(Piece::Text(word.to_owned()));
                    if words.peek().is_some() || text.ends_with(is_blank) {
                        done.extend(field.take());
                    }
                }
            }
        }
    }
    done.extend(field);
    done
}

fn is_blank(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\n')
}

/// Puts parts into one value.
pub fn join(parts: Vec<Part>) -> Value {
    let mut value = Value::default();
    for part in parts {
        value.push(match part {
            Part::Quoted(piece) => piece,
            Part::Bare(text) | Part::Split(text) => Piece::Text(text),
            Part::Cut => Piece::Text(" ".to_owned()),
        });
    }
    value
}
