//! Checks, generators and services: functions of modules that commands find by
//! themselves.

use std::sync::Arc;

use super::node::Changeset;
use super::{Failure, Service};
use crate::module::Module;

/// What a function was declared as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Check,
    Generator,
    /// A generator that passes as a check when it has nothing to change.
    GeneratorCheck,
    Up,
}

/// A function without required arguments, and how it went.
#[derive(Clone)]
pub struct Task {
    pub kind: Kind,
    pub module: Arc<Module>,
    /// Its name in parts; the module's is the first where there are several.
    pub path: Vec<String>,
    /// Fields that lead to it from the module's main object.
    pub fields: Vec<String>,
    /// The object that it gives, if it gives one.
    pub gives: Option<String>,
    pub description: String,
    /// (port of the host, port of the service), where not the same.
    pub ports: Vec<(u16, u16)>,
    /// None before it is run.
    pub outcome: Option<Result<Done, Failure>>,
}

/// What a function gave.
#[derive(Clone)]
pub enum Done {
    Passed,
    Changes(Box<Changeset>),
    Service(Arc<Service>),
}
