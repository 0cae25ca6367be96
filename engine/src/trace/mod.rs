//! What a run did, kept for whoever asks afterwards.
//!
//! Events of [`crate::progress`] come in → [`record`] keeps them within bounds,
//! with the end of each step's output in a [`log`] → at the end, however the run
//! ends, [`page`] makes one HTML file of it. [`otlp`] sends the same steps as
//! spans to a collector while the run goes on; [`ids`] names them.

pub mod ids;
mod log;
pub mod otlp;
mod page;
mod record;

#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use eyre::{Result, WrapErr};

use crate::progress::Event;
use crate::replace::replace;
pub use ids::Context;
use record::Record;

/// How a run ended.
#[derive(Clone, Debug, PartialEq)]
pub enum Ended {
    Well,
    Failed(String),
    Interrupted,
}

/// What is known of a run besides its steps.
#[derive(Debug)]
pub struct Run {
    /// As it was called.
    title: String,
    started: SystemTime,
    context: Arc<Context>,
    ended: Option<Ended>,
}

impl Run {
    fn started_millis(&self) -> u64 {
        let since = self.started.duration_since(UNIX_EPOCH).unwrap_or_default();
        u64::try_from(since.as_millis()).unwrap_or_default()
    }
}

/// Keeps a run's steps; cheap to clone.
#[derive(Clone)]
pub struct Trace(Arc<Mutex<Kept>>);

struct Kept {
    run: Run,
    record: Record,
    file: Option<PathBuf>,
    /// Numbers of steps that have ended, for a collector.
    unsent: Vec<u64>,
    /// What users should know of the trace itself.
    remarks: Vec<String>,
}

impl Trace {
    /// `file` is where the page is written to; a directory gets one with a name
    /// of its own.
    ///
    /// # Errors
    /// When there cannot be such a file.
    pub fn begin(title: String, context: Arc<Context>, file: Option<&Path>) -> Result<Self> {
        let run = Run {
            title,
            started: SystemTime::now(),
            context,
            ended: None,
        };
        let file = file
            .map(|path| place(path, run.started, &run.context))
            .transpose()?;
        Ok(Self(Arc::new(Mutex::new(Kept {
            run,
            record: Record::default(),
            file,
            unsent: Vec::new(),
            remarks: Vec::new(),
        }))))
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn event(&self, event: &Event) {
        let mut kept = self.kept();
        kept.record.event(event);
        if let Event::Finished { span, .. } = event {
            kept.unsent.push(*span);
        }
    }

    /// Spans of what has ended since; at the end of everything, and of the run.
    fn unsent(&self, last: bool) -> Vec<otlp::Sent> {
        let mut kept = self.kept();
        let numbers = std::mem::take(&mut kept.unsent);
        let spans = otlp::Spans::of(&kept.run);
        let now = kept.record.elapsed();
        let steps = numbers
            .iter()
            .filter_map(|number| kept.record.step(*number));
        let mut sent: Vec<_> = steps.map(|step| spans.step(step, now)).collect();
        if last {
            let open = kept.record.steps().iter().filter(|step| step.end.is_none());
            sent.extend(open.map(|step| spans.step(step, now)));
            sent.push(spans.run(now));
        }
        sent
    }

    /// Takes back what could not be sent.
    fn unsend(&self, spans: &[otlp::Sent]) {
        let numbers = spans.iter().map(|sent| sent.number);
        self.kept().unsent.extend(numbers);
    }

    fn tell(&self, remark: String) {
        self.kept().remarks.push(remark);
    }

    /// Takes what users should know of the trace itself.
    pub fn remarks(&self) -> Vec<String> {
        std::mem::take(&mut self.kept().remarks)
    }

    /// Says how the run ends. What is told later still counts.
    pub fn end(&self, ended: Ended) {
        self.kept().run.ended = Some(ended);
    }

    /// Writes the page if it is wanted; says where it is.
    pub fn write(&self) -> Result<Option<PathBuf>> {
        let kept = self.kept();
        let Some(file) = &kept.file else {
            return Ok(None);
        };
        let text = page::page(&kept.run, &kept.record);
        replace(file, text)
            .wrap_err_with(|| format!("cannot write the trace `{}`", file.display()))?;
        Ok(Some(file.clone()))
    }
}

/// The file, with the directories above it.
fn place(path: &Path, started: SystemTime, context: &Context) -> Result<PathBuf> {
    let is_dir = path.is_dir() || path.as_os_str().as_encoded_bytes().ends_with(b"/");
    let file = if is_dir {
        let at = chrono::DateTime::<chrono::Utc>::from(started).format("%Y%m%d-%H%M%S");
        path.join(format!(
            "poniard-{at}-{}.html",
            ids::hex(&context.span(ids::RUN))
        ))
    } else {
        path.to_owned()
    };
    let file = std::path::absolute(&file).unwrap_or(file);
    let dir = file.parent().unwrap_or(Path::new("/"));
    std::fs::create_dir_all(dir).wrap_err_with(|| {
        format!(
            "cannot make the directory `{}` for the trace",
            dir.display()
        )
    })?;
    Ok(file)
}
