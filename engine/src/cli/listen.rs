//! `listen`: a session for programs on other machines.
//!
//! As `dagger listen`, with one difference: without a token in
//! `DAGGER_SESSION_TOKEN` nothing is served, because who reaches the engine can do
//! what the user of this program can.

use std::sync::Arc;

use crate::client::Failure;
use crate::progress::Mode;

use super::args;
use super::args::Global;
use super::runtime::{Context, Interrupts, with_engine};

const TOKEN: &str = "DAGGER_SESSION_TOKEN";
/// Shorter ones can be guessed.
const TOKEN_CHARS: usize = 16;

/// Serves until a signal comes.
pub fn run(global: &Global, options: &args::Listen) -> Result<(), Failure> {
    let token = std::env::var(TOKEN).unwrap_or_default();
    if token.len() < TOKEN_CHARS {
        return Err(Failure::new(format!(
            "whoever can connect would be let in: set {TOKEN} to a secret of at least {TOKEN_CHARS} characters, such as one of `openssl rand -hex 16`"
        )));
    }
    let address = options.listen.trim_start_matches("tcp://").to_owned();
    let mut global = global.clone();
    if global.progress == Mode::Auto {
        global.progress = Mode::Plain;
    }
    with_engine(
        &global,
        Interrupts::End,
        async move |context: Arc<Context>| {
            context.module().await?;
            let address = context
                .session
                .listen(&address, token)
                .await
                .map_err(|e| Failure::new(format!("cannot listen at `{address}`: {e}")))?;
            let told = format!("==> server listening on http://{address}/query\n");
            context.teller()(&told)?;
            std::future::pending().await
        },
    )
}
