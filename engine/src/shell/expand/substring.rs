//! Expansions that change the text of a variable: `${x%…}`, `${x:1:2}`, `${#x}`.

use brush_parser::word::{
    Parameter, ParameterExpr as Expr, ParameterTransformOp as Op, SpecialParameter,
};

use crate::client::Value;
use crate::shell::state::Shell;
use crate::shell::stop::Stop;

use super::{pattern, text};

impl Shell {
    /// The value of an expansion that is no list and puts in no word.
    pub(super) async fn value_of(&mut self, expr: &Expr) -> Result<Value, Stop> {
        match expr {
            Expr::Parameter {
                parameter,
                indirect,
            }
            | Expr::UseDefaultValues {
                parameter,
                indirect,
                ..
            }
            | Expr::AssignDefaultValues {
                parameter,
                indirect,
                ..
            }
            | Expr::IndicateErrorIfNullOrUnset {
                parameter,
                indirect,
                ..
            }
            | Expr::UseAlternativeValue {
                parameter,
                indirect,
                ..
            } => self.required(parameter, *indirect).await,
            Expr::ParameterLength {
                parameter,
                indirect,
            } => {
                let length = match parameter {
                    Parameter::Special(SpecialParameter::AllPositionalParameters { .. }) => {
                        self.positional.len()
                    }
                    Parameter::NamedWithAllIndices { name, .. } => self.variables.items(name).len(),
                    _ => self
                        .required_text(parameter, *indirect)
                        .await?
                        .chars()
                        .count(),
                };
                Ok(Value::text(length.to_string()))
            }
            Expr::RemoveSmallestPrefixPattern {
                parameter,
                indirect,
                pattern,
            } => self.cut(parameter, *indirect, pattern, true, false).await,
            Expr::RemoveLargestPrefixPattern {
                parameter,
                indirect,
                pattern,
            } => self.cut(parameter, *indirect, pattern, true, true).await,
            Expr::RemoveSmallestSuffixPattern {
                parameter,
                indirect,
                pattern,
            } => self.cut(parameter, *indirect, pattern, false, false).await,
            Expr::RemoveLargestSuffixPattern {
                parameter,
                indirect,
                pattern,
            } => self.cut(parameter, *indirect, pattern, false, true).await,
            Expr::Substring {
                parameter,
                indirect,
                offset,
                length,
            } => {
                let text = self.required_text(parameter, *indirect).await?;
                let offset = Box::pin(self.arithmetic(&offset.value)).await?;
                let length = match length {
                    Some(length) => Some(Box::pin(self.arithmetic(&length.value)).await?),
                    None => None,
                };
                Ok(Value::text(text::slice(&text, offset, length)))
            }
            Expr::ReplaceSubstring {
                parameter,
                indirect,
                pattern,
                replacement,
                match_kind,
            } => {
                let text = self.required_text(parameter, *indirect).await?;
                let pattern = Box::pin(self.pattern(pattern)).await?;
                let word = replacement.clone().unwrap_or_default();
                let value = Box::pin(self.word(&word)).await?;
                let with = self.text(&value).await?;
                Ok(Value::text(text::replace(
                    &text, &pattern, &with, match_kind,
                )?))
            }
            Expr::UppercaseFirstChar {
                parameter,
                indirect,
                ..
            } => {
                let text = self.required_text(parameter, *indirect).await?;
                Ok(Value::text(text::change_first(&text, |c| {
                    c.to_uppercase().collect()
                })))
            }
            Expr::LowercaseFirstChar {
                parameter,
                indirect,
                ..
            } => {
                let text = self.required_text(parameter, *indirect).await?;
                Ok(Value::text(text::change_first(&text, |c| {
                    c.to_lowercase().collect()
                })))
            }
            Expr::UppercasePattern {
                parameter,
                indirect,
                ..
            }
            | Expr::Transform {
                parameter,
                indirect,
                op: Op::ToUpperCase,
            } => Ok(Value::text(
                self.required_text(parameter, *indirect)
                    .await?
                    .to_uppercase(),
            )),
            Expr::LowercasePattern {
                parameter,
                indirect,
                ..
            }
            | Expr::Transform {
                parameter,
                indirect,
                op: Op::ToLowerCase,
            } => Ok(Value::text(
                self.required_text(parameter, *indirect)
                    .await?
                    .to_lowercase(),
            )),
            Expr::Transform {
                parameter,
                indirect,
                op: Op::Quoted,
            } => {
                let text = self.required_text(parameter, *indirect).await?;
                Ok(Value::text(format!("'{}'", text.replace('\'', "'\\''"))))
            }
            Expr::Transform { op, .. } => Err(Stop::failed(format!(
                "the transformation {op:?} is not supported"
            ))),
            Expr::VariableNames { prefix, .. } => {
                let names = self.variables.names();
                let names: Vec<_> = names
                    .into_iter()
                    .filter(|n| n.starts_with(prefix))
                    .collect();
                Ok(Value::text(names.join(" ")))
            }
            Expr::MemberKeys { variable_name, .. } => {
                let keys: Vec<_> = self
                    .variables
                    .indices(variable_name)
                    .iter()
                    .map(usize::to_string)
                    .collect();
                Ok(Value::text(keys.join(" ")))
            }
        }
    }

    async fn required_text(
        &mut self,
        parameter: &Parameter,
        indirect: bool,
    ) -> Result<String, Stop> {
        let value = self.required(parameter, indirect).await?;
        self.text(&value).await
    }

    /// Removes the shortest or longest match at one end.
    async fn cut(
        &mut self,
        parameter: &Parameter,
        indirect: bool,
        word: &Option<String>,
        prefix: bool,
        longest: bool,
    ) -> Result<Value, Stop> {
        let text = self.required_text(parameter, indirect).await?;
        let word = word.clone().unwrap_or_default();
        let regex = pattern::whole(&Box::pin(self.pattern(&word)).await?)?;
        let mut ends: Vec<usize> = text
            .char_indices()
            .map(|(i, _)| i)
            .chain([text.len()])
            .collect();
        // Prefixes grow with the index, suffixes shrink.
        if prefix == longest {
            ends.reverse();
        }
        let rest = ends.into_iter().find_map(|at| {
            let (left, right) = text.split_at(at);
            let (cut, kept) = if prefix { (left, right) } else { (right, left) };
            regex.is_match(cut).then(|| kept.to_owned())
        });
        Ok(Value::text(rest.unwrap_or(text)))
    }
}
