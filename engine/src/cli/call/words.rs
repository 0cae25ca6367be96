//! Functions and flags in turns: flags belong to the function before them, those
//! at the beginning to the constructor.

use crate::api::model::{Function, Object, kebab};
use crate::api::{Model, support};
use crate::client::flags::{self, Assigned, Token, Words};
use crate::client::{Chain, Engine, Failure, Paths, Value, argument, help, lookup, print};

use super::super::argv::{Flags, Known};
use super::super::functions::is_callable;
use super::root::Root;

/// Flags that stand behind any function.
const OPTIONS: &str = "
Options:
  -j, --json           Print the result as JSON
  -o, --output <PATH>  Save the result in a file or directory
  -h, --help           Explain the function before it
All others: poniard help ";

/// What the words ask for.
#[derive(Debug)]
pub enum Read {
    Chain(Chain),
    Help(String),
}

/// The words with what they mean, now that it is known which flags functions have.
#[derive(Debug)]
pub struct Sorted<'a> {
    reader: Reader<'a>,
    help: bool,
}

/// A function with the flags that were given for it.
#[derive(Debug)]
struct Level<'a> {
    function: &'a Function,
    given: Assigned,
}

/// Sorts words up to their end. Flags are checked before anything is asked of the
/// engine.
pub fn sort<'a>(
    model: &'a Model,
    root: &'a Root,
    words: Vec<Value>,
) -> Result<Sorted<'a>, Failure> {
    let mut reader = Reader {
        model,
        root,
        fixed: Flags::of_call(),
        given: Vec::new(),
        levels: Vec::new(),
        constructor: None,
    };
    if let Some(function) = root.constructor(model) {
        reader.constructor = Some(Level {
            function,
            given: Assigned::new(),
        });
    }
    let help = reader.words(Words::new(words))?;
    Ok(Sorted { reader, help })
}

impl Sorted<'_> {
    /// Words that are flags of poniard, and of no function.
    pub fn own(&self) -> &[String] {
        &self.reader.given
    }
}

/// What sorted words ask for.
pub async fn read(engine: &dyn Engine, paths: &Paths, sorted: Sorted<'_>) -> Result<Read, Failure> {
    let Sorted { mut reader, help } = sorted;
    let (model, root) = (reader.model, reader.root);
    if help {
        return Ok(Read::Help(reader.help()));
    }
    let Some(first) = reader.levels.first() else {
        return Ok(Read::Chain(Chain::root()));
    };
    // A toolchain's constructor is a function of the root.
    let from_toolchain = root
        .toolchain(model, &first.function.name)
        .is_some_and(|f| std::ptr::eq(f, first.function));
    let constructor = reader.constructor.take().filter(|_| !from_toolchain);
    let levels: Vec<Level> = constructor.into_iter().chain(reader.levels).collect();
    levels.iter().try_for_each(check_required)?;
    let mut chain = Chain::root();
    for level in levels {
        let args = argument::literals(engine, paths, level.function, level.given).await?;
        chain = chain.then(level.function, args);
    }
    Ok(Read::Chain(chain))
}

#[derive(Debug)]
struct Reader<'a> {
    model: &'a Model,
    root: &'a Root,
    fixed: Flags,
    /// Those of them that were there, with their values.
    given: Vec<String>,
    constructor: Option<Level<'a>>,
    levels: Vec<Level<'a>>,
}

impl<'a> Reader<'a> {
    /// Whether help was asked for.
    fn words(&mut self, mut words: Words) -> Result<bool, Failure> {
        let mut help = false;
        while let Some(token) = words.token() {
            match token {
                Token::Word(word) => self.function(word.head())?,
                Token::Long(name, _) if name == "help" => help = true,
                Token::Long(name, value) => self.long(&name, value, &mut words)?,
                Token::Short(letters) if letters == "h" => help = true,
                Token::Short(letters) => self.short(&letters, &mut words)?,
            }
        }
        Ok(help)
    }

    fn long(&mut self, name: &str, value: Option<Value>, words: &mut Words) -> Result<(), Failure> {
        let level = match self.levels.last_mut() {
            Some(level) => Some(level),
            None => self.constructor.as_mut(),
        };
        if let Some(level) = level
            && lookup::argument(level.function, name)
                .is_some_and(|arg| lookup::has_literal_form(self.model, arg))
        {
            flags::take(level.function, name, value, words, &mut level.given)?;
            return Ok(());
        }
        let flag = format!("--{name}");
        match self.fixed.long(name) {
            Some(Known::Value) if value.is_none() => self.take(flag, words),
            Some(_) => {
                self.given.push(match &value {
                    Some(value) => format!("{flag}={}", value.head()),
                    None => flag,
                });
                Ok(())
            }
            None => {
                let level = self.levels.last().or(self.constructor.as_ref());
                let function = level.map(|level| level.function);
                let hint = lookup::flag_hint(name, function, self.fixed.longs());
                Err(Failure::new(format!("unknown flag: --{name}{hint}")))
            }
        }
    }

