//! Simple commands: assignments, redirects, and who runs the words.

use brush_parser::ast::{
    Assignment, AssignmentName, AssignmentValue, CommandPrefixOrSuffixItem as Item, IoRedirect,
    SimpleCommand,
};

use crate::client::Value;

use super::builtin;
use super::output::Io;
use super::state::Shell;
use super::stop::{Run, Stop};

impl Shell {
    pub(super) async fn simple(&mut self, command: &SimpleCommand, io: &Io) -> Run {
        let before = command.prefix.iter().flat_map(|p| &p.0);
        let after = command.suffix.iter().flat_map(|s| &s.0);
        let mut redirects: Vec<&IoRedirect> = Vec::new();
        let mut assignments = Vec::new();
        for item in before {
            match item {
                Item::AssignmentWord(assignment, _) => assignments.push(assignment),
                Item::IoRedirect(redirect) => redirects.push(redirect),
                Item::Word(_) | Item::ProcessSubstitution(..) => return Err(no_processes()),
            }
        }
        let mut words = Vec::new();
        if let Some(name) = &command.word_or_name {
            words.extend(self.fields(&name.value).await?);
        }
        // Behind a `|`, `export` is the function of that name.
        let declares = !io.has_input()
            && words
                .first()
                .and_then(Value::as_text)
                .is_some_and(builtin::is_declaration);
        let mut declared = Vec::new();
        for item in after {
            match item {
                Item::AssignmentWord(assignment, _) if declares => declared.push(assignment),
                Item::Word(word) | Item::AssignmentWord(_, word) => {
                    words.extend(self.fields(&word.value).await?)
                }
                Item::IoRedirect(redirect) => redirects.push(redirect),
                Item::ProcessSubstitution(..) => return Err(no_processes()),
            }
        }
        let io = self.redirect_all(redirects, io).await?;
        if words.is_empty() {
            for assignment in assignments {
                self.assign(assignment).await?;
            }
            return Ok(());
        }
        if declares {
            return self.declare(words, &declared).await;
        }
        if assignments.is_empty() {
            return self.dispatch(words, &io).await;
        }
        // Assignments in front of a command are for that command only.
        let variables = self.variables.clone();
        let result = self.with_assignments(&assignments, words, &io).await;
        self.variables = variables;
        result
    }

    async fn with_assignments(
        &mut self,
        assignments: &[&Assignment],
        words: Vec<Value>,
        io: &Io,
    ) -> Run {
        for assignment in assignments {
            self.assign(assignment).await?;
        }
        self.dispatch(words, io).await
    }

    /// Runs words as a command.
    pub(super) async fn dispatch(&mut self, mut words: Vec<Value>, io: &Io) -> Run {
        let first = words.remove(0);
        if let Some(chain) = first.as_chain() {
            let name = chain.type_name().to_owned();
            if io.has_input() {
                return Err(Stop::failed(format!(
                    "a {name} cannot be the input of a {name}: a function is wanted"
                )));
            }
            if !words.is_empty() {
                return Err(Stop::failed(format!(
                    "a {name} takes no arguments: pipe it into a function"
                )));
            }
            return self.emit(io, first).await;
        }
        let name = self.text(&first).await?;
        if let Some(builtin) = name
            .strip_prefix('_')
            .filter(|n| builtin::is_interpreter(n))
        {
            return self.interpreter_builtin(builtin, words, io).await;
        }
        if builtin::is_dot(&name) {
            return self.dot_builtin(&name, words, io).await;
        }
        if let Some(body) = self.functions.get(&name).cloned() {
            return self.call(&body, words, io).await;
        }
        self.stage(&name, words, io).await
    }

    pub(super) async fn assign(&mut self, assignment: &Assignment) -> Result<(), Stop> {
        let (name, index) = match &assignment.name {
            AssignmentName::VariableName(name) => (name, None),
            AssignmentName::ArrayElementName(name, index) => {
                let index = self.arithmetic(index).await?;
                let index = usize::try_from(index)
                    .map_err(|_| Stop::failed(format!("{name}[{index}]: negative index")))?;
                (name, Some(index))
            }
        };
        match &assignment.value {
            AssignmentValue::Scalar(word) => {
                let mut value = self.word(&word.value).await?;
                let index = index.unwrap_or(0);
                if assignment.append {
                    let mut before = self.variables.item(name, index).unwrap_or_default();
                    before.extend(value);
                    value = before;
                }
                self.variables.set_item(name, index, value);
            }
            AssignmentValue::Array(words) => {
                let mut items = Vec::new();
                for (key, word) in words {
                    if key.is_some() {
                        return Err(Stop::failed(format!(
                            "`{name}`: arrays with keys are not supported"
                        )));
                    }
                    items.extend(self.fields(&word.value).await?);
                }
                if assignment.append {
                    self.variables.append_items(name, items);
                } else {
                    self.variables.set_all(name, items);
                }
            }
        }
        Ok(())
    }

    /// `local`, `export`, `readonly`, `declare`.
    async fn declare(&mut self, words: Vec<Value>, assignments: &[&Assignment]) -> Run {
        let mut words = words.into_iter();
        let keyword = words
            .next()
            .map(|w| w.head().to_owned())
            .unwrap_or_default();
        let local = matches!(keyword.as_str(), "local" | "declare" | "typeset");
        for word in words {
            let name = self.text(&word).await?;
            if local && !name.starts_with('-') {
                self.localize(&keyword, &name)?;
            }
        }
        for assignment in assignments {
            if local && let AssignmentName::VariableName(name) = &assignment.name {
                // The value may refer to the variable that is hidden.
                let hidden = self.variables.get(name);
                self.localize(&keyword, name)?;
                if let Some(hidden) = hidden {
                    self.variables.set(name, hidden);
                }
            }
            self.assign(assignment).await?;
        }
        Ok(())
    }

    fn localize(&mut self, keyword: &str, name: &str) -> Run {
        if !self.variables.localize(name) && keyword == "local" {
            return Err(Stop::failed("`local` can only be used in a function"));
        }
        Ok(())
    }
}

fn no_processes() -> Stop {
    Stop::failed("process substitution is not supported: the shell runs functions, not processes")
}
