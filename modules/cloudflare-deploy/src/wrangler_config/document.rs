//! A configuration file as a tree in which every value knows its place.

use jsonc_parser::ast;
use jsonc_parser::common::Ranged;
use jsonc_parser::{CollectOptions, ParseOptions, parse_to_ast};
use poniard_sdk::eyre::Report;
use poniard_sdk::prelude::*;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// A parsed file.
#[derive(Debug)]
pub struct Document {
    /// Name of the file, as messages say it.
    pub name: String,
    pub root: Node,
    text: String,
}

#[derive(Debug)]
pub struct Node {
    /// Offset in the text.
    pub at: usize,
    pub value: Value,
}

#[derive(Debug)]
pub enum Value {
    Text(String),
    Flag(bool),
    Table(Vec<(String, Node)>),
    /// Of no interest here: a number, a list, …
    Other(&'static str),
}

impl Document {
    /// The suffix of the name decides, as it does for Wrangler.
    pub fn parse(name: &str, text: &str) -> Result<Self> {
        let mut document = Self {
            name: name.to_owned(),
            root: Node {
                at: 0,
                value: Value::Table(Vec::new()),
            },
            text: text.trim_start_matches('\u{feff}').to_owned(),
        };
        document.root = match name.rsplit_once('.').map(|(_, suffix)| suffix) {
            Some("json" | "jsonc") => document.json()?,
            Some("toml") => document.toml()?,
            _ => bail!(
                "`{name}` is no configuration of Wrangler: it must be a `.jsonc`, `.json` or `.toml` file"
            ),
        };
        Ok(document)
    }

    /// `wrangler.jsonc:3:5: <message>`
    pub fn error(&self, at: usize, message: impl std::fmt::Display) -> Report {
        let before = &self.text[..self.text.floor_char_boundary(at)];
        let line = before.matches('\n').count() + 1;
        let start = before.rfind('\n').map_or(0, |end| end + 1);
        let column = before[start..].chars().count() + 1;
        eyre!("{}:{line}:{column}: {message}", self.name)
    }

    fn json(&self) -> Result<Node> {
        let options = ParseOptions {
            allow_comments: true,
            allow_trailing_commas: true,
            allow_loose_object_property_names: false,
            allow_missing_commas: false,
            allow_single_quoted_strings: false,
            allow_hexadecimal_numbers: false,
            allow_unary_plus_numbers: false,
            ..ParseOptions::default()
        };
        let parsed = parse_to_ast(&self.text, &CollectOptions::default(), &options);
        let parsed = parsed.map_err(|error| {
            let kind = error.kind().to_string();
            self.error(error.range().start, format!("not JSON: {}", lower(&kind)))
        })?;
        match parsed.value {
            Some(ast::Value::Object(object)) => Ok(from_json(ast::Value::Object(object))),
            Some(other) => Err(self.error(other.start(), "expected an object: `{ … }`")),
            None => Err(self.error(0, "the file is empty")),
        }
    }

    fn toml(&self) -> Result<Node> {
        let parsed = DeTable::parse(&self.text).map_err(|error| {
            let at = error.span().map_or(0, |span| span.start);
            let message = error.message().lines().next().unwrap_or_default();
            self.error(at, format!("not TOML: {}", lower(message)))
        })?;
        Ok(from_table(0, parsed.get_ref()))
    }
}

impl Node {
    /// The value of a key, when this is a table that has it.
    pub fn get(&self, key: &str) -> Option<&Node> {
        let entries = self.entries().unwrap_or_default();
        let found = entries.iter().rfind(|(name, _)| name == key);
        found.map(|(_, node)| node)
    }

    pub fn entries(&self) -> Option<&[(String, Node)]> {
        match &self.value {
            Value::Table(entries) => Some(entries),
            _ => None,
        }
    }

    /// What messages call the value.
    pub fn kind(&self) -> &'static str {
        match &self.value {
            Value::Text(_) => "a text",
            Value::Flag(_) => "a boolean",
            Value::Table(_) => "an object",
            Value::Other(kind) => kind,
        }
    }
}

fn from_json(value: ast::Value) -> Node {
    let at = value.start();
    let value = match value {
        ast::Value::StringLit(text) => Value::Text(text.value.into_owned()),
        ast::Value::BooleanLit(flag) => Value::Flag(flag.value),
        ast::Value::Object(object) => {
            let properties = object.properties.into_iter();
            Value::Table(
                properties
                    .map(|property| (property.name.into_string(), from_json(property.value)))
                    .collect(),
            )
        }
        ast::Value::NumberLit(_) => Value::Other("a number"),
        ast::Value::Array(_) => Value::Other("a list"),
        ast::Value::NullKeyword(_) => Value::Other("null"),
    };
    Node { at, value }
}

fn from_toml(value: &Spanned<DeValue>) -> Node {
    let at = value.span().start;
    let value = match value.get_ref() {
        DeValue::String(text) => Value::Text(text.to_string()),
        DeValue::Boolean(flag) => Value::Flag(*flag),
        DeValue::Table(table) => return from_table(at, table),
        DeValue::Array(_) => Value::Other("a list"),
        DeValue::Integer(_) | DeValue::Float(_) => Value::Other("a number"),
        DeValue::Datetime(_) => Value::Other("a date"),
    };
    Node { at, value }
}

fn from_table(at: usize, table: &DeTable) -> Node {
    let entries = table.iter();
    let value = Value::Table(
        entries
            .map(|(key, value)| (key.get_ref().to_string(), from_toml(value)))
            .collect(),
    );
    Node { at, value }
}

fn lower(message: &str) -> String {
    let mut chars = message.chars();
    let first = chars.next().map(|c| c.to_ascii_lowercase());
    first.into_iter().chain(chars).collect()
}
