//! The components in `templates/`, as gitlab-ci-local renders them and runs
//! their jobs with the shell executor.
//!
//! [`project`] is a repository that includes components, and its pipelines;
//! [`cli`] is a CLI that does not do what it is told.

mod cli;
mod project;

mod backup;
mod bare;
mod honesty;
mod lambda_commits;
mod php_lambda;
mod rendering;
mod reports;
mod rules;
mod shells;
mod website;
