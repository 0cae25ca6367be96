//! A YAML text as a tree in which every node knows its place.
//!
//! Scalars keep the text they were written with: `php-version: 8.10` is not
//! 8.1 here, and `project-id: 042` keeps its zero.

use std::collections::HashMap;

use saphyr_parser::{Event, Marker, Parser, ScalarStyle, ScanError, Span, StrInput, Tag};

use crate::problems::{Position, Problem};

#[derive(Clone, Debug)]
pub struct Node {
    pub at: Position,
    pub value: Value,
}

#[derive(Clone, Debug)]
pub enum Value {
    Null,
    /// `plain` when written without quotes.
    Text {
        text: String,
        plain: bool,
    },
    List(Vec<Node>),
    Map(Vec<(Key, Node)>),
}

#[derive(Clone, Debug)]
pub struct Key {
    pub at: Position,
    pub name: String,
}

/// Nesting that no sensible file has.
const MAX_DEPTH: usize = 32;
/// Bounds what aliases of aliases can grow to.
const MAX_NODES: usize = 10_000;

/// The only document of `text`, and what is wrong with it so far. A syntax
/// error ends the reading; duplicate keys and the like do not.
pub fn parse(text: &str) -> Result<(Node, Vec<Problem>), Problem> {
    let mut composer = Composer {
        events: Parser::new_from_str(text),
        anchors: HashMap::new(),
        problems: Vec::new(),
        nodes: 0,
    };
    let root = composer.document()?;
    Ok((root, composer.problems))
}

struct Composer<'a> {
    events: Parser<'a, StrInput<'a>>,
    anchors: HashMap<usize, Node>,
    problems: Vec<Problem>,
    nodes: usize,
}

impl<'a> Composer<'a> {
    fn document(&mut self) -> Result<Node, Problem> {
        let mut root = None;
        loop {
            let (event, span) = self.next()?;
            match event {
                Event::StreamStart | Event::DocumentEnd | Event::Nothing => {}
                Event::DocumentStart(_) if root.is_some() => {
                    return Err(problem(span, "a second document: only one is allowed"));
                }
                Event::DocumentStart(_) => {
                    let (event, span) = self.next()?;
                    root = Some(self.node(event, span, 0)?);
                }
                _ => {
                    return Ok(root.unwrap_or(Node {
                        at: Position { line: 1, column: 1 },
                        value: Value::Null,
                    }));
                }
            }
        }
    }

    fn node(&mut self, event: Event<'a>, span: Span, depth: usize) -> Result<Node, Problem> {
        let at = position(span.start);
        self.count(span, 1)?;
        if depth > MAX_DEPTH {
            return Err(problem(
                span,
                format!("nested deeper than {MAX_DEPTH} levels"),
            ));
        }
        let (value, anchor) = match event {
            Event::Scalar(text, style, anchor, tag) => {
                self.refuse(tag.as_deref(), span);
                (scalar(text.into_owned(), style), anchor)
            }
            Event::SequenceStart(anchor, tag) => {
                self.refuse(tag.as_deref(), span);
                (self.list(depth)?, anchor)
            }
            Event::MappingStart(anchor, tag) => {
                self.refuse(tag.as_deref(), span);
                (self.map(depth)?, anchor)
            }
            Event::Alias(anchor) => {
                let node = self.anchors.get(&anchor).cloned();
                let node = node.ok_or_else(|| problem(span, "an alias within its own anchor"))?;
                self.count(span, node.size())?;
                return Ok(node);
            }
            _ => return Err(problem(span, "expected a value")),
        };
        let node = Node { at, value };
        if anchor != 0 {
            self.anchors.insert(anchor, node.clone());
        }
        Ok(node)
    }

    fn list(&mut self, depth: usize) -> Result<Value, Problem> {
        let mut items = Vec::new();
        loop {
            let (event, span) = self.next()?;
            if event == Event::SequenceEnd {
                return Ok(Value::List(items));
            }
            items.push(self.node(event, span, depth + 1)?);
        }
    }

    fn map(&mut self, depth: usize) -> Result<Value, Problem> {
        let mut entries: Vec<(Key, Node)> = Vec::new();
        loop {
            let (event, span) = self.next()?;
            if event == Event::MappingEnd {
                return Ok(Value::Map(entries));
            }
            let key = self.node(event, span, depth + 1)?;
            let (event, value_span) = self.next()?;
            let value = self.node(event, value_span, depth + 1)?;
            let Value::Text { text: name, .. } = key.value else {
                self.problems.push(problem(span, "a key must be a word"));
                continue;
            };
            match entries.iter().find(|(first, _)| first.name == name) {
                Some((first, _)) => {
                    let message = format!("`{name}` is already set in line {}", first.at.line);
                    self.problems.push(problem(span, message));
                }
                None => entries.push((Key { at: key.at, name }, value)),
            }
        }
    }

