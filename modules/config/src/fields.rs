//! Reads the keys of a mapping one by one and notes what is wrong with them.
//!
//! The keys that were asked for are the keys that are allowed: [`Fields::end`]
//! reports all others, with the nearest allowed one.

use std::cell::RefCell;

use crate::document::{Key, Node, Value};
use crate::problems::{Position, Problem};

/// Where problems are noted while a document is read.
#[derive(Default)]
pub struct Report(RefCell<Vec<Problem>>);

impl Report {
    pub fn note(&self, at: Position, message: impl Into<String>) {
        let message = message.into();
        self.0.borrow_mut().push(Problem { at, message });
    }

    /// The value, or a note of why there is none.
    pub fn check<T>(&self, at: Position, result: Result<T, String>) -> Option<T> {
        result.map_err(|message| self.note(at, message)).ok()
    }

    pub fn into_problems(self) -> Vec<Problem> {
        self.0.into_inner()
    }
}

/// A value and where it stands.
#[derive(Clone, Debug)]
pub struct At<T> {
    pub at: Position,
    pub value: T,
}

/// A mapping that is being read.
pub struct Fields<'a> {
    report: &'a Report,
    /// `environments.production`; empty for the whole file.
    path: String,
    at: Position,
    entries: &'a [(Key, Node)],
    asked: Vec<&'static str>,
}

impl<'a> Fields<'a> {
    /// The mapping `node`; notes a problem when it is something else.
    pub fn of(report: &'a Report, path: &str, node: &'a Node) -> Option<Self> {
        let entries = match &node.value {
            Value::Map(entries) => entries.as_slice(),
            Value::Null => &[],
            _ => {
                report.note(
                    node.at,
                    format!("{} must be a mapping, not {}", named(path), node.kind()),
                );
                return None;
            }
        };
        Some(Self {
            report,
            path: path.to_owned(),
            at: node.at,
            entries,
            asked: Vec::new(),
        })
    }

    pub fn at(&self) -> Position {
        self.at
    }

    /// The place of `key` within the file: `cloudflare.account-id`.
    pub fn path_of(&self, key: &str) -> String {
        match self.path.as_str() {
            "" => key.to_owned(),
            path => format!("{path}.{key}"),
        }
    }

    /// The node of `key`, unless it is missing or null.
    pub fn node(&mut self, key: &'static str) -> Option<&'a Node> {
        if !self.asked.contains(&key) {
            self.asked.push(key);
        }
        let (_, node) = self.entries.iter().find(|(k, _)| k.name == key)?;
        (!matches!(node.value, Value::Null)).then_some(node)
    }

    /// A single value as it is written; checked by `rule`, whose error says
    /// what is expected.
    pub fn text<T>(
        &mut self,
        key: &'static str,
        rule: impl FnOnce(&str) -> Result<T, String>,
    ) -> Option<At<T>> {
        let node = self.node(key)?;
        let text = single(self.report, &self.path_of(key), node)?;
        let rule = rule(text).map_err(|why| format!("{}: {why}", named(&self.path_of(key))));
        let value = self.report.check(node.at, rule)?;
        Some(At { at: node.at, value })
    }

    /// `true` or `false`; false when missing.
    pub fn flag(&mut self, key: &'static str) -> Option<At<bool>> {
        let node = self.node(key)?;
        match &node.value {
            Value::Text { text, plain: true } if text == "true" || text == "false" => Some(At {
                at: node.at,
                value: text == "true",
            }),
            _ => {
                self.report.note(
                    node.at,
                    format!("{} must be true or false", named(&self.path_of(key))),
                );
                None
            }
        }
    }

    /// The items of a list; none when missing.
    pub fn items(&mut self, key: &'static str) -> &'a [Node] {
        let Some(node) = self.node(key) else {
            return &[];
        };
        match &node.value {
            Value::List(items) => items,
            _ => {
                let path = self.path_of(key);
                let hint = match node.value {
                    Value::Text { .. } => format!("; write `{key}: [ … ]`"),
                    _ => String::new(),
                };
                self.report.note(
                    node.at,
                    format!("{} must be a list, not {}{hint}", named(&path), node.kind()),
                );
                &[]
            }
        }
    }

    /// A list of single values, each checked by `rule`.
    pub fn texts<T>(
        &mut self,
        key: &'static str,
        rule: impl Fn(&str) -> Result<T, String>,
    ) -> Vec<At<T>> {
        let (report, path) = (self.report, self.path_of(key));
        let read = |(i, node): (usize, &'a Node)| {
            let path = format!("{path}[{i}]");
            let text = single(report, &path, node)?;
            let value = rule(text).map_err(|why| format!("{}: {why}", named(&path)));
            let value = report.check(node.at, value)?;
            Some(At { at: node.at, value })
        };
        self.items(key)
            .iter()
            .enumerate()
            .filter_map(read)
            .collect()
    }

    /// The mapping under `key`; none when missing.
    pub fn map(&mut self, key: &'static str) -> Option<Fields<'a>> {
        let node = self.node(key)?;
        Fields::of(self.report, &self.path_of(key), node)
    }

    /// Every key and its node: for mappings whose keys the user chooses.
    pub fn entries(&self) -> &'a [(Key, Node)] {
        self.entries
    }

    /// Notes that `key` must be there.
    pub fn missing(&self, key: &str) {
        self.report
            .note(self.at, format!("`{}` is missing", self.path_of(key)));
    }

    /// Notes every key that nobody asked for.
    pub fn end(self) {
        for (key, _) in self.entries {
            let name = key.name.as_str();
            if self.asked.contains(&name) {
                continue;
            }
            let place = match self.path.as_str() {
                "" => String::new(),
                path => format!(" in `{path}`"),
            };
            let near = nearest(name, &self.asked)
                .map(|near| format!(": did you mean `{near}`?"))
                .unwrap_or_default();
            let allowed = self.asked.join(", ");
            self.report.note(
                key.at,
                format!("unknown key `{name}`{place}{near} (allowed: {allowed})"),
            );
        }
    }
}

/// The text of a single value; notes a problem when it is something else.
pub fn single<'a>(report: &Report, path: &str, node: &'a Node) -> Option<&'a str> {
    match &node.value {
        Value::Text { text, .. } => Some(text),
        _ => {
            report.note(
                node.at,
                format!(
                    "{} must be a single value, not {}",
                    named(path),
                    node.kind()
                ),
            );
            None
        }
    }
}

fn named(path: &str) -> String {
    match path {
        "" => "the file".to_owned(),
        path => format!("`{path}`"),
    }
}

fn nearest<'a>(name: &str, allowed: &[&'a str]) -> Option<&'a str> {
    let near = |word: &&&str| strsim::damerau_levenshtein(name, word);
    let best = allowed.iter().min_by_key(near)?;
    (near(&best) <= 1 + best.len() / 4).then_some(*best)
}
