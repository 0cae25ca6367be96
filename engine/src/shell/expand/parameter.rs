//! `$name` and `${name…}`.

use brush_parser::word::{
    Parameter, ParameterExpr as Expr, ParameterTestType, SpecialParameter as Special, WordPiece,
};

use crate::client::{Piece, Value};
use crate::shell::state::Shell;
use crate::shell::stop::Stop;

use super::fields::Part;

/// Whether it is `$@` or `${name[@]}`.
pub fn is_all(piece: &WordPiece) -> bool {
    let WordPiece::ParameterExpansion(Expr::Parameter { parameter, .. }) = piece else {
        return false;
    };
    matches!(
        parameter,
        Parameter::Special(Special::AllPositionalParameters { concatenate: false })
            | Parameter::NamedWithAllIndices {
                concatenate: false,
                ..
            }
    )
}

impl Shell {
    pub(super) async fn parameter(
        &mut self,
        expr: &Expr,
        quoted: bool,
        parts: &mut Vec<Part>,
    ) -> Result<(), Stop> {
        let part = |piece| match piece {
            Piece::Text(text) if !quoted => Part::Split(text),
            piece => Part::Quoted(piece),
        };
        if let Expr::Parameter {
            parameter,
            indirect: false,
        } = expr
            && let Some((values, concatenate)) = self.all(parameter)
        {
            for (i, value) in values.into_iter().enumerate() {
                if i > 0 {
                    let joined = quoted && concatenate;
                    parts.push(if joined { Part::quoted(" ") } else { Part::Cut });
                }
                // An empty argument in quotes is still an argument.
                if quoted && value.0.is_empty() {
                    parts.push(Part::quoted(""));
                }
                parts.extend(value.0.into_iter().map(part));
            }
            return Ok(());
        }
        if let Some(word) = self.substitute_word(expr).await? {
            let inner = self.parts_of(&word).await?;
            // As Dagger's shell does: without quotes around it, the word is
            // split, also where it was quoted itself.
            parts.extend(super::fields::join(inner).0.into_iter().map(part));
            return Ok(());
        }
        let value = self.value_of(expr).await?;
        parts.extend(value.0.into_iter().map(part));
        Ok(())
    }

    async fn parts_of(&mut self, word: &str) -> Result<Vec<Part>, Stop> {
        Box::pin(self.parts(word)).await
    }

    /// Several values at once: `$@`, `$*`, `${a[@]}`, `${a[*]}`.
    fn all(&self, parameter: &Parameter) -> Option<(Vec<Value>, bool)> {
        match parameter {
            Parameter::Special(Special::AllPositionalParameters { concatenate }) => {
                Some((self.positional.clone(), *concatenate))
            }
            Parameter::NamedWithAllIndices { name, concatenate } => {
                Some((self.variables.items(name), *concatenate))
            }
            _ => None,
        }
    }

    /// The word that `-`, `+`, `=` or `?` puts in the place of the value.
    async fn substitute_word(&mut self, expr: &Expr) -> Result<Option<String>, Stop> {
        Ok(match expr {
            Expr::UseDefaultValues {
                parameter,
                indirect,
                test_type,
                default_value,
            } => match self.present(parameter, *indirect, test_type).await? {
                None => Some(default_value.clone().unwrap_or_default()),
                Some(_) => None,
            },
            Expr::UseAlternativeValue {
                parameter,
                indirect,
                test_type,
                alternative_value,
            } => {
                let there = self
                    .present(parameter, *indirect, test_type)
                    .await?
                    .is_some();
                Some(if there {
                    alternative_value.clone().unwrap_or_default()
                } else {
                    String::new()
                })
            }
            Expr::AssignDefaultValues {
                parameter,
                indirect,
                test_type,
                default_value,
            } => {
                if self
                    .present(parameter, *indirect, test_type)
                    .await?
                    .is_none()
                {
                    let Parameter::Named(name) = parameter else {
                        return Err(Stop::failed(format!("{parameter}: cannot be assigned to")));
                    };
                    let word = default_value.clone().unwrap_or_default();
                    let value = super::fields::join(self.parts_of(&word).await?);
                    self.variables.set(name, value);
                }
                None
            }
            Expr::IndicateErrorIfNullOrUnset {
                parameter,
                indirect,
                test_type,
                error_message,
            } => {
                if self
                    .present(parameter, *indirect, test_type)
                    .await?
                    .is_none()
                {
                    let word = error_message
                        .clone()
                        .unwrap_or_else(|| "not set".to_owned());
                    let value = super::fields::join(self.parts_of(&word).await?);
                    let message = self.text(&value).await?;
                    return Err(Stop::failed(format!("{parameter}: {message}")));
                }
                None
            }
            _ => None,
        })
    }

