//! Loops, conditions, groups and function calls.

use brush_parser::ast::{
    CaseClauseCommand, CaseItemPostAction, Command, CompoundCommand, CompoundList,
    ForClauseCommand, FunctionBody, IfClauseCommand, WhileOrUntilClauseCommand,
};
use futures::future::BoxFuture;

use crate::client::Value;

use super::expand::pattern;
use super::output::Io;
use super::state::Shell;
use super::stop::{Run, Stop};

/// Deeper calls of functions are taken for an endless recursion.
const MAX_DEPTH: u32 = 200;

impl Shell {
    pub(super) fn command<'a>(
        &'a mut self,
        command: &'a Command,
        io: &'a Io,
    ) -> BoxFuture<'a, Run> {
        Box::pin(async move {
            match command {
                Command::Simple(simple) => self.simple(simple, io).await,
                Command::Compound(compound, redirects) => {
                    let io = self.redirected(redirects.as_ref(), io).await?;
                    self.compound(compound, &io).await
                }
                Command::Function(definition) => {
                    let name = definition.fname.value.clone();
                    self.functions.insert(name, definition.body.clone().into());
                    Ok(())
                }
                Command::ExtendedTest(test, redirects) => {
                    self.redirected(redirects.as_ref(), io).await?;
                    let holds = self.extended_test(&test.expr).await?;
                    if holds { Ok(()) } else { Err(Stop::status(1)) }
                }
            }
        })
    }

    async fn compound(&mut self, command: &CompoundCommand, io: &Io) -> Run {
        match command {
            CompoundCommand::BraceGroup(group) => self.list(&group.list, io).await,
            CompoundCommand::Subshell(subshell) => self.subshell(&subshell.list, io).await,
            CompoundCommand::ForClause(clause) => self.for_loop(clause, io).await,
            CompoundCommand::CaseClause(clause) => self.case(clause, io).await,
            CompoundCommand::IfClause(clause) => self.if_clause(clause, io).await,
            CompoundCommand::WhileClause(clause) => self.while_loop(clause, true, io).await,
            CompoundCommand::UntilClause(clause) => self.while_loop(clause, false, io).await,
            CompoundCommand::Arithmetic(command) => {
                match self.arithmetic(&command.expr.value).await? {
                    0 => Err(Stop::status(1)),
                    _ => Ok(()),
                }
            }
            CompoundCommand::ArithmeticForClause(clause) => {
                if let Some(first) = &clause.initializer {
                    self.arithmetic(&first.value).await?;
                }
                loop {
                    if let Some(condition) = &clause.condition
                        && self.arithmetic(&condition.value).await? == 0
                    {
                        return Ok(());
                    }
                    let ended = self.list(&clause.body.list, io).await;
                    if let Some(end) = self.loop_end(ended) {
                        return end;
                    }
                    if let Some(update) = &clause.updater {
                        self.arithmetic(&update.value).await?;
                    }
                }
            }
            CompoundCommand::Coprocess(_) => Err(Stop::failed(
                "`coproc` is not supported: use `&` and `.wait`",
            )),
        }
    }

    pub(super) async fn subshell(&mut self, list: &CompoundList, io: &Io) -> Run {
        let mut subshell = self.clone();
        match subshell.list(list, io).await {
            Err(Stop::Exit(0) | Stop::Return(0)) => Ok(()),
            Err(Stop::Exit(code) | Stop::Return(code)) => Err(Stop::status(code)),
            result => result,
        }
    }

    async fn for_loop(&mut self, clause: &ForClauseCommand, io: &Io) -> Run {
        let mut values = Vec::new();
        match &clause.values {
            Some(words) => {
                for word in words {
                    values.extend(self.fields(&word.value).await?);
                }
            }
            None => values.clone_from(&self.positional),
        }
        for value in values {
            self.variables.set(&clause.variable_name, value);
            let ended = self.list(&clause.body.list, io).await;
            if let Some(end) = self.loop_end(ended) {
                return end;
            }
        }
        Ok(())
    }

    async fn while_loop(
        &mut self,
        clause: &WhileOrUntilClauseCommand,
        wanted: bool,
        io: &Io,
    ) -> Run {
        loop {
            if self.holds(&clause.0, io).await? != wanted {
                return Ok(());
            }
            let ended = self.list(&clause.1.list, io).await;
            if let Some(end) = self.loop_end(ended) {
                return end;
            }
        }
    }

    /// Whether a list succeeds.
    async fn holds(&mut self, list: &CompoundList, io: &Io) -> Result<bool, Stop> {
        self.lenient += 1;
        let result = self.list(list, io).await;
        self.lenient -= 1;
        match result {
            Ok(()) => Ok(true),
            Err(Stop::Failed(_)) => {
                self.note(&Ok(()));
                Ok(false)
            }
            Err(jump) => Err(jump),
        }
    }

    async fn if_clause(&mut self, clause: &IfClauseCommand, io: &Io) -> Run {
        if self.holds(&clause.condition, io).await? {
            return self.list(&clause.then, io).await;
        }
        for other in clause.elses.iter().flatten() {
            let chosen = match &other.condition {
                Some(condition) => self.holds(condition, io).await?,
                None => true,
            };
            if chosen {
                return self.list(&other.body, io).await;
            }
        }
        Ok(())
    }

    async fn case(&mut self, clause: &CaseClauseCommand, io: &Io) -> Run {
        let value = self.word(&clause.value.value).await?;
        let text = self.text(&value).await?;
        let mut chosen = false;
        for case in &clause.cases {
            for word in &case.patterns {
                if !chosen {
                    let pattern = self.pattern(&word.value).await?;
                    chosen = pattern::matches(&pattern, &text)?;
                }
            }
            if !chosen {
                continue;
            }
            if let Some(list) = &case.cmd {
                self.list(list, io).await?;
            }
            match case.post_action {
                CaseItemPostAction::ExitCase => return Ok(()),
                CaseItemPostAction::UnconditionallyExecuteNextCaseItem => {}
                CaseItemPostAction::ContinueEvaluatingCases => chosen = false,
            }
        }
        Ok(())
    }

    /// Calls a function of the script.
    pub(super) async fn call(&mut self, body: &FunctionBody, args: Vec<Value>, io: &Io) -> Run {
        if self.depth >= MAX_DEPTH {
            return Err(Stop::failed(format!(
                "functions call each other more than {MAX_DEPTH} deep"
            )));
        }
        let io = self.redirected(body.1.as_ref(), io).await?;
        let before = std::mem::replace(&mut self.positional, args);
        self.depth += 1;
        self.variables.enter();
        let result = self.compound(&body.0, &io).await;
        self.variables.leave();
        self.depth -= 1;
        self.positional = before;
        match result {
            Err(Stop::Return(0)) => Ok(()),
            Err(Stop::Return(code)) => Err(Stop::status(code)),
            result => result,
        }
    }

    /// Whether the end of a loop's body is the end of the loop.
    fn loop_end(&self, result: Run) -> Option<Run> {
        match result {
            Ok(()) | Err(Stop::Continue(0 | 1)) => None,
            Err(Stop::Failed(_)) if self.lenient > 0 => None,
            Err(Stop::Break(0 | 1)) => Some(Ok(())),
            Err(Stop::Break(n)) => Some(Err(Stop::Break(n - 1))),
            Err(Stop::Continue(n)) => Some(Err(Stop::Continue(n - 1))),
            Err(stop) => Some(Err(stop)),
        }
    }
}
