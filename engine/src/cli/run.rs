//! `run`: a program that uses the engine as an API client.

use std::os::unix::process::ExitStatusExt;
use std::sync::Arc;

use crate::client::Failure;
use crate::progress::Mode;

use super::args;
use super::args::Global;
use super::runtime::{Context, Interrupts, with_engine};

pub fn run(global: &Global, options: args::Run) -> Result<(), Failure> {
    let mut global = global.clone();
    // The terminal belongs to the program.
    if global.progress == Mode::Auto {
        global.progress = Mode::Plain;
    }
    with_engine(
        &global,
        Interrupts::End,
        async move |context: Arc<Context>| {
            let (port, token) = context.session.serve().await?;
            let Some((program, args)) = options.program.split_first() else {
                return Err(Failure::new("`run` wants a program"));
            };
            let mut command = tokio::process::Command::new(program);
            command
                .args(args)
                .current_dir(&context.workdir)
                .kill_on_drop(true);
            command
                .env("DAGGER_SESSION_PORT", port.to_string())
                .env("DAGGER_SESSION_TOKEN", token)
                // One trace has one file.
                .env_remove("PONIARD_TRACE");
            if let Some(traceparent) = &context.traceparent {
                command.env("TRACEPARENT", traceparent);
            }
            let failed = |e: std::io::Error| Failure {
                code: if e.kind() == std::io::ErrorKind::NotFound {
                    127
                } else {
                    126
                },
                ..Failure::new(format!("cannot run `{}`: {e}", program.to_string_lossy()))
            };
            let status = command.spawn().map_err(failed)?.wait().await?;
            match status.code().or_else(|| Some(128 + status.signal()?)) {
                Some(0) => Ok(()),
                code => Err(Failure::silent(code.unwrap_or(1))),
            }
        },
    )
}
