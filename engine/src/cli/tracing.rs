//! The trace of a run: what is asked for, and its end.

use std::sync::Arc;

use tokio::sync::oneshot;

use crate::client::Failure;
use crate::progress::{Event, Progress, Renderer};
use crate::trace::otlp::Exporter;
use crate::trace::{Context, Ended, Trace};

use super::args::Global;

/// Cheap to clone; does nothing when no trace is wanted.
#[derive(Clone)]
pub struct Tracing {
    trace: Option<Trace>,
    /// For programs of the run, when somebody collects their spans.
    context: Option<Arc<Context>>,
    is_silent: bool,
}

impl Tracing {
    /// What the flags and the environment ask for.
    pub fn begin(global: &Global) -> Result<(Self, Option<Exporter>), Failure> {
        let variable = |name: &str| std::env::var(name).ok();
        let exporter = Exporter::from_variables(&variable)
            .map_err(|error| Failure::new(format!("{error:#}")))?;
        let traceparent = variable("TRACEPARENT").filter(|text| !text.is_empty());
        let context = Context::new(traceparent.as_deref(), variable("TRACESTATE").as_deref());
        // Whoever began the trace has decided that nobody collects it.
        let exporter = exporter.filter(|_| context.sampled);
        let file = global.trace.as_deref();
        let file = file.filter(|file| !file.as_os_str().is_empty());
        let context = Arc::new(context);
        let trace = match (file, &exporter) {
            (None, None) => None,
            _ => Some(
                Trace::begin(title(), context.clone(), file)
                    .map_err(|error| Failure::new(format!("{error:#}")))?,
            ),
        };
        let is_collected = exporter.is_some() || traceparent.is_some();
        let tracing = Self {
            trace,
            context: is_collected.then_some(context),
            is_silent: global.silent,
        };
        Ok((tracing, exporter))
    }

    /// Events for both the trace and the terminal.
    pub fn progress(&self, renderer: &Renderer) -> Progress {
        let shown = renderer.clone();
        let progress = match self.trace.clone() {
            Some(trace) => Progress::new(move |event: Event| {
                trace.event(&event);
                shown.event(event);
            }),
            None => renderer.progress(),
        };
        progress.in_trace(self.context.clone())
    }

    /// The value of `TRACEPARENT` for a program that the run is made for.
    pub fn traceparent(&self) -> Option<String> {
        let context = self.context.as_ref()?;
        Some(context.traceparent(crate::trace::ids::RUN))
    }

    /// Says how the run ends. One that is interrupted may not live to tell more.
    pub fn end(&self, result: &Result<(), Failure>) {
        let Some(trace) = &self.trace else { return };
        trace.end(match result {
            Ok(()) => Ended::Well,
            Err(failure) if failure.is_interruption() => Ended::Interrupted,
            Err(failure) => Ended::Failed(failure.report()),
        });
        if result.is_err() {
            // Written again at the end, where a failure is told.
            let _ = trace.write();
        }
    }

    /// Writes the page; tells where it is.
    pub fn close(&self, renderer: &Renderer) {
        let Some(trace) = &self.trace else { return };
        let mut told = trace.remarks();
        match trace.write() {
            Ok(Some(file)) => told.push(format!("trace: {}", file.display())),
            Ok(None) => {}
            Err(error) => told.push(format!("{error:#}")),
        }
        if !self.is_silent {
            for text in told {
                // A closed stderr must not end the work.
                renderer.suspend(&mut || {
                    let _ = std::io::Write::write_all(
                        &mut std::io::stderr(),
                        format!("{text}\n").as_bytes(),
                    );
                });
            }
        }
    }

    /// Sends spans until the end is told; what is given back then waits for the rest.
    pub fn export(&self, exporter: Option<Exporter>) -> Export {
        let (Some(trace), Some(exporter)) = (self.trace.clone(), exporter) else {
            return Export(None);
        };
        let (stop, stopped) = oneshot::channel();
        let task = tokio::spawn(async move { exporter.run(&trace, stopped).await });
        Export(Some((stop, task)))
    }
}

/// Spans under way to a collector.
pub struct Export(Option<(oneshot::Sender<()>, tokio::task::JoinHandle<()>)>);

impl Export {
    pub async fn finish(self) {
        if let Some((stop, task)) = self.0 {
            let _ = stop.send(());
            // A collector is no reason to fail.
            let _ = task.await;
        }
    }
}

/// The words of the command line, as a shell would take them.
fn title() -> String {
    let words = std::env::args_os().skip(1);
    let words = words.map(|word| quoted(&word.to_string_lossy()));
    let line = std::iter::once("poniard".to_owned()).chain(words);
    line.collect::<Vec<_>>().join(" ")
}

fn quoted(word: &str) -> String {
    let is_plain = |c: char| c.is_alphanumeric() || "-_./:=@,+%".contains(c);
    if !word.is_empty() && word.chars().all(is_plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_quoted_when_a_shell_would_split_them() {
        for (word, want) in [
            ("--name=x", "--name=x"),
            ("", "''"),
            ("it's one", r"'it'\''s one'"),
        ] {
            assert_eq!(quoted(word), want);
        }
    }
}
