//! Tasks of this repository, as `cargo xtask …`: one file each.
//!
//! [`setup`] installs what the machine lacks, [`project`] knows where things
//! lie and builds poniard; the tasks stand on both.

mod bench;
mod demo;
mod deny;
mod dist;
mod project;
mod release;
mod setup;
mod test;
mod tools;

use std::process::ExitCode;

use clap::Parser;

use crate::project::Project;

/// Tasks of this repository.
#[derive(Parser)]
#[command(bin_name = "cargo xtask", disable_help_subcommand = true)]
enum Task {
    Demo(demo::Demo),
    Test(test::Test),
    Tools(tools::Tools),
    Bench(bench::Bench),
    Release(release::Release),
    Dist(dist::Dist),
}

fn main() -> ExitCode {
    let task = Task::parse();
    let done = Project::here().and_then(|project| match task {
        Task::Demo(task) => task.run(&project),
        Task::Test(task) => task.run(&project),
        Task::Tools(task) => task.run(&project),
        Task::Bench(task) => task.run(&project),
        Task::Release(task) => task.run(&project),
        Task::Dist(task) => task.run(&project),
    });
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
