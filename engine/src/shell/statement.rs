//! Lists, `&&` and `||`, pipelines.

use brush_parser::ast::{AndOr, AndOrList, CompoundList, Pipeline, Program, SeparatorOperator};
use futures::future::BoxFuture;

use crate::client::Failure;

use super::output::Io;
use super::state::Shell;
use super::stop::{Run, Stop};

impl Shell {
    pub(super) async fn program(&mut self, program: &Program, io: &Io) -> Run {
        let mut last = Ok(());
        for list in &program.complete_commands {
            last = self.list(list, io).await;
            if let Err(stop) = &last
                && !self.goes_on(stop)
            {
                return last;
            }
        }
        // What was the last part of an `&&` list left its status only.
        match self.status {
            0 => last,
            code => Err(Stop::Failed(
                self.failure
                    .clone()
                    .unwrap_or_else(|| Failure::silent(code)),
            )),
        }
    }

    /// Commands one after the other; the first failure ends them, but for those
    /// in conditions.
    pub(super) fn list<'a>(&'a mut self, list: &'a CompoundList, io: &'a Io) -> BoxFuture<'a, Run> {
        Box::pin(async move {
            let mut last = Ok(());
            for item in &list.0 {
                if matches!(item.1, SeparatorOperator::Async) {
                    self.background(item.0.clone(), io);
                    self.note(&Ok(()));
                    continue;
                }
                last = self.and_or(&item.0, io).await;
                if let Err(stop) = &last
                    && !self.goes_on(stop)
                {
                    return last;
                }
            }
            last
        })
    }

    fn goes_on(&self, stop: &Stop) -> bool {
        self.lenient > 0 && matches!(stop, Stop::Failed(_))
    }

    pub(super) async fn and_or(&mut self, list: &AndOrList, io: &Io) -> Run {
        let last = list.additional.len();
        let mut ran = 0;
        let mut bang = list.first.bang;
        let mut result = self.tested(&list.first, io, last > 0).await;
        for (i, next) in list.additional.iter().enumerate() {
            let (pipeline, wanted) = match next {
                AndOr::And(pipeline) => (pipeline, true),
                AndOr::Or(pipeline) => (pipeline, false),
            };
            match &result {
                Ok(()) if wanted => {}
                Err(Stop::Failed(_)) if !wanted => {}
                Ok(()) | Err(Stop::Failed(_)) => continue,
                Err(_) => return result,
            }
            ran = i + 1;
            bang = pipeline.bang;
            result = self.tested(pipeline, io, ran < last).await;
        }
        match result {
            // As in bash: only the last part of the list ends the script, and `!` never.
            Err(Stop::Failed(_)) if (ran < last || bang) && self.lenient == 0 => Ok(()),
            result => result,
        }
    }

    async fn tested(&mut self, pipeline: &Pipeline, io: &Io, condition: bool) -> Run {
        // The failure of a condition is an answer.
        let lenient = u32::from(condition || pipeline.bang);
        self.lenient += lenient;
        let result = self.pipeline(pipeline, io).await;
        self.lenient -= lenient;
        result
    }

    async fn pipeline(&mut self, pipeline: &Pipeline, io: &Io) -> Run {
        let mut result = self.stages(pipeline, io).await;
        if pipeline.bang {
            result = match result {
                Ok(()) => Err(Stop::status(1)),
                Err(Stop::Failed(_)) => Ok(()),
                jump => jump,
            };
        }
        self.note(&result);
        result
    }

    /// Each stage but the last runs in a subshell, and gives its value on.
    async fn stages(&mut self, pipeline: &Pipeline, io: &Io) -> Run {
        let Some((last, before)) = pipeline.seq.split_last() else {
            return Ok(());
        };
        let mut io = io.clone();
        for stage in before {
            let (keeping, kept) = io.kept();
            let mut subshell = self.clone();
            match subshell.command(stage, &keeping).await {
                Err(Stop::Exit(0)) | Ok(()) => {}
                Err(Stop::Exit(code)) => return Err(Stop::status(code)),
                Err(stop) => return Err(stop),
            }
            io = io.with_input(Some(kept.value()));
        }
        self.command(last, &io).await
    }

    /// Sets `$?`.
    pub(super) fn note(&mut self, result: &Run) {
        match result {
            Ok(()) => {
                self.status = 0;
                self.failure = None;
            }
            Err(Stop::Failed(failure)) => {
                self.status = failure.code;
                self.failure = Some(failure.clone());
            }
            Err(_) => {}
        }
    }
}
