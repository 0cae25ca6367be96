//! The components in `templates/`, as gitlab-ci-local renders them and runs
//! their jobs with the shell executor.
//!
//! [`project`] is a repository that includes components, and its pipelines.

mod bare;
mod cli;
mod project;

mod honesty;
mod rendering;
mod rules;
mod shells;
mod website;
