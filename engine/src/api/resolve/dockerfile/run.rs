//! `RUN`, with its mounts.

use std::collections::HashMap;

use eyre::{Result, bail, eyre};
use parse_dockerfile::{Command, RunInstruction};
use serde_json::json;

use super::node;
use super::stage::{Stage, flag_of};
use crate::graph::Object;

impl Stage<'_, '_> {
    pub(super) async fn run(&mut self, run: &RunInstruction<'_>) -> Result<()> {
        let mut mounts = Vec::new();
        let mut privileged = false;
        for flag in &run.options {
            match flag_of(flag) {
                ("mount", text) => mounts.push(self.mount(&self.expand(text)).await?),
                ("security", "insecure") => privileged = true,
                ("network", "default") | ("security", "sandbox") => {}
                (name, value) => bail!("`RUN --{name}={value}` is not implemented in poniard"),
            }
        }
        let (args, stdin) = match (&run.arguments, run.here_docs.first()) {
            (Command::Shell(rest), Some(script)) if rest.value.trim().is_empty() => {
                (self.in_shell(&script.value), "")
            }
            (command, script) => {
                let stdin = script.map_or("", |script| &script.value);
                (self.command(command), stdin)
            }
        };
        // Arguments are variables of the command, and of no image.
        let mut lent = Vec::new();
        for (name, value) in self.args.clone() {
            let set = match &self.container.object {
                Object::Container(container) => container.env(&name).is_some(),
                _ => false,
            };
            if !set {
                self.with("withEnvVariable", json!({"name": name, "value": value}))
                    .await?;
                lent.push(name);
            }
        }
        let exec = json!({
            "args": args, "stdin": stdin, "noInit": self.build.no_init, "insecureRootCapabilities": privileged,
        });
        self.with("withExec", exec).await?;
        for name in lent {
            self.with("withoutEnvVariable", json!({"name": name}))
                .await?;
        }
        for (field, args) in mounts {
            self.with(field, args).await?;
        }
        Ok(())
    }

    /// Mounts something; gives the call that takes it away.
    async fn mount(&mut self, text: &str) -> Result<(&'static str, serde_json::Value)> {
        let client = &self.build.client;
        let options: HashMap<&str, &str> = text
            .split(',')
            .map(|pair| pair.split_once('=').unwrap_or((pair, "true")))
            .collect();
        let first = |names: &[&str]| names.iter().find_map(|name| options.get(name).copied());
        let target = first(&["target", "dst", "destination"]);
        let source = first(&["source", "src"]).unwrap_or(".");
        let need = || target.ok_or_else(|| eyre!("`RUN --mount={text}`: expected `target=…`"));
        let away = |path: &str| ("withoutMount", json!({"path": path}));
        let done = match options.get("type").copied().unwrap_or("bind") {
            "cache" => {
                let key = first(&["id"]).map_or_else(need, Ok)?;
                let volume = node(client, None, "cacheVolume", json!({"key": key})).await?;
                let sharing = first(&["sharing"]).unwrap_or("shared").to_uppercase();
                let args =
                    json!({"path": need()?, "cache": volume.id.to_string(), "sharing": sharing});
                self.with("withMountedCache", args).await?;
                away(need()?)
            }
            "tmpfs" => {
                self.with("withMountedTemp", json!({"path": need()?}))
                    .await?;
                away(need()?)
            }
            "bind" => {
                let from = match options.get("from") {
                    Some(stage) => self.files_of(stage).await?,
                    None => self.build.context.clone(),
                };
                let there = json!({"path": source, "expectedType": "DIRECTORY_TYPE"});
                let is_dir = super::ask(client, Some(&from), "exists", there).await?;
                let is_dir = matches!(
                    is_dir,
                    crate::graph::Value::Json(serde_json::Value::Bool(true))
                );
                let (take, put) = match is_dir {
                    true => ("directory", "withMountedDirectory"),
                    false => ("file", "withMountedFile"),
                };
                let taken = node(client, Some(&from), take, json!({"path": source})).await?;
                self.with(
                    put,
                    json!({"path": need()?, "source": taken.id.to_string()}),
                )
                .await?;
                away(need()?)
            }
            "secret" => {
                let id = first(&["id"]).or(first(&["source", "src"]));
                let id = id.ok_or_else(|| eyre!("`RUN --mount={text}`: expected `id=…`"))?;
                let secret = self.build.secret(id)?.id.to_string();
                if let Some(name) = first(&["env"]) {
                    let args = json!({"name": name, "secret": secret});
                    self.with("withSecretVariable", args).await?;
                    return Ok(("withoutSecretVariable", json!({"name": name})));
                }
                let path = target.map_or_else(|| format!("/run/secrets/{id}"), str::to_owned);
                self.with("withMountedSecret", json!({"path": path, "source": secret}))
                    .await?;
                away(&path)
            }
            "ssh" => {
                let socket = self.build.ssh.as_ref();
                let socket = socket.ok_or_else(|| eyre!("`RUN --mount=type=ssh`: give `ssh`"))?;
                let path = target.unwrap_or("/run/buildkit/ssh_agent.0");
                let args = json!({"path": path, "source": socket.id.to_string()});
                self.with("withUnixSocket", args).await?;
                away(path)
            }
            other => bail!("`RUN --mount=type={other}` is not implemented in poniard"),
        };
        Ok(done)
    }
}
