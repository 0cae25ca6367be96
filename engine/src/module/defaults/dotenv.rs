//! `.env` files: their variables, and the values after quotes and `${…}`.
//!
//! A value without quotes, backslashes and dollars is taken as it is, with
//! spaces and all; any other is a word of the shell, as in Dagger.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use brush_parser::ParserOptions;
use brush_parser::ast::{
    AssignmentName, AssignmentValue, Command, CommandPrefixOrSuffixItem as Item, SimpleCommand,
};
use brush_parser::word::{Parameter, ParameterExpr, ParameterTestType, WordPiece};
use eyre::{Result, WrapErr, bail, eyre};

use super::names;

/// Variables that are defaults, and others that these may refer to.
#[derive(Clone, Debug, Default)]
pub struct Environment {
    own: BTreeMap<String, Raw>,
    context: BTreeMap<String, Raw>,
}

/// A value as it is written.
#[derive(Clone, Debug)]
enum Raw {
    Plain(String),
    /// Words of the shell, which a space joins.
    Words(Vec<String>),
}

impl Environment {
    /// Reads a file; without one there are no variables.
    pub fn read(path: &Path) -> Result<Self> {
        if !path.is_file() {
            return Ok(Self::default());
        }
        let text = std::fs::read_to_string(path)
            .wrap_err_with(|| format!("cannot read `{}`", path.display()))?;
        Self::parse(&text).wrap_err_with(|| format!("cannot read `{}`", path.display()))
    }

    pub fn parse(text: &str) -> Result<Self> {
        let mut own = BTreeMap::new();
        for (n, line) in text.lines().enumerate() {
            let line = line.trim();
            let line = match line.strip_prefix("export") {
                Some(rest) if rest.starts_with([' ', '\t']) => rest.trim_start(),
                _ => line,
            };
            if !line.is_empty() && !line.starts_with('#') {
                // The line may hold a secret: it is not shown.
                let (name, raw) = assignment(line).wrap_err_with(|| format!("line {}", n + 1))?;
                own.insert(name, raw);
            }
        }
        let context = BTreeMap::new();
        Ok(Self { own, context })
    }

    /// Variables by name, as they are written.
    pub fn of(own: &[(String, String)], context: &[(String, String)]) -> Result<Self> {
        let read = |pairs: &[(String, String)]| {
            let pairs = pairs.iter().map(|(name, raw)| {
                let read = assignment(&format!("{name}={raw}"));
                read.wrap_err_with(|| format!("variable `{name}`"))
            });
            pairs.collect::<Result<_>>()
        };
        Ok(Self {
            own: read(own)?,
            context: read(context)?,
        })
    }

    /// The variables below a prefix, without it.
    pub fn namespace(&self, prefix: &str) -> Self {
        let mut inner = Self {
            own: BTreeMap::new(),
            context: self.context.clone(),
        };
        for (name, raw) in &self.own {
            match names::below(name, prefix) {
                Some(rest) => inner.own.insert(rest.to_owned(), raw.clone()),
                None => inner.context.insert(name.clone(), raw.clone()),
            };
        }
        inner
    }

    /// With another's variables, which win.
    pub fn with(mut self, other: Self) -> Self {
        self.own.extend(other.own);
        self.context.extend(other.context);
        self
    }

    /// One value; empty when it is not set.
    pub fn value(&self, name: &str, outside: &dyn Fn(&str) -> Option<String>) -> Result<String> {
        let mut expanding = Expanding {
            environment: self,
            outside,
            under_way: BTreeSet::new(),
        };
        let set = self.own.contains_key(name);
        let value = if set { expanding.variable(name)? } else { None };
        Ok(value.unwrap_or_default())
    }

