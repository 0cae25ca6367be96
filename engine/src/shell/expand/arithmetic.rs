//! `$((…))`, `((…))` and array indices: 64-bit whole numbers.

use brush_parser::arithmetic;
use brush_parser::ast::{
    ArithmeticExpr as Expr, ArithmeticTarget as Target, BinaryOperator as Op,
    UnaryAssignmentOperator as Step, UnaryOperator,
};
use futures::future::BoxFuture;

use crate::client::Value;
use crate::shell::depth;
use crate::shell::state::Shell;
use crate::shell::stop::Stop;

/// Variables may name variables only so far.
const MAX_DEPTH: u32 = 64;

impl Shell {
    /// The value of an expression, after the variables in it were put in.
    pub(in crate::shell) async fn arithmetic(&mut self, text: &str) -> Result<i64, Stop> {
        let value = self.word_of(text).await?;
        let text = self.text(&value).await?;
        self.number_of(&text, 0).await
    }

    fn word_of<'a>(&'a mut self, text: &'a str) -> BoxFuture<'a, Result<Value, Stop>> {
        Box::pin(self.word(text))
    }

    async fn number_of(&mut self, text: &str, depth: u32) -> Result<i64, Stop> {
        let text = text.trim();
        if text.is_empty() {
            return Ok(0);
        }
        if depth > MAX_DEPTH {
            return Err(Stop::failed(format!(
                "`{text}`: variables refer to each other endlessly"
            )));
        }
        depth::arithmetic(text).map_err(Stop::failed)?;
        let expr = arithmetic::parse(text)
            .map_err(|_| Stop::failed(format!("`{text}` is no arithmetic")))?;
        self.evaluate(&expr, depth).await
    }

    fn evaluate<'a>(&'a mut self, expr: &'a Expr, depth: u32) -> BoxFuture<'a, Result<i64, Stop>> {
        Box::pin(async move {
            match expr {
                Expr::Literal(number) => Ok(*number),
                Expr::Reference(target) => self.read(target, depth).await,
                Expr::UnaryOp(op, operand) => {
                    let value = self.evaluate(operand, depth).await?;
                    Ok(match op {
                        UnaryOperator::UnaryPlus => value,
                        UnaryOperator::UnaryMinus => value.wrapping_neg(),
                        UnaryOperator::BitwiseNot => !value,
                        UnaryOperator::LogicalNot => i64::from(value == 0),
                    })
                }
                Expr::BinaryOp(Op::LogicalAnd, left, right) => {
                    let both = self.evaluate(left, depth).await? != 0
                        && self.evaluate(right, depth).await? != 0;
                    Ok(i64::from(both))
                }
                Expr::BinaryOp(Op::LogicalOr, left, right) => {
                    let any = self.evaluate(left, depth).await? != 0
                        || self.evaluate(right, depth).await? != 0;
                    Ok(i64::from(any))
                }
                Expr::BinaryOp(op, left, right) => {
                    let left = self.evaluate(left, depth).await?;
                    let right = self.evaluate(right, depth).await?;
                    binary(*op, left, right)
                }
                Expr::Conditional(condition, yes, no) => {
                    let chosen = if self.evaluate(condition, depth).await? != 0 {
                        yes
                    } else {
                        no
                    };
                    self.evaluate(chosen, depth).await
                }
                Expr::Assignment(target, value) => {
                    let value = self.evaluate(value, depth).await?;
                    self.write(target, value, depth).await
                }
                Expr::BinaryAssignment(op, target, operand) => {
                    let before = self.read(target, depth).await?;
                    let operand = self.evaluate(operand, depth).await?;
                    self.write(target, binary(*op, before, operand)?, depth)
                        .await
                }
                Expr::UnaryAssignment(step, target) => {
                    let before = self.read(target, depth).await?;
                    let after = match step {
                        Step::PrefixIncrement | Step::PostfixIncrement => before.wrapping_add(1),
                        Step::PrefixDecrement | Step::PostfixDecrement => before.wrapping_sub(1),
                    };
                    self.write(target, after, depth).await?;
                    let prefix = matches!(step, Step::PrefixIncrement | Step::PrefixDecrement);
                    Ok(if prefix { after } else { before })
                }
            }
        })
    }

    async fn read(&mut self, target: &Target, depth: u32) -> Result<i64, Stop> {
        let (name, index) = self.locate(target, depth).await?;
        let Some(value) = self.variables.item(name, index) else {
            return Err(Stop::failed(format!("{name}: unbound variable")));
        };
        let text = self.text(&value).await?;
        Box::pin(self.number_of(&text, depth + 1)).await
    }

    async fn write(&mut self, target: &Target, value: i64, depth: u32) -> Result<i64, Stop> {
        let (name, index) = self.locate(target, depth).await?;
        self.variables
            .set_item(name, index, Value::text(value.to_string()));
        Ok(value)
    }

    async fn locate<'a>(
        &mut self,
        target: &'a Target,
        depth: u32,
    ) -> Result<(&'a str, usize), Stop> {
        match target {
            Target::Variable(name) => Ok((name, 0)),
            Target::ArrayElement(name, index) => {
                let index = self.evaluate(index, depth).await?;
                let index = usize::try_from(index)
                    .map_err(|_| Stop::failed(format!("{name}[{index}]: negative index")))?;
                Ok((name, index))
            }
        }
    }
}

fn binary(op: Op, left: i64, right: i64) -> Result<i64, Stop> {
    let by_zero = || Stop::failed("division by 0");
    let bits = |n: i64| (n & 63) as u32;
    Ok(match op {
        Op::Power => {
            let exponent =
                u32::try_from(right).map_err(|_| Stop::failed("exponent less than 0"))?;
            left.wrapping_pow(exponent)
        }
        Op::Multiply => left.wrapping_mul(right),
        Op::Divide if right == 0 => return Err(by_zero()),
        Op::Divide => left.wrapping_div(right),
        Op::Modulo if right == 0 => return Err(by_zero()),
        Op::Modulo => left.wrapping_rem(right),
        Op::Comma => right,
        Op::Add => left.wrapping_add(right),
        Op::Subtract => left.wrapping_sub(right),
        Op::ShiftLeft => left.wrapping_shl(bits(right)),
        Op::ShiftRight => left.wrapping_shr(bits(right)),
        Op::LessThan => i64::from(left < right),
        Op::LessThanOrEqualTo => i64::from(left <= right),
        Op::GreaterThan => i64::from(left > right),
        Op::GreaterThanOrEqualTo => i64::from(left >= right),
        Op::Equals => i64::from(left == right),
        Op::NotEquals => i64::from(left != right),
        Op::BitwiseAnd => left & right,
        Op::BitwiseXor => left ^ right,
        Op::BitwiseOr => left | right,
        Op::LogicalAnd => i64::from(left != 0 && right != 0),
        Op::LogicalOr => i64::from(left != 0 || right != 0),
    })
}
