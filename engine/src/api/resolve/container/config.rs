//! Fields that change how commands run, and nothing else.

use std::time::Duration;

use eyre::{Result, eyre};
use serde_json::{Map, Value as Json, json};

use super::image::registry_host;
use super::path;
use crate::api::client::Client;
use crate::api::resolve::{env_file, network, records};
use crate::duration;
use crate::graph::container::{Container, Port, TerminalCommand, set, unset};
use crate::graph::node::Answer;
use crate::graph::{Args, Failure};

/// Fields that change how commands run, and nothing else.
pub(super) fn configured(
    client: &Client,
    this: &Container,
    field: &str,
    args: &Args,
) -> Result<Option<Container>> {
    let mut new = this.clone();
    let name = || args.str("name");
    match field {
        "experimentalWithAllGPUs" => new.gpus = vec!["all".to_owned()],
        "experimentalWithGPU" => new.gpus = args.list("devices")?,
        "withAnnotation" => set(&mut new.annotations, &name()?, args.str("value")?),
        "withoutAnnotation" => unset(&mut new.annotations, &name()?),
        "withDefaultArgs" => new.config.cmd = args.list("args")?,
        "withoutDefaultArgs" => new.config.cmd.clear(),
        "withEntrypoint" => {
            new.config.entrypoint = args.list("args")?;
            if !args.flag("keepDefaultArgs")? {
                new.config.cmd.clear();
            }
        }
        "withoutEntrypoint" => {
            new.config.entrypoint.clear();
            if !args.flag("keepDefaultArgs")? {
                new.config.cmd.clear();
            }
        }
        "withEnvFileVariables" => {
            let file = args.env_file("source")?;
            for (name, value) in env_file::values(client, &file)? {
                set(&mut new.config.env, &name, value);
            }
        }
        "withEnvVariable" => {
            let value = args.str("value")?;
            let value = if args.flag("expand")? {
                this.expand(&value)?
            } else {
                value
            };
            unset(&mut new.secrets, &name()?);
            set(&mut new.config.env, &name()?, value);
        }
        "withoutEnvVariable" => unset(&mut new.config.env, &name()?),
        "withVolatileVariable" => set(&mut new.volatile, &name()?, args.str("value")?),
        "withoutVolatileVariable" => unset(&mut new.volatile, &name()?),
        "withSecretVariable" => {
            unset(&mut new.config.env, &name()?);
            set(&mut new.secrets, &name()?, args.secret("secret")?);
        }
        "withoutSecretVariable" => unset(&mut new.secrets, &name()?),
        "withExposedPort" => {
            let port = Port {
                number: network::port_number(args.get("port")?)?,
                udp: args.text("protocol")? == "UDP",
                description: args.opt("description")?,
                skip_healthcheck: args.flag("experimentalSkipHealthcheck")?,
            };
            new.ports
                .retain(|old| (old.number, old.udp) != (port.number, port.udp));
            new.ports.push(port);
        }
        "withoutExposedPort" => {
            let number = network::port_number(args.get("port")?)?;
            let udp = args.text("protocol")? == "UDP";
            new.ports
                .retain(|old| (old.number, old.udp) != (number, udp));
        }
        "withLabel" => set(&mut new.config.labels, &name()?, args.str("value")?),
        "withoutLabel" => unset(&mut new.config.labels, &name()?),
        "withRegistryAuth" => {
            let login = (args.str("username")?, args.secret("secret")?);
            new.auth.insert(registry_host(&args.str("address")?), login);
        }
        "withoutRegistryAuth" => drop(new.auth.remove(&registry_host(&args.str("address")?))),
        "withServiceBinding" => set(
            &mut new.services,
            &args.str("alias")?,
            args.service("service")?,
        ),
        "withDefaultTerminalCmd" => {
            new.terminal = TerminalCommand {
                args: args.list("args")?,
                nested: args.flag("experimentalPrivilegedNesting")?,
                privileged: args.flag("insecureRootCapabilities")?,
            }
        }
        "withUser" => new.config.user = name()?,
        "withoutUser" => new.config.user.clear(),
        "withWorkdir" => new.config.workdir = this.absolute(&path(this, args, "path")?),
        "withoutWorkdir" => new.config.workdir.clear(),
        "withError" => match args.str("err")?.as_str() {
            "" => {}
            message => return Err(Failure::new(message).into()),
        },
        "withDockerHealthcheck" => new.config.healthcheck = Some(healthcheck_config(args)?),
        "withoutDockerHealthcheck" => new.config.healthcheck = None,
        _ => return Ok(None),
    }
    Ok(Some(new))
}
/// Docker's health check: `Test` is `["CMD", …]` or `["CMD-SHELL", text]`; times in ns.
pub(super) fn healthcheck(config: Option<&Json>) -> Answer {
    let Some(config) = config else {
        return Answer::Null;
    };
    let test: Vec<String> = serde_json::from_value(config["Test"].clone()).unwrap_or_default();
    let shell = test.first().is_some_and(|word| word == "CMD-SHELL");
    let time = |name: &str| {
        let nanos = config[name].as_u64().unwrap_or_default();
        duration::shown(Duration::from_nanos(nanos))
    };
    let record = json!({
        "args": test.iter().skip(1).collect::<Vec<_>>(),
        "shell": shell,
        "interval": time("Interval"),
        "timeout": time("Timeout"),
        "startPeriod": time("StartPeriod"),
        "startInterval": time("StartInterval"),
        "retries": config["Retries"].as_i64().unwrap_or_default(),
    });
    Answer::Object("HealthcheckConfig", records::record(record))
}

fn healthcheck_config(args: &Args) -> Result<Json> {
    let mut test = args.list("args")?;
    test.insert(
        0,
        if args.flag("shell")? {
            "CMD-SHELL"
        } else {
            "CMD"
        }
        .to_owned(),
    );
    let mut config = Map::new();
    config.insert("Test".to_owned(), test.into());
    for (name, key) in [
        ("interval", "Interval"),
        ("timeout", "Timeout"),
        ("startPeriod", "StartPeriod"),
        ("startInterval", "StartInterval"),
    ] {
        if let Some(text) = args.opt::<String>(name)? {
            let time = duration::parse(&text).ok_or_else(|| {
                eyre!("argument `{name}`: `{text}` is no duration: expected a form like `30s` or `1m30s`")
            })?;
            let nanoseconds = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
            config.insert(key.to_owned(), nanoseconds.into());
        }
    }
    if let Some(retries) = args.opt::<i64>("retries")? {
        config.insert("Retries".to_owned(), retries.into());
    }
    Ok(Json::Object(config))
}
