//! Services, ports, and `http`.

use std::sync::Arc;

use eyre::{Result, WrapErr, bail, eyre};
use serde::Deserialize;
use serde_json::json;

use super::{records, unsupported};
use crate::api::client::Client;
use crate::graph::container::{Container, Port};
use crate::graph::exec::{Exec, Expect};
use crate::graph::node::Answer;
use crate::graph::service::{Backend, Service};
use crate::graph::{Args, Engine, File, Object};
use crate::store::Digest;

/// `PortForward` of the API.
#[derive(Deserialize)]
struct PortForward {
    frontend: Option<i64>,
    backend: i64,
    #[serde(default)]
    protocol: Option<String>,
}

pub fn port_number(number: i64) -> Result<u16> {
    match u16::try_from(number) {
        Ok(port) if port > 0 => Ok(port),
        _ => bail!("{number} is no port: expected 1 to 65535"),
    }
}

/// Reads `80/tcp`.
pub fn parse_port(text: &str) -> Option<Port> {
    let (number, protocol) = text.split_once('/').unwrap_or((text, "tcp"));
    Some(Port {
        number: number.parse().ok()?,
        udp: protocol == "udp",
        description: None,
        skip_healthcheck: true,
    })
}

pub fn port(port: &Port) -> Object {
    records::record(json!({
        "port": port.number,
        "protocol": if port.udp { "UDP" } else { "TCP" },
        "description": port.description,
        "experimentalSkipHealthcheck": port.skip_healthcheck,
    }))
}

/// `Container.asService` and `Container.up`.
pub async fn of_container(
    client: &Arc<Client>,
    this: &Arc<Container>,
    field: &str,
    args: &Args,
) -> Result<Answer> {
    let exec = Exec {
        args: this.command(
            &args.list("args")?,
            args.flag("useEntrypoint")?,
            args.flag("expand")?,
        )?,
        expect: Expect::Any,
        privileged: args.flag("insecureRootCapabilities")?,
        no_init: args.flag("noInit")?,
        nested: args.flag("experimentalPrivilegedNesting")?,
        ..Exec::of(this)
    };
    let backend = Backend::Container {
        container: this.clone(),
        exec: Arc::new(exec),
    };
    let service = Service {
        backend,
        hostname: None,
    };
    if field == "up" {
        return up(client.engine(), &Arc::new(service), args).await;
    }
    Ok(service.into())
}

pub async fn service(
    client: &Arc<Client>,
    this: &Arc<Service>,
    field: &str,
    args: &Args,
) -> Result<Answer> {
    let engine = client.engine();
    Ok(match field {
        "hostname" => this.hostname(engine).await?.into(),
        "ports" => Answer::Objects("Port", this.ports().iter().map(port).collect()),
        "endpoint" => {
            // Which port of the host a tunnel has is known once it is there.
            let tunnel = match &this.backend {
                Backend::Tunnel { .. } => {
                    let started = engine.services.start(engine, this).await?;
                    started.forwards().next().map(|address| address.port())
                }
                _ => None,
            };
            let number = match args.opt::<i64>("port")? {
                Some(number) => port_number(number)?,
                None => tunnel
                    .or_else(|| this.ports().first().map(|port| port.number))
                    .ok_or_else(|| {
                        eyre!(
                            "the service exposes no port: name one, or expose it in the container"
                        )
                    })?,
            };
            let place = format!("{}:{number}", this.hostname(engine).await?);
            match args.text("scheme")?.as_str() {
                "" => place.into(),
                scheme => format!("{scheme}://{place}").into(),
            }
        }
        "start" | "sync" => {
            engine.services.start(engine, this).await?;
            Answer::This
        }
        "stop" => {
            engine
                .services
                .stop(engine, this, args.flag("kill")?)
                .await?;
            Answer::This
        }
        "terminal" => super::terminal::service(client, this, args).await?,
        "up" => up(engine, this, args).await?,
        "withHostname" => {
            let hostname = args.str("hostname")?;
            if hostname.is_empty() || hostname.len() > 253 {
                bail!("`{hostname}` is no host name");
            }
            Service {
                hostname: Some(hostname),
                ..Service::clone(this)
            }
            .into()
        }
        _ => unsupported("Service", field)?,
    })
}

/// Forwards ports of the host until the service ends or the user interrupts.
async fn up(engine: &Arc<Engine>, service: &Arc<Service>, args: &Args) -> Result<Answer> {
    let random = args.flag("random")?;
    let mut ports = forwards(args)?;
    if ports.is_empty() {
        ports = service
            .ports()
            .iter()
            .map(|port| (port.number, port.number))
            .collect();
    }
    if ports.is_empty() {
        bail!("the service exposes no port: name one with `ports`, or expose it in the container");
    }
    if random {
        ports.iter_mut().for_each(|(front, _)| *front = 0);
    }
    let tunnel = Service {
        backend: Backend::Tunnel {
            service: service.clone(),
            ports,
        },
        hostname: None,
    };
    let inner = engine.services.start(engine, service).await?;
    let started = engine.services.start(engine, &tunnel).await?;
    for address in started.forwards() {
        engine
            .progress
            .note(format!("listening on http://{address}"));
    }
    inner.wait().await?;
    Ok(Answer::Null)
}