    /// All values; what the files do not set comes from `outside`.
    pub fn values(
        &self,
        outside: &dyn Fn(&str) -> Option<String>,
    ) -> Result<BTreeMap<String, String>> {
        let mut expanding = Expanding {
            environment: self,
            outside,
            under_way: BTreeSet::new(),
        };
        let mut values = BTreeMap::new();
        for name in self.own.keys() {
            let value = expanding
                .variable(name)
                .wrap_err_with(|| format!("`{name}` of a `.env` file"))?;
            values.insert(name.clone(), value.unwrap_or_default());
        }
        Ok(values)
    }
}

fn assignment(line: &str) -> Result<(String, Raw)> {
    let (name, value) = line.split_once('=').unwrap_or((line, ""));
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    if name.is_empty()
        || name.starts_with(|c: char| c.is_ascii_digit())
        || !name.chars().all(is_name)
    {
        bail!("expected NAME=VALUE");
    }
    if !is_shell(value) {
        return Ok((name.to_owned(), Raw::Plain(value.to_owned())));
    }
    Ok((name.to_owned(), Raw::Words(words(line)?)))
}

/// Whether a value means something to a shell.
fn is_shell(value: &str) -> bool {
    let after_dollar = |c: char| c.is_ascii_alphabetic() || matches!(c, '_' | '{' | '(');
    value.contains(['`', '"', '\'', '\\'])
        || value
            .split('$')
            .skip(1)
            .any(|rest| rest.starts_with(after_dollar))
}

fn options() -> ParserOptions {
    ParserOptions {
        tilde_expansion_at_word_start: false,
        tilde_expansion_after_colon: false,
        ..ParserOptions::default()
    }
}

/// The words of `NAME=a b c`.
fn words(line: &str) -> Result<Vec<String>> {
    let program = crate::shell::syntax::parse_with(line, &options());
    let program = program.map_err(|_| eyre!("a quote or bracket is not closed, or misplaced"))?;
    let first = program
        .complete_commands
        .first()
        .and_then(|list| list.0.first());
    let pipeline = first
        .filter(|item| item.0.additional.is_empty())
        .map(|item| &item.0.first);
    let Some([Command::Simple(command)]) = pipeline.map(|pipeline| pipeline.seq.as_slice()) else {
        bail!("expected one NAME=VALUE: quote the value");
    };
    let SimpleCommand {
        prefix,
        word_or_name,
        suffix,
    } = command;
    let mut words = Vec::new();
    for item in prefix.iter().flat_map(|prefix| &prefix.0) {
        if let Item::AssignmentWord(assignment, _) = item {
            let (AssignmentName::VariableName(_), AssignmentValue::Scalar(word)) =
                (&assignment.name, &assignment.value)
            else {
                bail!("a list is written with commas, as one word");
            };
            words.push(word.value.clone());
        }
    }
    if words.len() != 1 {
        bail!("expected one NAME=VALUE: quote the value");
    }
    words.extend(word_or_name.iter().map(|word| word.value.clone()));
    for item in suffix.iter().flat_map(|suffix| &suffix.0) {
        if let Item::Word(word) | Item::AssignmentWord(_, word) = item {
            words.push(word.value.clone());
        }
    }
    Ok(words)
}

/// Expansion under way.
struct Expanding<'a> {
    environment: &'a Environment,
    outside: &'a dyn Fn(&str) -> Option<String>,
    under_way: BTreeSet<String>,
}

