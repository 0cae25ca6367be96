//! What a shell knows: variables, functions, its place, its last status.

use std::collections::HashMap;
use std::sync::Arc;

use brush_parser::ast::FunctionBody;

use crate::client::{Engine, Failure, Value};

use super::job::Jobs;
use super::output::Printer;
use super::place::Place;
use super::variable::Variables;

/// A shell; its clones are subshells, which share nothing but jobs and output.
#[derive(Clone)]
pub struct Shell {
    pub(super) engine: Arc<dyn Engine>,
    pub(super) variables: Variables,
    pub(super) functions: HashMap<String, Arc<FunctionBody>>,
    /// `$1`, `$2`, …
    pub(super) positional: Vec<Value>,
    /// `$?`
    pub(super) status: i32,
    /// Why the last command failed, if it did.
    pub(super) failure: Option<Failure>,
    /// Greater than 0 in conditions, where failures do not end the script.
    pub(super) lenient: u32,
    pub(super) jobs: Jobs,
    pub(super) last_job: Option<u64>,
    pub(super) place: Place,
    /// Where `.cd` alone goes.
    pub(super) home: Place,
    /// Whether `.cd` looks for modules.
    pub(super) modules: bool,
    pub(super) printer: Printer,
    /// For what is told beside the results.
    pub(super) teller: Printer,
    /// How many functions of the script are under way, one in the other.
    pub(super) depth: u32,
}

impl Shell {
    /// A shell at `place`. Results go to `printer`, remarks to `teller`.
    pub fn new(
        engine: Arc<dyn Engine>,
        place: Place,
        modules: bool,
        printer: Printer,
        teller: Printer,
    ) -> Self {
        Self {
            engine,
            variables: Variables::default(),
            functions: HashMap::new(),
            positional: Vec::new(),
            status: 0,
            failure: None,
            lenient: 0,
            jobs: Jobs::default(),
            last_job: None,
            home: place.clone(),
            place,
            modules,
            printer,
            teller,
            depth: 0,
        }
    }
}