    fn next(&mut self) -> Result<(Event<'a>, Span), Problem> {
        match self.events.next_event() {
            Some(Ok(next)) => Ok(next),
            Some(Err(error)) => Err(syntax(&error)),
            None => Ok((Event::StreamEnd, Span::default())),
        }
    }

    /// `!!str` and its like say nothing that this reader needs.
    fn refuse(&mut self, tag: Option<&Tag>, span: Span) {
        if let Some(tag) = tag.filter(|tag| !tag.is_yaml_core_schema()) {
            let message = format!("the tag `{tag}` is not supported");
            self.problems.push(problem(span, message));
        }
    }

    fn count(&mut self, span: Span, nodes: usize) -> Result<(), Problem> {
        self.nodes += nodes;
        if self.nodes > MAX_NODES {
            return Err(problem(span, format!("more than {MAX_NODES} values")));
        }
        Ok(())
    }
}

impl Node {
    fn size(&self) -> usize {
        match &self.value {
            Value::Null | Value::Text { .. } => 1,
            Value::List(items) => 1 + items.iter().map(Node::size).sum::<usize>(),
            Value::Map(entries) => 1 + entries.iter().map(|(_, node)| node.size()).sum::<usize>(),
        }
    }

    /// For messages: `a list`, never what is in it.
    pub fn kind(&self) -> &'static str {
        match self.value {
            Value::Null => "nothing",
            Value::Text { .. } => "a single value",
            Value::List(_) => "a list",
            Value::Map(_) => "a mapping",
        }
    }
}

fn scalar(text: String, style: ScalarStyle) -> Value {
    let plain = style == ScalarStyle::Plain;
    match text.as_str() {
        "" | "~" | "null" | "Null" | "NULL" if plain => Value::Null,
        _ => Value::Text { text, plain },
    }
}

fn position(marker: Marker) -> Position {
    Position {
        line: marker.line(),
        column: marker.col() + 1,
    }
}

fn problem(span: Span, message: impl Into<String>) -> Problem {
    Problem {
        at: position(span.start),
        message: message.into(),
    }
}

fn syntax(error: &ScanError) -> Problem {
    Problem {
        at: position(*error.marker()),
        message: format!("not YAML: {}", error.info()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places(text: &str) -> Vec<String> {
        let list = match parse(text) {
            Ok((_, list)) => list,
            Err(problem) => vec![problem],
        };
        list.iter()
            .map(|p| format!("{}:{}: {}", p.at.line, p.at.column, p.message))
            .collect()
    }

    fn text_of(yaml: &str) -> String {
        match parse(yaml).unwrap().0.value {
            Value::Map(mut entries) => match entries.remove(0).1.value {
                Value::Text { text, .. } => text,
                other => panic!("{other:?}"),
            },
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn scalars_keep_the_text_they_were_written_with() {
        assert_eq!(text_of("v: 8.10"), "8.10");
        assert_eq!(text_of("v: 042"), "042");
        assert_eq!(text_of("v: \"a: b\""), "a: b");
        assert_eq!(text_of("v: no"), "no");
    }

    #[test]
    fn a_syntax_error_has_its_place() {
        let list = places("a: 1\nb: [1, 2\nc: 3\n");
        assert_eq!(list.len(), 1);
        assert!(list[0].contains(": not YAML: "), "{list:?}");
        assert!(
            places("a:\n\t- b\n")[0].starts_with("2:"),
            "{:?}",
            places("a:\n\t- b\n")
        );
    }

    #[test]
    fn every_duplicate_key_is_reported() {
        assert_eq!(
            places("a: 1\nb: 2\na: 3\nb: 4\n"),
            [
                "3:1: `a` is already set in line 1",
                "4:1: `b` is already set in line 2"
            ]
        );
    }

    #[test]
    fn anchors_are_followed() {
        let (root, _) = parse("a: &x { k: v }\nb: *x\n").unwrap();
        let Value::Map(entries) = root.value else {
            panic!()
        };
        assert!(matches!(&entries[1].1.value, Value::Map(inner) if inner[0].0.name == "k"));
    }

    #[test]
    fn what_grows_without_bounds_is_refused() {
        let deep = "[".repeat(200);
        assert!(
            places(&deep)[0].contains("nested deeper"),
            "{:?}",
            places(&deep)
        );
        let mut bomb = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
        for i in 1..9 {
            let ten = vec![format!("*a{}", i - 1); 10].join(", ");
            bomb += &format!("a{i}: &a{i} [{ten}]\n");
        }
        assert!(
            places(&bomb)[0].contains("more than 10000 values"),
            "{:?}",
            places(&bomb)
        );
    }

    #[test]
    fn tags_second_documents_and_odd_keys_are_refused() {
        assert_eq!(
            places("a: !secret x\n"),
            ["1:4: the tag `!secret` is not supported"]
        );
        assert!(places("a: 1\n---\nb: 2\n")[0].contains("a second document"));
        assert_eq!(places("? [a, b]\n: 1\n"), ["1:3: a key must be a word"]);
        assert_eq!(places("a: !!str 1\n"), Vec::<String>::new());
    }
}
