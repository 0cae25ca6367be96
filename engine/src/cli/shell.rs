//! `shell`: script files, `-c`, a script on stdin, or a prompt.

use std::io::{IsTerminal, Read};
use std::sync::Arc;

use crate::client::Failure;
use crate::shell::{Place, Shell, interactive};

use super::args;
use super::args::Global;
use super::runtime::{Context, Interrupts, with_engine};

pub fn run(global: &Global, options: args::Shell) -> Result<(), Failure> {
    let mut scripts = Vec::new();
    for file in &options.files {
        let text = std::fs::read_to_string(file);
        scripts.push(
            text.map_err(|e| {
                Failure::new(format!("cannot read script `{}`: {e}", file.display()))
            })?,
        );
    }
    scripts.extend(options.command);
    if scripts.is_empty() && std::io::stdin().is_terminal() {
        return with_engine(global, Interrupts::Own, prompt);
    }
    if scripts.is_empty() {
        let mut text = String::new();
        std::io::stdin()
            .read_to_string(&mut text)
            .map_err(|e| Failure::new(format!("cannot read stdin: {e}")))?;
        scripts.push(text);
    }
    with_engine(
        global,
        Interrupts::End,
        async move |context: Arc<Context>| {
            let place = place(&context).await?;
            for script in scripts {
                shell(&context, place.clone()).script(&script).await?;
            }
            Ok(())
        },
    )
}

async fn prompt(context: Arc<Context>) -> Result<(), Failure> {
    let place = place(&context).await?;
    let history = context.state_dir.join("history");
    let renderer = context.renderer.clone();
    let pause = move |paused| renderer.pause(paused);
    interactive::run(shell(&context, place), &history, &pause).await
}

fn shell(context: &Context, place: Place) -> Shell {
    let modules = !context.global.no_module;
    Shell::new(
        context.engine(),
        place,
        modules,
        context.printer(),
        context.teller(),
    )
}

async fn place(context: &Context) -> Result<Place, Failure> {
    let workdir = &context.workdir;
    Ok(match context.module().await? {
        Some(module) if context.global.module.is_some() => Place::of(module, workdir),
        Some(module) => Place::inside(workdir, module),
        None => Place::plain(workdir),
    })
}
