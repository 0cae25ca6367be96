//! One stage: its instructions in their order.

use std::collections::HashMap;
use std::sync::Arc;

use eyre::{Result, WrapErr, bail, eyre};
use parse_dockerfile::{Command, Flag, HealthcheckArguments, Instruction, Source};
use serde_json::{Value as Json, json};

use super::{Build, ask, node, words};
use crate::graph::{Node, Object, Value};

pub(super) struct Stage<'b, 't> {
    pub(super) build: &'b Build<'t>,
    number: usize,
    pub(super) container: Arc<Node>,
    /// Arguments that were declared here.
    pub(super) args: HashMap<String, String>,
    shell: Vec<String>,
    has_cmd: bool,
}

impl<'b, 't> Stage<'b, 't> {
    pub(super) async fn of(build: &'b Build<'t>, number: usize) -> Result<Self> {
        let stage = build.file.stages().nth(number);
        let from = stage
            .ok_or_else(|| eyre!("there is no stage {number}"))?
            .from;
        let global = |name: &str| build.global.get(name).cloned();
        let mut platform = build.platform.clone();
        for flag in &from.options {
            match flag_of(flag) {
                ("platform", value) => platform = words::expand(value, &global),
                (name, _) => bail!("`FROM --{name}` is not implemented in poniard"),
            }
        }
        let image = words::expand(&from.image.value, &global);
        let container = build.base(&image, &platform, number).await;
        Ok(Self {
            build,
            number,
            container: container.wrap_err_with(|| format!("FROM {image}"))?,
            args: HashMap::new(),
            shell: vec!["/bin/sh".to_owned(), "-c".to_owned()],
            has_cmd: false,
        })
    }

    pub(super) async fn carry_out(mut self) -> Result<Arc<Node>> {
        let stage = self.build.file.stages().nth(self.number);
        for instruction in stage.iter().flat_map(|stage| stage.instructions) {
            self.instruction(instruction).await?;
        }
        Ok(self.container)
    }

    /// Changes the container by a field.
    pub(super) async fn with(&mut self, field: &str, args: Json) -> Result<()> {
        self.container = node(&self.build.client, Some(&self.container), field, args).await?;
        Ok(())
    }

    fn value(&self, name: &str) -> Option<String> {
        let own = match &self.container.object {
            Object::Container(container) => container.env(name).map(str::to_owned),
            _ => None,
        };
        own.or_else(|| self.args.get(name).cloned())
    }

    pub(super) fn expand(&self, text: &str) -> String {
        words::expand(text, &|name| self.value(name))
    }

    fn words(&self, text: &str) -> Vec<String> {
        words::split(text, &|name| self.value(name))
    }

    /// `NAME=value …`, or the old form `NAME value`.
    fn pairs(&self, text: &str) -> Vec<(String, String)> {
        let first = text.split_whitespace().next().unwrap_or_default();
        if !first.contains('=') {
            let rest = text.trim_start().strip_prefix(first).unwrap_or_default();
            return vec![(first.to_owned(), self.expand(rest.trim()))];
        }
        let words = self.words(text).into_iter();
        let pairs = words.map(|word| {
            let (name, value) = word.split_once('=').unwrap_or((&word, ""));
            (name.to_owned(), value.to_owned())
        });
        pairs.collect()
    }

    pub(super) fn command(&self, command: &Command<'_>) -> Vec<String> {
        match command {
            Command::Exec(words) => words.value.iter().map(|w| w.value.to_string()).collect(),
            Command::Shell(text) => self.in_shell(&without_comments(text.value)),
            _ => Vec::new(),
        }
    }

    pub(super) fn in_shell(&self, text: &str) -> Vec<String> {
        let text = std::iter::once(text.to_owned());
        self.shell.iter().cloned().chain(text).collect()
    }

