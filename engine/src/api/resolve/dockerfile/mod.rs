//! `Directory.dockerBuild`: a Dockerfile's instructions as calls of the API, so
//! that what they make is known, kept and shared like any other container.
//!
//! [`words`] reads texts with variables, [`stage`] carries out a stage.

mod run;
mod stage;
pub(crate) mod words;

use std::collections::HashMap;
use std::sync::Arc;

use eyre::{Result, WrapErr, bail, eyre};
use parse_dockerfile::Dockerfile;
use serde::Deserialize;
use serde_json::{Value as Json, json};

use crate::api::client::Client;
use crate::graph::node::Answer;
use crate::graph::{Args, Node, Object, Value};
use crate::image::host_platform;
use stage::Stage;

#[derive(Deserialize)]
struct BuildArg {
    name: String,
    value: String,
}

/// A build under way.
struct Build<'t> {
    client: Arc<Client>,
    /// The directory, without what `.dockerignore` names.
    context: Arc<Node>,
    file: Dockerfile<'t>,
    /// Those of the caller, and of before the first stage.
    args: HashMap<String, String>,
    global: HashMap<String, String>,
    platform: String,
    secrets: Vec<Arc<Node>>,
    ssh: Option<Arc<Node>>,
    no_init: bool,
}

pub async fn build(client: &Arc<Client>, this: &Arc<Node>, args: &Args) -> Result<Answer> {
    let path = match args.text("dockerfile")? {
        path if path.is_empty() => "Dockerfile".to_owned(),
        path => path,
    };
    let text = contents(client, this, &path).await?;
    let text = text.ok_or_else(|| eyre!("`{path}`: no such file or directory"))?;
    let file = parse_dockerfile::parse(&text).map_err(|error| eyre!("`{path}`: {error}"))?;
    let given: Vec<BuildArg> = args.opt("buildArgs")?.unwrap_or_default();
    let platform = match args.text("platform")? {
        platform if platform.is_empty() => host_platform().to_owned(),
        platform => platform,
    };
    let mut build = Build {
        client: client.clone(),
        context: context(client, this, &path).await?,
        file,
        args: given.into_iter().map(|arg| (arg.name, arg.value)).collect(),
        global: HashMap::new(),
        platform,
        secrets: args.nodes("secrets")?.into_iter().cloned().collect(),
        ssh: args.node("ssh")?.cloned(),
        no_init: args.flag("noInit")?,
    };
    build.read_global();
    let last = build.file.stages().len() - 1;
    let target = match args.text("target")?.as_str() {
        "" => last,
        name => build
            .stage_number(name)
            .ok_or_else(|| eyre!("`{path}` has no stage `{name}`"))?,
    };
    let node = build
        .stage(target)
        .await
        .wrap_err_with(|| format!("cannot build `{path}`"))?;
    Ok(Answer::Node(node))
}

/// A file's text, if it is there.
async fn contents(client: &Arc<Client>, dir: &Arc<Node>, path: &str) -> Result<Option<String>> {
    let there = ask(client, Some(dir), "exists", json!({"path": path})).await?;
    if !matches!(there, Value::Json(Json::Bool(true))) {
        return Ok(None);
    }
    let file = node(client, Some(dir), "file", json!({"path": path})).await?;
    match ask(client, Some(&file), "contents", json!({})).await? {
        Value::Json(Json::String(text)) => Ok(Some(text)),
        _ => bail!("`{path}` has no contents"),
    }
}

/// The directory without what the file of that purpose names.
async fn context(client: &Arc<Client>, dir: &Arc<Node>, dockerfile: &str) -> Result<Arc<Node>> {
    for name in [
        format!("{dockerfile}.dockerignore"),
        ".dockerignore".to_owned(),
    ] {
        if let Some(text) = contents(client, dir, &name).await? {
            let lines = text.lines().map(str::trim);
            let patterns: Vec<String> = lines
                .filter(|line| !line.is_empty() && !line.starts_with('#'))
                .map(|line| match line.strip_prefix('!') {
                    Some(kept) => format!("!{}", kept.trim_start_matches('/')),
                    None => line.trim_start_matches('/').to_owned(),
                })
                .collect();
            return node(client, Some(dir), "filter", json!({"exclude": patterns})).await;
        }
    }
    Ok(dir.clone())
}

/// Asks a field as any caller does.
async fn ask(
    client: &Arc<Client>,
    this: Option<&Arc<Node>>,
    field: &str,
    args: Json,
) -> Result<Value> {
    let args = match args {
        Json::Object(args) => Args::new(args),
        _ => Args::default(),
    };
    Box::pin(client.select(this.cloned(), field, args)).await
}

/// The same for an object.
async fn node(
    client: &Arc<Client>,
    this: Option<&Arc<Node>>,
    field: &str,
    args: Json,
) -> Result<Arc<Node>> {
    match ask(client, this, field, args).await? {
        Value::Node(node) => Ok(node),
        _ => bail!("`{field}` gave no object"),
    }
}

impl Build<'_> {
    fn read_global(&mut self) {
        let mut global = HashMap::new();
        let (os, arch) = self.platform.split_once('/').unwrap_or(("linux", ""));
        for (name, value) in [
            ("TARGETPLATFORM", self.platform.as_str()),
            ("TARGETOS", os),
            ("TARGETARCH", arch.split('/').next().unwrap_or_default()),
            ("BUILDPLATFORM", host_platform()),
            ("BUILDOS", "linux"),
            ("BUILDARCH", host_platform().trim_start_matches("linux/")),
        ] {
            global.insert(name.to_owned(), value.to_owned());
        }
        for arg in self.file.global_args() {
            let value = |name: &str| global.get(name).cloned();
            for word in words::split(&arg.arguments.value, &value) {
                let (name, default) = word.split_once('=').unwrap_or((&word, ""));
                let value = self.args.get(name).cloned();
                global.insert(name.to_owned(), value.unwrap_or_else(|| default.to_owned()));
            }
        }
        self.global = global;
    }

    /// A stage by its name or number.
    fn stage_number(&self, name: &str) -> Option<usize> {
        let named = self.file.stages().position(|stage| {
            let own = stage.from.as_.as_ref();
            own.is_some_and(|(_, own)| own.value.eq_ignore_ascii_case(name))
        });
        let count = self.file.stages().len();
        named.or_else(|| name.parse().ok().filter(|number| *number < count))
    }

    /// The container that a stage makes. Asked again, it is the same.
    fn stage(&self, number: usize) -> futures::future::BoxFuture<'_, Result<Arc<Node>>> {
        Box::pin(async move { Stage::of(self, number).await?.carry_out().await })
    }

    /// The container of an earlier stage, or of an image.
    async fn base(&self, name: &str, platform: &str, before: usize) -> Result<Arc<Node>> {
        match self.stage_number(name).filter(|number| *number < before) {
            Some(number) => self.stage(number).await,
            None => {
                let scratch = json!({"platform": platform});
                let scratch = node(&self.client, None, "container", scratch).await?;
                match name {
                    "scratch" => Ok(scratch),
                    name => {
                        node(
                            &self.client,
                            Some(&scratch),
                            "from",
                            json!({"address": name}),
                        )
                        .await
                    }
                }
            }
        }
    }

    fn secret(&self, id: &str) -> Result<&Arc<Node>> {
        let named = |node: &&Arc<Node>| match &node.object {
            Object::Secret(secret) => secret.name() == id,
            _ => false,
        };
        let found = self.secrets.iter().find(named);
        found.ok_or_else(|| eyre!("there is no secret `{id}` among `secrets`"))
    }
}
