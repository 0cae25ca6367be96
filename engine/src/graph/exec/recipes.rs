//! Runs the steps of image recipes.

use std::path::PathBuf;
use std::sync::Arc;

use eyre::Result;

use super::text;
use crate::exec::{Bind, Executor, Process};
use crate::graph::Failure;
use crate::graph::engine::{blocking, shown};
use crate::graph::gate::Gate;
use crate::image::{Image, RecipeRunner};
use crate::net::Network;
use crate::progress::Progress;
use crate::store::{Digest, Snapshot, Store};

/// Runs the steps of image recipes.
pub struct Recipes {
    pub gate: Arc<Gate>,
    pub store: Arc<Store>,
    pub executor: Arc<Executor>,
    pub network: Arc<Network>,
}

#[async_trait::async_trait]
impl RecipeRunner for Recipes {
    async fn run(
        &self,
        base: &Image,
        script: &std::path::Path,
        args: &[String],
        inputs: &std::path::Path,
        caches: &[(PathBuf, PathBuf)],
        id: Digest,
        progress: &Progress,
    ) -> Result<Snapshot> {
        let turn = self.executor.turn().await?;
        let root = self.store.mount_rw(&base.rootfs)?;
        let mut binds = vec![Bind {
            source: inputs.to_owned(),
            target: "/recipe".into(),
            read_only: true,
        }];
        binds.extend(caches.iter().map(|(source, target)| Bind {
            source: source.clone(),
            target: target.clone(),
            read_only: false,
        }));
        let mut command: Vec<String> = vec![
            "sh".into(),
            "-eu".into(),
            format!("/recipe/{}", script.display()),
        ];
        command.extend(args.iter().cloned());
        let span = progress.start(format!("recipe {}", shown(&command[2..])));
        let process = Process {
            args: command.clone(),
            env: base.config.env.clone(),
            cwd: "/".into(),
            user: String::new(),
            rootfs: root.path().to_owned(),
            binds,
            temps: Vec::new(),
            files: Vec::new(),
            stdin: Vec::new(),
            scrub: Vec::new(),
            hosts: Vec::new(),
            privileged: false,
            gpus: Vec::new(),
            no_init: false,
            attachment: self.network.attach().await?,
            hostname: "recipe".to_owned(),
            hosts_file: None,
            turn: Some(turn),
        };
        let output = self.gate.pass(self.executor.run(process, &span)).await?;
        if output.code != 0 {
            return Err(Failure::exec(
                &command,
                output.code,
                &text(&output.stdout),
                &text(&output.stderr),
            )
            .into());
        }
        blocking(move || root.commit(id)).await
    }
}