    async fn instruction(&mut self, instruction: &Instruction<'_>) -> Result<()> {
        match instruction {
            Instruction::Arg(arg) => self.declare(&arg.arguments.value),
            Instruction::Env(env) => {
                for (name, value) in self.pairs(&env.arguments.value) {
                    let args = json!({"name": name, "value": value});
                    self.with("withEnvVariable", args).await?;
                }
            }
            Instruction::Label(label) => {
                for (name, value) in self.pairs(&label.arguments.value) {
                    self.with("withLabel", json!({"name": name, "value": value}))
                        .await?;
                }
            }
            Instruction::Workdir(workdir) => {
                let path = self.expand(&workdir.arguments.value);
                self.with("withWorkdir", json!({"path": path})).await?;
                let empty = node(&self.build.client, None, "directory", json!({})).await?;
                let args = json!({"path": ".", "source": empty.id.to_string()});
                self.with("withDirectory", args).await?;
            }
            Instruction::User(user) => {
                let name = self.expand(&user.arguments.value);
                self.with("withUser", json!({"name": name})).await?;
            }
            Instruction::Cmd(cmd) => {
                self.has_cmd = true;
                let args = json!({"args": self.command(&cmd.arguments)});
                self.with("withDefaultArgs", args).await?;
            }
            Instruction::Entrypoint(entrypoint) => {
                let args = self.command(&entrypoint.arguments);
                let args = json!({"args": args, "keepDefaultArgs": self.has_cmd});
                self.with("withEntrypoint", args).await?;
            }
            Instruction::Shell(shell) => {
                let words = shell.arguments.iter().map(|word| word.value.to_string());
                self.shell = words.collect();
            }
            Instruction::Expose(expose) => {
                for text in &expose.arguments {
                    self.expose(&self.expand(&text.value)).await?;
                }
            }
            Instruction::Healthcheck(check) => match &check.arguments {
                HealthcheckArguments::Cmd { arguments, .. } => {
                    let mut args = match arguments {
                        Command::Shell(text) => json!({"args": [text.value], "shell": true}),
                        command => json!({"args": self.command(command)}),
                    };
                    for flag in &check.options {
                        let (name, value) = flag_of(flag);
                        args[camel(name)] = match name {
                            "retries" => json!(value.parse::<i64>()?),
                            _ => json!(value),
                        };
                    }
                    self.with("withDockerHealthcheck", args).await?;
                }
                _ => self.with("withoutDockerHealthcheck", json!({})).await?,
            },
            Instruction::Copy(copy) => {
                let dest = self.expand(&copy.dest.value);
                self.copy("COPY", &copy.options, &copy.src, &dest).await?;
            }
            Instruction::Add(add) => {
                let dest = self.expand(&add.dest.value);
                self.copy("ADD", &add.options, &add.src, &dest).await?;
            }
            Instruction::Run(run) => self.run(run).await?,
            Instruction::Maintainer(_) => {}
            // They matter to whoever runs the image elsewhere.
            Instruction::Volume(_) => self.leave_out("VOLUME"),
            Instruction::Stopsignal(_) => self.leave_out("STOPSIGNAL"),
            _ => bail!("`ONBUILD` is not implemented in poniard: use a stage for it"),
        }
        Ok(())
    }

    fn leave_out(&self, name: &str) {
        let text = format!("`{name}` of a Dockerfile is left out of the image");
        self.build.client.engine().progress.note(text);
    }

    /// `ARG NAME=default …`: what the caller gives wins.
    fn declare(&mut self, text: &str) {
        for word in self.words(text) {
            let (name, default) = match word.split_once('=') {
                Some((name, default)) => (name, Some(default.to_owned())),
                None => (word.as_str(), None),
            };
            let given = self.build.args.get(name).cloned().or(default);
            if let Some(value) = given.or_else(|| self.build.global.get(name).cloned()) {
                self.args.insert(name.to_owned(), value);
            }
        }
    }

    async fn expose(&mut self, text: &str) -> Result<()> {
        let (ports, protocol) = text.split_once('/').unwrap_or((text, "tcp"));
        let (first, last) = ports.split_once('-').unwrap_or((ports, ports));
        let number = |text: &str| {
            let number = text.parse::<u16>();
            number.map_err(|_| eyre!("`EXPOSE {text}`: expected a port like `80/tcp`"))
        };
        for port in number(first)?..=number(last)? {
            let args = json!({"port": port, "protocol": protocol.to_uppercase()});
            self.with("withExposedPort", args).await?;
        }
        Ok(())
    }

