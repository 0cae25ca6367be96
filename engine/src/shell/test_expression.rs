//! `_test …` and `[[ … ]]`.

use std::path::Path;

use brush_parser::ast::{
    BinaryPredicate as Binary, ExtendedTestExpr as Expr, TestExpr, UnaryPredicate as Unary,
};
use brush_parser::test_command;
use futures::future::BoxFuture;

use super::expand::pattern;
use super::state::Shell;
use super::stop::{Run, Stop};

/// `_test` with its words.
pub fn words(words: &[String], dir: &Path) -> Run {
    let expr = test_command::parse(words).map_err(|_| {
        Stop::Failed(crate::client::Failure {
            code: 2,
            ..crate::client::Failure::new(format!("_test: cannot read `{}`", words.join(" ")))
        })
    })?;
    if holds(&expr, dir)? {
        Ok(())
    } else {
        Err(Stop::status(1))
    }
}

fn holds(expr: &TestExpr, dir: &Path) -> Result<bool, Stop> {
    Ok(match expr {
        TestExpr::False => false,
        TestExpr::Literal(text) => !text.is_empty(),
        TestExpr::And(left, right) => holds(left, dir)? && holds(right, dir)?,
        TestExpr::Or(left, right) => holds(left, dir)? || holds(right, dir)?,
        TestExpr::Not(inner) => !holds(inner, dir)?,
        TestExpr::Parenthesized(inner) => holds(inner, dir)?,
        TestExpr::UnaryTest(op, text) => unary(op, text, dir)?,
        TestExpr::BinaryTest(op, left, right) => binary(op, left, right)?,
    })
}

impl Shell {
    pub(super) fn extended_test<'a>(
        &'a mut self,
        expr: &'a Expr,
    ) -> BoxFuture<'a, Result<bool, Stop>> {
        Box::pin(async move {
            Ok(match expr {
                Expr::And(left, right) => {
                    self.extended_test(left).await? && self.extended_test(right).await?
                }
                Expr::Or(left, right) => {
                    self.extended_test(left).await? || self.extended_test(right).await?
                }
                Expr::Not(inner) => !self.extended_test(inner).await?,
                Expr::Parenthesized(inner) => self.extended_test(inner).await?,
                Expr::UnaryTest(Unary::ShellVariableIsSetAndAssigned, name) => {
                    self.variables.get(&name.value).is_some()
                }
                Expr::UnaryTest(op, word) => {
                    let value = self.word(&word.value).await?;
                    let text = self.text(&value).await?;
                    unary(op, &text, &self.place.dir)?
                }
                Expr::BinaryTest(op, left, right) => {
                    let value = self.word(&left.value).await?;
                    let left = self.text(&value).await?;
                    match op {
                        Binary::StringExactlyMatchesPattern => {
                            pattern::matches(&self.pattern(&right.value).await?, &left)?
                        }
                        Binary::StringDoesNotExactlyMatchPattern => {
                            !pattern::matches(&self.pattern(&right.value).await?, &left)?
                        }
                        _ => {
                            let value = self.word(&right.value).await?;
                            let right = self.text(&value).await?;
                            binary(op, &left, &right)?
                        }
                    }
                }
            })
        })
    }
}

fn unary(op: &Unary, text: &str, dir: &Path) -> Result<bool, Stop> {
    let path = dir.join(text);
    Ok(match op {
        Unary::StringHasZeroLength => text.is_empty(),
        Unary::StringHasNonZeroLength => !text.is_empty(),
        Unary::FileExists => path.exists(),
        Unary::FileExistsAndIsDir => path.is_dir(),
        Unary::FileExistsAndIsRegularFile => path.is_file(),
        Unary::FileExistsAndIsSymlink => path.is_symlink(),
        Unary::FileExistsAndIsNotZeroLength => path.metadata().is_ok_and(|m| m.len() > 0),
        other => return Err(Stop::failed(format!("the test {other} is not supported"))),
    })
}

fn binary(op: &Binary, left: &str, right: &str) -> Result<bool, Stop> {
    let numbers = || {
        let number = |text: &str| {
            text.trim()
                .parse::<i64>()
                .map_err(|_| Stop::failed(format!("`{text}` is no whole number")))
        };
        Ok::<_, Stop>((number(left)?, number(right)?))
    };
    let compare = |wanted: fn(&i64, &i64) -> bool| numbers().map(|(l, r)| wanted(&l, &r));
    match op {
        Binary::StringExactlyMatchesString | Binary::StringExactlyMatchesPattern => {
            Ok(left == right)
        }
        Binary::StringDoesNotExactlyMatchString | Binary::StringDoesNotExactlyMatchPattern => {
            Ok(left != right)
        }
        Binary::StringContainsSubstring => Ok(left.contains(right)),
        Binary::StringMatchesRegex => match regex::Regex::new(right) {
            Ok(regex) => Ok(regex.is_match(left)),
            Err(error) => Err(Stop::failed(format!(
                "`{right}` is no regular expression: {error}"
            ))),
        },
        Binary::LeftSortsBeforeRight => Ok(left < right),
        Binary::LeftSortsAfterRight => Ok(left > right),
        Binary::ArithmeticEqualTo => compare(i64::eq),
        Binary::ArithmeticNotEqualTo => compare(i64::ne),
        Binary::ArithmeticLessThan => compare(i64::lt),
        Binary::ArithmeticLessThanOrEqualTo => compare(i64::le),
        Binary::ArithmeticGreaterThan => compare(i64::gt),
        Binary::ArithmeticGreaterThanOrEqualTo => compare(i64::ge),
        other => Err(Stop::failed(format!("the test {other} is not supported"))),
    }
}