/// `ports` as (port of the host, port of the service).
fn forwards(args: &Args) -> Result<Vec<(u16, u16)>> {
    let all: Vec<PortForward> = args.opt("ports")?.unwrap_or_default();
    all.iter()
        .map(|forward| {
            if forward.protocol.as_deref() == Some("UDP") {
                bail!("forwarding UDP ports is not supported by poniard");
            }
            let backend = port_number(forward.backend)?;
            let front = match forward.frontend {
                Some(0) => 0,
                Some(number) => port_number(number)?,
                None => backend,
            };
            Ok((front, backend))
        })
        .collect()
}

/// `Host.service`: ports of the machine as a service.
pub fn host_service(args: &Args) -> Result<Service> {
    let ports = forwards(args)?
        .into_iter()
        .map(|(front, back)| {
            let port = Port {
                // Containers ask for it by number, so none is made up.
                number: if front == 0 { back } else { front },
                udp: false,
                description: None,
                skip_healthcheck: true,
            };
            (back, port)
        })
        .collect();
    Ok(Service {
        backend: Backend::Host {
            host: args.str("host")?,
            ports,
        },
        hostname: None,
    })
}

/// `Host.tunnel`: a service on ports of the machine.
pub fn tunnel(args: &Args) -> Result<Service> {
    let service = args.service("service")?;
    let mut ports = forwards(args)?;
    if ports.is_empty() {
        let native = args.flag("native")?;
        let front = |port: &Port| if native { port.number } else { 0 };
        ports = service
            .ports()
            .iter()
            .map(|port| (front(port), port.number))
            .collect();
    }
    Ok(Service {
        backend: Backend::Tunnel { service, ports },
        hostname: None,
    })
}

/// Reads `tcp://host:port`.
pub fn of_address(address: &str) -> Result<Service> {
    let wrong = || eyre!("`{address}` is no service: expected a form like `tcp://localhost:8080`");
    let place = address.strip_prefix("tcp://").ok_or_else(wrong)?;
    let (host, number) = place.rsplit_once(':').ok_or_else(wrong)?;
    let number: u16 = number.parse().map_err(|_| wrong())?;
    let port = Port {
        number,
        udp: false,
        description: None,
        skip_healthcheck: true,
    };
    Ok(Service {
        backend: Backend::Host {
            host: host.to_owned(),
            ports: vec![(number, port)],
        },
        hostname: None,
    })
}

/// `Query.http`.
pub async fn http(client: &Arc<Client>, args: &Args) -> Result<File> {
    let engine = client.engine();
    let url = args.str("url")?;
    let parsed = reqwest::Url::parse(&url).map_err(|error| eyre!("`{url}` is no URL: {error}"))?;
    let authorization = match args.opt_secret("authHeader")? {
        Some(secret) => Some(secret.plaintext().await?.to_owned()),
        None => None,
    };
    let service = args.opt_service("experimentalServiceHost")?;
    let span = engine.progress.start(format!("http {url}"));
    let fetched = fetch(engine, parsed.clone(), authorization, service)
        .await
        .wrap_err_with(|| format!("cannot get `{url}`"));
    let body = span.end_as(fetched)?;
    if let Some(wanted) = args.opt::<String>("checksum")? {
        let found = Digest::of(&body).to_string();
        if found != wanted && found != format!("sha256:{wanted}") {
            bail!("`{url}` has checksum `{found}`, not `{wanted}`");
        }
    }
    let last = parsed
        .path_segments()
        .and_then(|mut parts| parts.next_back())
        .unwrap_or_default()
        .to_owned();
    let name = args.opt::<String>("name")?.unwrap_or(last);
    let name = if name.is_empty() {
        "index".to_owned()
    } else {
        name
    };
    let mode = super::mode(args, "permissions")?.unwrap_or(0o600);
    Ok(File::made(engine, &name, body, mode))
}

async fn fetch(
    engine: &Arc<Engine>,
    url: reqwest::Url,
    authorization: Option<String>,
    service: Option<Arc<Service>>,
) -> Result<Vec<u8>> {
    let request = |builder: reqwest::ClientBuilder| {
        let client = builder.build()?;
        let mut request = client.get(url.clone());
        if let Some(value) = &authorization {
            request = request.header("Authorization", value);
        }
        Ok::<_, eyre::Report>(request)
    };
    let Some(service) = service else {
        let response = request(reqwest::Client::builder())?
            .send()
            .await?
            .error_for_status()?;
        return Ok(response.bytes().await?.to_vec());
    };
    let started = engine.services.start(engine, &service).await?;
    let (host, address) = (
        url.host_str().unwrap_or_default().to_owned(),
        started.address,
    );
    if host != started.hostname {
        bail!(
            "the service is called `{}`, not `{host}`: set with-hostname, or change the address",
            started.hostname
        );
    }
    let request = request(reqwest::Client::builder().resolve(&host, (address, 0).into()))?;
    let runtime = move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        runtime.block_on(async {
            let response = request.send().await?.error_for_status()?;
            Ok::<_, eyre::Report>(response.bytes().await?.to_vec())
        })
    };
    let network = engine.network.clone();
    network.run_in(runtime).await?
}