    fn short(&mut self, letters: &str, words: &mut Words) -> Result<(), Failure> {
        let flag = format!("-{letters}");
        match self.fixed.takes(&flag) {
            Some(0) => {
                self.given.push(flag);
                Ok(())
            }
            Some(_) => self.take(flag, words),
            None => Err(flags::unknown_short(letters)),
        }
    }

    /// A flag of poniard whose value is the next word.
    fn take(&mut self, flag: String, words: &mut Words) -> Result<(), Failure> {
        let value = words.value(&flag)?;
        self.given.extend([flag, value.head().to_owned()]);
        Ok(())
    }

    fn function(&mut self, name: &str) -> Result<(), Failure> {
        let found = match self.levels.last() {
            None => self.root.function(self.model, name),
            Some(level) => match self.object_of(level.function) {
                Some(object) => lookup::function(object, name),
                None => {
                    let (before, ty) = (kebab(&level.function.name), &level.function.ty);
                    let message = format!("unknown command \"{name}\" for \"{before}\"");
                    return Err(Failure::new(format!(
                        "{message}: it returns {ty}, which has no functions"
                    )));
                }
            },
        };
        let Some(function) = found else {
            let before = self
                .levels
                .last()
                .map_or("poniard call".to_owned(), |l| kebab(&l.function.name));
            let object = self.levels.last().and_then(|l| self.object_of(l.function));
            let missing = object.and_then(|object| support::refusal(&object.name, name));
            return Err(Failure::new(missing.unwrap_or_else(|| {
                let hint = lookup::hint(name, &self.names());
                format!("unknown command \"{name}\" for \"{before}\": see `--help`{hint}")
            })));
        };
        if !is_callable(self.model, function) {
            let message = format!("function \"{name}\" takes an object that flags cannot express");
            return Err(Failure::new(format!("{message}: use `poniard shell`")));
        }
        self.levels.push(Level {
            function,
            given: Assigned::new(),
        });
        Ok(())
    }

    /// What can be called next.
    fn names(&self) -> Vec<String> {
        let object = match self.levels.last() {
            Some(level) => self.object_of(level.function),
            None => self.root.object(self.model),
        };
        let mut names = object.map(lookup::names).unwrap_or_default();
        if self.levels.is_empty() {
            names.extend(self.root.toolchains(self.model).map(|f| kebab(&f.name)));
        }
        names
    }

    fn object_of(&self, function: &Function) -> Option<&'a Object> {
        self.model.object(function.ty.name())
    }

    fn help(&self) -> String {
        let (function, object) = match self.levels.last() {
            Some(level) => (Some(level.function), self.object_of(level.function)),
            None => (
                self.root.constructor(self.model),
                self.root.object(self.model),
            ),
        };
        let command = self.root.command();
        let mut text = match function.filter(|_| !self.levels.is_empty()) {
            Some(function) => help::function(self.model, function, help::Style::Flags),
            None => format!("Usage: poniard {command} [OPTIONS] [ARGUMENTS] <FUNCTION>...\n"),
        };
        if let Some(constructor) = function.filter(|_| self.levels.is_empty()) {
            text += &help::arguments(self.model, &constructor.args);
        }
        let own = object.into_iter().flat_map(lookup::visible);
        let mut rows: Vec<_> = own
            .filter(|f| is_callable(self.model, f))
            .map(help::row)
            .collect();
        if self.levels.is_empty() {
            rows.extend(self.root.toolchains(self.model).map(help::row));
        }
        rows.sort();
        if !rows.is_empty() {
            text += "\n";
            text += &print::table(["Function", "Description"], &rows);
        }
        text + OPTIONS + command + "\n"
    }
}

fn check_required(level: &Level) -> Result<(), Failure> {
    let mut missing: Vec<String> = level
        .function
        .args
        .iter()
        .filter(|arg| lookup::is_required(arg) && !level.given.contains_key(&arg.name))
        .map(|arg| format!("\"{}\"", kebab(&arg.name)))
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    missing.sort();
    let name = kebab(&level.function.name);
    Err(Failure::new(format!(
        "required flag(s) {} not set for \"{name}\"",
        missing.join(", ")
    )))
}
