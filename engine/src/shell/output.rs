//! Where a command reads from and writes to.

use std::sync::{Arc, Mutex, PoisonError};

use crate::client::{Piece, Value, query};

use super::redirect;
use super::state::Shell;
use super::stop::{Run, Stop};

/// Writes text somewhere, at once.
pub type Printer = Arc<dyn Fn(&str) -> std::io::Result<()> + Send + Sync>;

/// Input and output of a command.
#[derive(Clone)]
pub struct Io {
    input: Arc<Mutex<Option<Value>>>,
    output: Output,
}

#[derive(Clone)]
enum Output {
    /// Chains are evaluated and printed.
    Print(Printer),
    /// A file, and who hears that a chain was not evaluated.
    File(Printer, Printer),
    /// Chains are kept as they are.
    Keep(Arc<Mutex<Value>>),
}

impl Io {
    /// Without input, and printing.
    pub fn print(printer: Printer) -> Self {
        Self {
            input: Arc::default(),
            output: Output::Print(printer),
        }
    }

    /// The same input, with the output kept.
    pub fn kept(&self) -> (Self, Kept) {
        let kept = Kept(Arc::default());
        (
            Self {
                input: self.input.clone(),
                output: Output::Keep(kept.0.clone()),
            },
            kept,
        )
    }

    /// The same output, with another input.
    pub fn with_input(&self, input: Option<Value>) -> Self {
        Self {
            input: Arc::new(Mutex::new(input)),
            output: self.output.clone(),
        }
    }

    /// The same input, with another printer.
    pub fn with_printer(&self, printer: Printer) -> Self {
        Self {
            input: self.input.clone(),
            output: Output::Print(printer),
        }
    }

    /// The same input, with the output to a file; `teller` is for warnings.
    pub fn with_file(&self, file: Printer, teller: Printer) -> Self {
        Self {
            input: self.input.clone(),
            output: Output::File(file, teller),
        }
    }

    /// The input, for the first who asks.
    pub fn take_input(&self) -> Option<Value> {
        let input = self
            .input
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        input.filter(|value| !value.0.is_empty())
    }

    /// Whether anybody could still take an input.
    pub fn has_input(&self) -> bool {
        let input = self.input.lock().unwrap_or_else(PoisonError::into_inner);
        input.as_ref().is_some_and(|value| !value.0.is_empty())
    }
}

/// Output that was kept.
pub struct Kept(Arc<Mutex<Value>>);

impl Kept {
    pub fn value(self) -> Value {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Shell {
    /// Writes a value.
    pub async fn emit(&self, io: &Io, value: Value) -> Run {
        match &io.output {
            Output::Keep(kept) => {
                kept.lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .extend(value);
                Ok(())
            }
            Output::File(file, teller) => {
                let failed = |e| Stop::failed(format!("cannot write to the file: {e}"));
                for piece in value.0 {
                    match piece {
                        Piece::Text(text) => file(&text).map_err(failed)?,
                        Piece::Chain(chain) => {
                            file(&redirect::token(&chain.document(None))).map_err(failed)?;
                            let text = "a redirect does not evaluate a pipeline: use `export` to write its result\n";
                            teller(text).map_err(failed)?;
                        }
                    }
                }
                Ok(())
            }
            Output::Print(printer) => {
                for piece in value.0 {
                    let text = match piece {
                        Piece::Text(text) => text,
                        Piece::Chain(chain) => query::printed(&*self.engine, &chain).await?,
                    };
                    printer(&text)
                        .map_err(|e| Stop::failed(format!("cannot write the output: {e}")))?;
                }
                Ok(())
            }
        }
    }

    pub async fn emit_text(&self, io: &Io, text: impl Into<String>) -> Run {
        self.emit(io, Value::text(text)).await
    }

    /// The text of a value; evaluates what is in it.
    pub async fn text(&self, value: &Value) -> Result<String, Stop> {
        Ok(query::text(&*self.engine, value).await?)
    }
}