impl Expanding<'_> {
    /// The value of a variable of the files.
    fn variable(&mut self, name: &str) -> Result<Option<String>> {
        let Environment { own, context } = self.environment;
        let Some(raw) = own.get(name).or_else(|| context.get(name)) else {
            return Ok(None);
        };
        let words = match raw {
            Raw::Plain(text) => return Ok(Some(text.clone())),
            Raw::Words(words) => words,
        };
        if !self.under_way.insert(name.to_owned()) {
            bail!("`{name}` refers to itself");
        }
        let mut values = Vec::new();
        for word in words {
            values.push(self.word(word)?);
        }
        self.under_way.remove(name);
        Ok(Some(values.join(" ")))
    }

    /// As in Dagger, an empty variable is none.
    fn lookup(&mut self, name: &str) -> Result<Option<String>> {
        let found = match self.variable(name)? {
            Some(value) => Some(value),
            None => (self.outside)(name),
        };
        Ok(found.filter(|value| !value.is_empty()))
    }

    fn word(&mut self, text: &str) -> Result<String> {
        let mut fields = Fields::default();
        self.pieces(&parse(text)?, false, &mut fields)?;
        Ok(fields.joined())
    }

    fn pieces(&mut self, pieces: &[WordPiece], quoted: bool, out: &mut Fields) -> Result<()> {
        for piece in pieces {
            match piece {
                WordPiece::Text(text) | WordPiece::SingleQuotedText(text) => out.push(text),
                WordPiece::EscapeSequence(text) => {
                    let escaped = text.strip_prefix('\\').unwrap_or(text);
                    let kept = quoted && !matches!(escaped, "\\" | "$" | "`" | "\"");
                    out.push(if kept { text } else { escaped });
                }
                WordPiece::DoubleQuotedSequence(inner) => {
                    let inner: Vec<_> = inner.iter().map(|piece| piece.piece.clone()).collect();
                    out.push("");
                    self.pieces(&inner, true, out)?;
                }
                WordPiece::ParameterExpansion(expression) => {
                    let value = self.parameter(expression)?;
                    if quoted {
                        out.push(&value);
                    } else {
                        out.split(&value);
                    }
                }
                WordPiece::CommandSubstitution(_) | WordPiece::BackquotedCommandSubstitution(_) => {
                    bail!(
                        "a `.env` file runs no commands: put it in single quotes, or a backslash before it"
                    )
                }
                _ => bail!("unsupported expansion: put the value in single quotes"),
            }
        }
        Ok(())
    }

    fn parameter(&mut self, expression: &ParameterExpr) -> Result<String> {
        use ParameterExpr as Expr;
        let (parameter, otherwise, is_alternative) = match expression {
            Expr::Parameter {
                parameter,
                indirect: false,
            } => (parameter, None, false),
            Expr::UseDefaultValues {
                parameter,
                indirect: false,
                default_value,
                test_type: ParameterTestType::UnsetOrNull | ParameterTestType::Unset,
            } => (parameter, Some(default_value), false),
            Expr::UseAlternativeValue {
                parameter,
                indirect: false,
                alternative_value,
                ..
            } => (parameter, Some(alternative_value), true),
            _ => bail!(
                "unsupported expansion: expected `${{NAME}}`, `${{NAME:-VALUE}}` or `${{NAME:+VALUE}}`"
            ),
        };
        let Parameter::Named(name) = parameter else {
            bail!("unsupported expansion: expected `${{NAME}}`");
        };
        match (self.lookup(name)?, otherwise) {
            (Some(value), _) if !is_alternative => Ok(value),
            (None, None) => {
                bail!("`{name}`: unbound variable; set it, or write `${{{name}:-}}`")
            }
            (found, Some(text)) if found.is_some() == is_alternative => {
                self.word(text.as_deref().unwrap_or_default())
            }
            _ => Ok(String::new()),
        }
    }
}

fn parse(text: &str) -> Result<Vec<WordPiece>> {
    let pieces = crate::shell::syntax::word(text).map_err(|_| eyre!("the value is no word"))?;
    Ok(pieces.into_iter().map(|piece| piece.piece).collect())
}

/// Parts of a value: an expansion without quotes is split at white space.
#[derive(Default)]
struct Fields {
    done: Vec<String>,
    last: Option<String>,
}

impl Fields {
    fn push(&mut self, text: &str) {
        self.last.get_or_insert_default().push_str(text);
    }

    fn split(&mut self, text: &str) {
        let space = |c: char| matches!(c, ' ' | '\t' | '\n');
        for (n, part) in text.split(space).enumerate() {
            if n > 0 {
                self.done.extend(self.last.take());
            }
            if !part.is_empty() {
                self.push(part);
            }
        }
    }

