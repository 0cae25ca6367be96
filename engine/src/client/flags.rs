//! Words sorted by argument, in the grammar of pflag: `--name value`,
//! `--name=value`, `--truth`, `--truth=false`; `--` ends the flags.

use std::collections::VecDeque;

use indexmap::IndexMap;

use crate::api::model::{Arg, Function, kebab};

use super::{Failure, Value, lookup};

/// What was given for an argument.
#[derive(Clone, Debug)]
pub enum Given {
    /// A value for each time the flag was there; for a list, each is split at
    /// commas.
    Words(Vec<Value>),
    /// Items of a list, taken verbatim.
    Items(Vec<Value>),
}

/// What was given, by the name of the argument (camelCase).
pub type Assigned = IndexMap<String, Given>;

/// A word with its role.
#[derive(Debug)]
pub enum Token {
    /// `--name` or `--name=value`.
    Long(String, Option<Value>),
    /// `-abc`: the letters.
    Short(String),
    Word(Value),
}

/// Words to be read.
#[derive(Debug)]
pub struct Words {
    rest: VecDeque<Value>,
    only_words: bool,
}

impl Words {
    pub fn new(words: impl IntoIterator<Item = Value>) -> Self {
        Self {
            rest: words.into_iter().collect(),
            only_words: false,
        }
    }

    pub fn token(&mut self) -> Option<Token> {
        let word = self.rest.pop_front()?;
        let head = word.head();
        if self.only_words || head.len() < 2 || !head.starts_with('-') {
            return Some(Token::Word(word));
        }
        if word.as_text() == Some("--") {
            self.only_words = true;
            return self.token();
        }
        let Some(long) = head.strip_prefix("--") else {
            return Some(Token::Short(head[1..].to_owned()));
        };
        match long.split_once('=') {
            Some((name, _)) => {
                let name = name.to_owned();
                let value = word.without_head(name.len() + 3);
                Some(Token::Long(name, Some(value)))
            }
            None => Some(Token::Long(long.to_owned(), None)),
        }
    }

    /// The value of a flag that had no `=`.
    pub fn value(&mut self, flag: &str) -> Result<Value, Failure> {
        self.rest
            .pop_front()
            .ok_or_else(|| Failure::new(format!("flag needs an argument: {flag}")))
    }

    pub fn peek(&self) -> Option<&Value> {
        self.rest.front()
    }
}

/// Takes a flag of `function`; false when it has no such flag.
pub fn take(
    function: &Function,
    name: &str,
    value: Option<Value>,
    words: &mut Words,
    assigned: &mut Assigned,
) -> Result<bool, Failure> {
    let Some(arg) = lookup::argument(function, name) else {
        return Ok(false);
    };
    let value = match value {
        Some(value) => value,
        None if is_switch(arg) => Value::text("true"),
        None => words.value(&format!("--{name}"))?,
    };
    match assigned
        .entry(arg.name.clone())
        .or_insert_with(|| Given::Words(Vec::new()))
    {
        Given::Words(values) | Given::Items(values) => values.push(value),
    }
    Ok(true)
}

/// Whether the flag alone means true.
fn is_switch(arg: &Arg) -> bool {
    arg.expected == "Boolean" && !arg.ty.is_list()
}

/// Words of the shell: flags anywhere, required arguments by position.
///
/// # Errors
/// An unknown flag, a flag without its value, too few or too many positionals.
pub fn assign(function: &Function, words: Vec<Value>) -> Result<Assigned, Failure> {
    let mut words = Words::new(words);
    let mut assigned = Assigned::new();
    let mut positional = Vec::new();
    while let Some(token) = words.token() {
        match token {
            Token::Word(word) => positional.push(word),
            Token::Long(name, value) => {
                if !take(function, &name, value, &mut words, &mut assigned)? {
                    let hint = lookup::flag_hint(&name, Some(function), std::iter::empty());
                    return Err(Failure::new(format!("unknown flag: --{name}{hint}")));
                }
            }
            Token::Short(letters) => return Err(unknown_short(&letters)),
        }
    }
    let missing: Vec<&Arg> = function
        .args
        .iter()
        .filter(|arg| lookup::is_required(arg) && !assigned.contains_key(&arg.name))
        .collect();
    if let [only] = missing.as_slice()
        && only.ty.is_list()
        && positional.len() > 1
    {
        assigned.insert(only.name.clone(), Given::Items(positional));
        return Ok(assigned);
    }
    if missing.len() != positional.len() {
        return Err(wrong_count(&missing, positional.len()));
    }
    for (arg, word) in missing.into_iter().zip(positional) {
        assigned.insert(arg.name.clone(), Given::Words(vec![word]));
    }
    Ok(assigned)
}

/// As pflag says it; the letters may be meant for the command of a `with-exec`.
pub fn unknown_short(letters: &str) -> Failure {
    let first = letters.chars().next().unwrap_or('-');
    Failure::new(format!(
        "unknown shorthand flag: '{first}' in -{letters} (put `--` before words that start with a dash)"
    ))
}

fn wrong_count(missing: &[&Arg], received: usize) -> Failure {
    let names: Vec<String> = missing.iter().map(|arg| kebab(&arg.name)).collect();
    let hint = if names.is_empty() {
        String::new()
    } else {
        format!(" ({})", names.join(", "))
    };
    let count = missing.len();
    Failure::new(format!(
        "requires {count} positional argument(s), received {received}{hint}"
    ))
}