    /// The value if it passes the test of `-` or of `:-`.
    async fn present(
        &mut self,
        parameter: &Parameter,
        indirect: bool,
        test: &ParameterTestType,
    ) -> Result<Option<Value>, Stop> {
        let value = self.lookup(parameter, indirect).await?;
        Ok(value.filter(|v| matches!(test, ParameterTestType::Unset) || !v.is_empty()))
    }

    /// The value of a parameter that has to be set.
    pub(super) async fn required(
        &mut self,
        parameter: &Parameter,
        indirect: bool,
    ) -> Result<Value, Stop> {
        match self.lookup(parameter, indirect).await? {
            Some(value) => Ok(value),
            None => Err(Stop::failed(format!(
                "{}: unbound variable",
                shown(parameter)
            ))),
        }
    }

    async fn lookup(
        &mut self,
        parameter: &Parameter,
        indirect: bool,
    ) -> Result<Option<Value>, Stop> {
        let value = match parameter {
            Parameter::Named(name) => self.variables.get(name),
            Parameter::NamedWithIndex { name, index } => {
                let index = Box::pin(self.arithmetic(index)).await?;
                let index = match usize::try_from(index) {
                    Ok(index) => Some(index),
                    // Counted from the end.
                    Err(_) => {
                        let indices = self.variables.indices(name);
                        let back = usize::try_from(index.unsigned_abs()).unwrap_or(usize::MAX);
                        indices.len().checked_sub(back).map(|i| indices[i])
                    }
                };
                index.and_then(|index| self.variables.item(name, index))
            }
            Parameter::Positional(0) | Parameter::Special(Special::ShellName) => {
                Some(Value::text("poniard"))
            }
            Parameter::Positional(n) => self.positional.get(*n as usize - 1).cloned(),
            Parameter::Special(Special::PositionalParameterCount) => {
                Some(Value::text(self.positional.len().to_string()))
            }
            Parameter::Special(Special::LastExitStatus) => {
                Some(Value::text(self.status.to_string()))
            }
            Parameter::Special(Special::LastBackgroundProcessId) => {
                self.last_job.map(|id| Value::text(id.to_string()))
            }
            Parameter::Special(Special::ProcessId) => {
                Some(Value::text(std::process::id().to_string()))
            }
            Parameter::Special(Special::CurrentOptionFlags) => Some(Value::text("eu")),
            Parameter::Special(Special::AllPositionalParameters { .. })
            | Parameter::NamedWithAllIndices { .. } => {
                let (values, _) = self.all(parameter).unwrap_or_default();
                joined(values)
            }
        };
        if !indirect {
            return Ok(value);
        }
        let Some(value) = value else { return Ok(None) };
        let name = self.text(&value).await?;
        Ok(self.variables.get(&name))
    }
}

/// Values with blanks between; none for no values.
fn joined(values: Vec<Value>) -> Option<Value> {
    values.into_iter().reduce(|mut all, value| {
        all.push(Piece::Text(" ".to_owned()));
        all.extend(value);
        all
    })
}

/// The name as in an error.
fn shown(parameter: &Parameter) -> String {
    match parameter {
        Parameter::Named(name) | Parameter::NamedWithAllIndices { name, .. } => name.clone(),
        Parameter::NamedWithIndex { name, index } => format!("{name}[{index}]"),
        Parameter::Positional(n) => format!("${n}"),
        Parameter::Special(special) => format!("${special}"),
    }
}