    fn joined(mut self) -> String {
        self.done.extend(self.last);
        self.done.join(" ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outside(name: &str) -> Option<String> {
        let known = [("HOME", "/home/me"), ("EMPTY", ""), ("WIDE", " a  b ")];
        let found = known.iter().find(|(known, _)| *known == name);
        found.map(|(_, value)| (*value).to_owned())
    }

    fn value(line: &str) -> Result<String> {
        let text = format!("dog=rex\n{line}\n");
        let values = Environment::parse(&text)?.values(&outside)?;
        Ok(values["A"].clone())
    }

    /// Most are cases of Dagger's own tests.
    #[test]
    fn values_are_read_as_in_dagger() {
        let cases = [
            ("A=two words # no comment", "two words # no comment"),
            ("A=", ""),
            ("export A=b", "b"),
            ("A=()&^%$#@!", "()&^%$#@!"),
            ("A=x=y", "x=y"),
            ("A=~/dir", "~/dir"),
            ("A=\"tout le monde\" # comment", "tout le monde"),
            ("A=hello, nice $dog !", "hello, nice rex !"),
            ("A=\"${dog}man\"", "rexman"),
            ("A=\"nice '$dog'\"", "nice 'rex'"),
            ("A='$dog'", "$dog"),
            ("A=hello, nice '${dog}'", "hello, nice ${dog}"),
            (r#"A="with \", 'and this'""#, "with \", 'and this'"),
            (r"A=hello\nworld", "hellonworld"),
            (r#"A='{"foo":"bar"}'"#, r#"{"foo":"bar"}"#),
            (r#"A='"LARGE"'"#, r#""LARGE""#),
            ("A=${HOME}/x", "/home/me/x"),
            ("A=${NONE:-other $dog}", "other rex"),
            ("A=${dog:+has one}", "has one"),
            ("A=${NONE:+has one}", ""),
            ("A=x${WIDE}y", "x a b y"),
            ("A=\"x${WIDE}y\"", "x a  b y"),
        ];
        for (line, want) in cases {
            assert_eq!(value(line).expect(line), want, "{line}");
        }
    }

    #[test]
    fn what_cannot_be_read_is_refused_without_repeating_it() {
        let cases = [
            ("A=$NONE", "`NONE`: unbound variable"),
            ("A=$EMPTY", "unbound"),
            ("A=$(echo hunter2)", "runs no commands"),
            ("A=`echo hunter2`", "runs no commands"),
            ("A=\"hunter2", "line 2"),
            ("A='a' && rm hunter2", "line 2"),
            ("A-B=hunter2", "line 2"),
            ("A=${B}\nB=${A}", "refers to itself"),
            ("A=\"x\" B=\"hunter2\"; C=d", ""),
        ];
        for (line, want) in cases {
            match value(line) {
                Ok(value) => assert!(want.is_empty(), "{line}: {value}"),
                Err(error) => {
                    let said = format!("{error:#}");
                    assert!(said.contains(want), "{line}: {said}");
                    assert!(!said.contains("hunter2"), "{said}");
                }
            }
        }
    }

    #[test]
    fn a_namespace_still_sees_the_variables_outside_of_it() {
        let all =
            Environment::parse("ROOT=/srv\nLAB_DIR=${ROOT}/x\nLAB_NOW_KEY=k\nOTHER_BAD=$NONE");
        let lab = all.unwrap().namespace("lab");
        let values = lab.values(&outside).unwrap();
        assert_eq!(values["DIR"], "/srv/x");
        assert_eq!(values.len(), 2);
        let now = lab.namespace("now").values(&outside).unwrap();
        assert_eq!(
            now.into_iter().collect::<Vec<_>>(),
            [("KEY".into(), "k".into())]
        );
    }

    #[test]
    fn the_later_file_wins() {
        let inner = Environment::parse("A=1\nB=2").unwrap();
        let both = inner.with(Environment::parse("A=3").unwrap());
        let values = both.values(&outside).unwrap();
        assert_eq!((values["A"].as_str(), values["B"].as_str()), ("3", "2"));
    }
}
