//! The queries of typed clients: chains of single selections, parsed.

use std::fmt;
use std::iter::Peekable;
use std::str::Chars;

use serde_json::{Map, Value};

/// `container.from(address: "alpine").stdout`
///
/// ```
/// # use poniard_sdk::testing::FakeEngine;
/// # use poniard_sdk::prelude::*;
/// # use poniard_sdk::serde_json::{self, json};
/// # use poniard_sdk::eyre;
/// let engine = FakeEngine::new().on_with("container.from.withExec.stdout", |chain| {
///     assert_eq!(chain.names(), "container.from.withExec.stdout");
///     Ok(json!(chain.arg("from", "address")))
/// });
/// let said = engine.run(async {
///     dag().container().from("alpine").with_exec(vec!["true"]).stdout().await
/// })?;
/// assert_eq!(said, "alpine");
/// # Ok::<(), eyre::Report>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Chain(pub Vec<Step>);

/// A selected field and its arguments; an object that came by id starts a
/// chain as a step named like its type, with the argument `id`.
///
/// ```
/// use poniard_sdk::testing::{Chain, Step};
/// use poniard_sdk::serde_json::{Map, Value};
///
/// let step = Step { name: "from".into(), args: Map::from_iter([("address".to_owned(), Value::from("alpine"))]) };
/// assert_eq!(Chain(vec![step]).to_string(), r#"from(address: "alpine")"#);
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// The field.
    pub name: String,
    /// By name, without those that were left out.
    pub args: Map<String, Value>,
}

impl Chain {
    /// Names of the steps: `container.from.stdout`.
    ///
    /// ```
    /// use poniard_sdk::testing::{Chain, Step};
    ///
    /// let step = |name: &str| Step { name: name.to_owned(), args: Default::default() };
    /// assert_eq!(Chain(vec![step("host"), step("directory")]).names(), "host.directory");
    /// ```
    pub fn names(&self) -> String {
        let names: Vec<_> = self.0.iter().map(|step| step.name.as_str()).collect();
        names.join(".")
    }

    /// The argument `arg` of the last step `name`.
    ///
    /// ```
    /// use poniard_sdk::testing::Chain;
    ///
    /// assert_eq!(Chain::default().arg("from", "address"), None);
    /// ```
    pub fn arg(&self, name: &str, arg: &str) -> Option<&Value> {
        let step = self.0.iter().rfind(|step| step.name == name)?;
        step.args.get(arg)
    }
}

impl fmt::Display for Chain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, step) in self.0.iter().enumerate() {
            if at > 0 {
                f.write_str(".")?;
            }
            f.write_str(&step.name)?;
            if step.args.is_empty() {
                continue;
            }
            // Clients send arguments in any order.
            let mut args: Vec<_> = step.args.iter().collect();
            args.sort_by_key(|(name, _)| *name);
            let args: Vec<_> = args
                .iter()
                .map(|(name, value)| format!("{name}: {value}"))
                .collect();
            write!(f, "({})", args.join(", "))?;
        }
        Ok(())
    }
}

/// A step of a query, before ids are resolved.
#[derive(Debug)]
pub(super) enum Selected {
    Field(Step),
    /// `... on Type`
    Type(String),
}

/// Parses `query{a(b: 1){... on C{d}}}`; `None` for any other document.
pub(super) fn parse(query: &str) -> Option<Vec<Selected>> {
    let mut parser = Parser(
        query
            .strip_prefix("query")
            .unwrap_or(query)
            .chars()
            .peekable(),
    );
    let mut steps = Vec::new();
    let mut open = 0;
    while parser.eat('{') {
        open += 1;
        if parser.eat('.') {
            (parser.eat('.') && parser.eat('.') && parser.name()? == "on").then_some(())?;
            steps.push(Selected::Type(parser.name()?));
            continue;
        }
        let mut name = parser.name()?;
        if parser.eat(':') {
            name = parser.name()?;
        }
        let args = if parser.eat('(') {
            parser.fields(')')?
        } else {
            Map::new()
        };
        steps.push(Selected::Field(Step { name, args }));
    }
    for _ in 0..open {
        parser.eat('}').then_some(())?;
    }
    parser.blanks();
    parser.0.next().is_none().then_some(steps)
}

struct Parser<'a>(Peekable<Chars<'a>>);

impl Parser<'_> {
    fn blanks(&mut self) {
        while self.0.next_if(|c| c.is_whitespace() || *c == ',').is_some() {}
    }

    fn eat(&mut self, wanted: char) -> bool {
        self.blanks();
        self.0.next_if_eq(&wanted).is_some()
    }

    fn name(&mut self) -> Option<String> {
        self.blanks();
        let mut name = String::new();
        while let Some(c) = self.0.next_if(|c| c.is_alphanumeric() || *c == '_') {
            name.push(c);
        }
        (!name.is_empty()).then_some(name)
    }

    fn fields(&mut self, close: char) -> Option<Map<String, Value>> {
        let mut fields = Map::new();
        while !self.eat(close) {
            let name = self.name()?;
            self.eat(':').then_some(())?;
            fields.insert(name, self.value()?);
        }
        Some(fields)
    }

    fn value(&mut self) -> Option<Value> {
        if self.eat('{') {
            return self.fields('}').map(Value::Object);
        }
        if self.eat('[') {
            let mut items = Vec::new();
            while !self.eat(']') {
                items.push(self.value()?);
            }
            return Some(items.into());
        }
        let mut text = String::new();
        if self.eat('"') {
            text.push('"');
            loop {
                let c = self.0.next()?;
                text.push(c);
                match c {
                    '\\' => text.push(self.0.next()?),
                    '"' => break,
                    _ => {}
                }
            }
            return serde_json::from_str(&text).ok();
        }
        while let Some(c) = self
            .0
            .next_if(|c| !c.is_whitespace() && !",)]}".contains(*c))
        {
            text.push(c);
        }
        // What is not JSON is a member of an enumeration.
        (!text.is_empty()).then(|| serde_json::from_str(&text).unwrap_or(Value::String(text)))
    }
}
