//! Runs a module's program for one call.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use eyre::Result;
use serde_json::Value as Json;

use super::Invocation;
use crate::api::client::Client;
use crate::api::reads::Reads;
use crate::api::server;
use crate::exec::{Bind, Process};
use crate::graph::Failure;
use crate::graph::exec::traceparent;
use crate::module::{Module, build};
use crate::progress::{Current, Waited};
use crate::store::Store;

/// Where a module's program runs.
pub const WORKDIR: &str = "/scratch";

/// The call that a module's program answers.
pub struct ActiveCall {
    pub module: Arc<Module>,
    /// Empty for the constructor.
    pub function: String,
    pub object: String,
    pub parent: Json,
    pub args: Vec<(String, Json)>,
    /// The program's root file system on the host.
    pub root: PathBuf,
    pub result: Mutex<Option<Result<Json, Failure>>>,
    /// Whose part is what the program asks for.
    pub asks: Current,
}

impl ActiveCall {
    /// Takes what the program answers; an error is not taken back by a value.
    pub fn answer(&self, result: Result<Json, Failure>) {
        let mut slot = self
            .result
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner());
        if !matches!(*slot, Some(Err(_))) {
            *slot = Some(result);
        }
    }

    fn take(&self) -> Option<Result<Json, Failure>> {
        self.result
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner())
            .take()
    }
}

/// Runs the module's program for one call.
pub(super) async fn run(
    client: &Arc<Client>,
    invocation: &Invocation,
    reads: Reads,
) -> Result<Json> {
    let Invocation {
        module,
        object,
        doc,
        parent,
        inputs,
    } = invocation;
    let engine = client.engine();
    let asked = Instant::now();
    // The call waits for its program; its network, made meanwhile, is work of its own.
    let begun = async {
        let binary = build::binary(engine, module).await?;
        let waited = Waited {
            inputs: asked.elapsed(),
            ..Waited::default()
        };
        let span = engine.progress.start_after(waited, invocation.title());
        Ok((binary, span))
    };
    let ((binary, span), attachment) = tokio::try_join!(begun, engine.network.attach())?;
    let root = engine.store.mount_rw(&Store::scratch())?;
    let call = ActiveCall {
        module: module.clone(),
        function: doc.name.clone(),
        object: object.clone(),
        parent: parent.clone(),
        args: inputs.clone(),
        root: root.path().to_owned(),
        result: Mutex::new(None),
        asks: span.current(),
    };
    let inner = Client::of_module(client.shared.clone(), call, reads).await?;
    let listener = engine.network.listen_in(&attachment).await?;
    let port = listener.local_addr()?.port();
    let server = server::serve(listener, inner.clone());
    let env = [
        ("DAGGER_SESSION_PORT", port.to_string()),
        ("DAGGER_SESSION_TOKEN", server.token.clone()),
        ("HOME", "/root".to_owned()),
    ];
    let process = Process {
        args: vec!["/runtime".to_owned()],
        env: env
            .map(|(name, value)| (name.to_owned(), value))
            .into_iter()
            .chain(traceparent(&span))
            .collect(),
        cwd: PathBuf::from(WORKDIR),
        user: String::new(),
        rootfs: root.path().to_owned(),
        binds: vec![Bind {
            source: binary,
            target: "/runtime".into(),
            read_only: true,
        }],
        temps: vec![("/tmp".into(), None)],
        files: Vec::new(),
        stdin: Vec::new(),
        scrub: vec![server.token.clone().into_bytes()],
        hosts: Vec::new(),
        privileged: false,
        gpus: Vec::new(),
        no_init: false,
        attachment,
        hostname: module.name.clone(),
        hosts_file: Some(engine.hosts.clone()),
        turn: Some(engine.executor.turn().await?),
    };
    let output = engine
        .gate
        .pass(engine.executor.run(process, &span))
        .await?;
    drop(server);
    let answered = inner.call.as_ref().and_then(ActiveCall::take);
    let result = match answered {
        Some(result) => result,
        None if output.code == 0 => Err(Failure::new(format!(
            "function `{}` completed without returning a value",
            doc.name
        ))),
        None => {
            let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
            let message = format!("call function `{}`: exit code: {}", doc.name, output.code);
            let args = ["/runtime".to_owned()];
            Err(Failure::with_exec(
                message,
                &args,
                output.code,
                &text(&output.stdout),
                &text(&output.stderr),
            ))
        }
    };
    match result {
        Ok(value) => {
            span.finish();
            Ok(value)
        }
        Err(failure) => {
            span.fail(&failure.message);
            Err(failure.into())
        }
    }
}