    async fn copy(
        &mut self,
        name: &str,
        flags: &[Flag<'_>],
        sources: &[Source<'_>],
        dest: &str,
    ) -> Result<()> {
        let client = &self.build.client;
        let mut from = self.build.context.clone();
        let mut more = json!({});
        for flag in flags {
            match flag_of(flag) {
                ("from", stage) => from = self.files_of(&self.expand(stage)).await?,
                ("chown", owner) => more["owner"] = json!(self.expand(owner)),
                ("chmod", mode) => {
                    let mode = i64::from_str_radix(mode, 8);
                    more["permissions"] = json!(
                        mode.map_err(|_| eyre!("`{name} --chmod`: expected digits like 755"))?
                    );
                }
                ("link", _) => {}
                (flag, _) => bail!("`{name} --{flag}` is not implemented in poniard"),
            }
        }
        let into = sources.len() > 1;
        for source in sources {
            let mut args = more.clone();
            let path = match source {
                Source::Path(path) => self.expand(&path.value),
                _ => bail!("`{name} <<…` is not implemented in poniard: use a file"),
            };
            let to = match into && !dest.ends_with('/') {
                true => format!("{dest}/"),
                false => dest.to_owned(),
            };
            args["path"] = json!(to);
            if name == "ADD" && path.contains("://") {
                let file = node(client, None, "http", json!({"url": path})).await?;
                args["source"] = json!(file.id.to_string());
                self.with("withFile", args).await?;
                continue;
            }
            if name == "ADD"
                && [".tar", ".tar.gz", ".tgz", ".tar.xz", ".tar.bz2"]
                    .iter()
                    .any(|e| path.ends_with(e))
            {
                bail!(
                    "`ADD {path}` would unpack it, which is not implemented in poniard: COPY it and RUN tar"
                );
            }
            for path in self.matching(&from, &path).await? {
                let stat = json!({"path": path, "expectedType": "DIRECTORY_TYPE"});
                let is_dir = ask(client, Some(&from), "exists", stat).await?;
                let is_dir = matches!(is_dir, Value::Json(Json::Bool(true)));
                let (take, put) = match is_dir {
                    true => ("directory", "withDirectory"),
                    false => ("file", "withFile"),
                };
                let taken = node(client, Some(&from), take, json!({"path": path})).await?;
                args["source"] = json!(taken.id.to_string());
                self.with(put, args.clone()).await?;
            }
        }
        Ok(())
    }

    /// Files of a stage or image.
    pub(super) async fn files_of(&self, name: &str) -> Result<Arc<Node>> {
        let platform = &self.build.platform;
        let base = self.build.base(name, platform, self.number).await?;
        node(&self.build.client, Some(&base), "rootfs", json!({})).await
    }

    /// Paths that a source means; there must be one.
    async fn matching(&self, from: &Arc<Node>, path: &str) -> Result<Vec<String>> {
        if !path.contains(['*', '?', '[']) {
            return Ok(vec![path.to_owned()]);
        }
        let pattern = path.trim_start_matches("./").trim_start_matches('/');
        let found = ask(
            &self.build.client,
            Some(from),
            "glob",
            json!({"pattern": pattern}),
        )
        .await?;
        let found: Vec<String> = match found {
            Value::Json(found) => serde_json::from_value(found)?,
            _ => Vec::new(),
        };
        if found.is_empty() {
            bail!("nothing matches `{path}`");
        }
        Ok(found)
    }
}

/// Comments may stand between the lines of an instruction; a shell would take
/// the rest for one.
fn without_comments(text: &str) -> String {
    let lines = text.split_inclusive('\n');
    let kept = lines.filter(|line| !line.trim_start().starts_with('#'));
    kept.collect()
}

pub(super) fn flag_of<'b>(flag: &'b Flag<'_>) -> (&'b str, &'b str) {
    let value = flag.value.as_ref().map_or("", |value| &value.value);
    (&flag.name.value, value)
}

/// `start-period` → `startPeriod`.
fn camel(name: &str) -> String {
    let mut parts = name.split('-');
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (first, rest) = part.split_at(part.len().min(1));
        out += &first.to_uppercase();
        out += rest;
    }
    out
}
