//! Services, cache volumes, sockets: what containers share while they run.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;

use eyre::{Result, bail};
use futures::FutureExt;
use futures::future::BoxFuture;

use super::container::{Container, Port};
use super::exec::{self, Exec};
use super::fs::on_task;
use super::memo::Memo;
use super::{Engine, health};
use crate::exec::{Running, Terminal};
use crate::store::{Digest, Hasher};

/// A cache volume, by name.
#[derive(Clone)]
pub struct CacheVolume {
    pub key: Digest,
    /// What it starts from, who may use it and who owns it, unless the mount says otherwise.
    pub source: Option<super::Directory>,
    pub sharing: Option<String>,
    pub owner: String,
}

impl CacheVolume {
    /// `scope` separates the volumes of modules from each other.
    pub fn new(scope: &str, name: &str) -> Self {
        let key = Hasher::new("volume-1").with(scope).with(name).digest();
        Self {
            key,
            source: None,
            sharing: None,
            owner: String::new(),
        }
    }
}

/// A Unix socket of the host.
#[derive(Clone, Debug)]
pub struct Socket {
    pub path: PathBuf,
}

/// Something that listens.
#[derive(Clone)]
pub struct Service {
    pub backend: Backend,
    pub hostname: Option<String>,
}

#[derive(Clone)]
pub enum Backend {
    /// A command in a container.
    Container {
        container: Arc<Container>,
        exec: Arc<Exec>,
    },
    /// Ports of the caller's machine: (port there, port offered).
    Host {
        host: String,
        ports: Vec<(u16, Port)>,
    },
    /// Another service, offered on ports of the caller's machine.
    Tunnel {
        service: Arc<Service>,
        ports: Vec<(u16, u16)>,
    },
}

impl Service {
    /// Ports that it offers.
    pub fn ports(&self) -> Vec<Port> {
        match &self.backend {
            Backend::Container { container, .. } => container.ports.clone(),
            Backend::Host { ports, .. } => ports.iter().map(|(_, port)| port.clone()).collect(),
            Backend::Tunnel { ports, .. } => ports
                .iter()
                .map(|(front, _)| Port {
                    number: *front,
                    udp: false,
                    description: None,
                    skip_healthcheck: false,
                })
                .collect(),
        }
    }

    /// What tells two services apart: equal ones run once.
    pub async fn key(&self, engine: &Arc<Engine>) -> Result<Digest> {
        let base = Hasher::new("service-1").with(self.hostname.as_deref().unwrap_or_default());
        Ok(match &self.backend {
            Backend::Container { container, exec } => base
                .with(Box::pin(exec.key(engine)).await?)
                // Which ports answer says when it has started.
                .with(format!("{:?}", container.ports))
                .digest(),
            Backend::Host { host, ports } => ports
                .iter()
                .fold(base.with("host").with(host), |hasher, (there, port)| {
                    hasher
                        .with(there.to_le_bytes())
                        .with(port.number.to_le_bytes())
                })
                .digest(),
            Backend::Tunnel { service, ports } => {
                let inner = Box::pin(service.key(engine)).await?;
                ports
                    .iter()
                    .fold(base.with("tunnel").with(inner), |hasher, (front, back)| {
                        hasher.with(front.to_le_bytes()).with(back.to_le_bytes())
                    })
                    .digest()
            }
        })
    }

    /// The name that others reach it by.
    pub async fn hostname(&self, engine: &Arc<Engine>) -> Result<String> {
        if let Some(name) = &self.hostname {
            return Ok(name.clone());
        }
        if let Backend::Tunnel { .. } = self.backend {
            return Ok("localhost".to_owned());
        }
        Ok(self.key(engine).await?.hex()[..13].to_owned())
    }
}

/// Services of this run, by key.
#[derive(Default)]
pub struct Services {
    started: Memo<Arc<Started>>,
}

/// A service under way.
pub struct Started {
    pub hostname: String,
    pub address: Ipv4Addr,
    pub(super) process: Option<Running>,
    forwards: Vec<crate::net::Forward>,
    _stage: Option<exec::Stage>,
    _exposed: Option<crate::net::Exposed>,
}

impl Services {
    /// Starts a service unless it runs, and waits until its ports answer.
    pub async fn start(&self, engine: &Arc<Engine>, service: &Service) -> Result<Arc<Started>> {
        let key = service.key(engine).await?;
        self.started.forget(&key, |running| running.ended());
        let (engine, service) = (engine.clone(), service.clone());
        let work = self.started.once(key, || boxed_start(engine, service));
        Ok(on_task(work).await?)
    }

    pub async fn stop(&self, engine: &Arc<Engine>, service: &Service, kill: bool) -> Result<()> {
        let key = service.key(engine).await?;
        let Some(work) = self.started.get(&key) else {
            return Ok(());
        };
        // One that is starting is waited for; one that cannot start does not run.
        if let Ok(started) = on_task(work).await {
            self.started
                .forget(&key, |other| Arc::ptr_eq(other, &started));
            started.stop(kill).await?;
        }
        Ok(())
    }

    pub async fn stop_all(&self) {
        let all = self.started.drain();
        let stops = all.iter().map(|started| started.stop(true));
        // The run is over: a service that cannot be stopped dies with it.
        let _ = futures::future::join_all(stops).await;
    }
}

impl Started {
    fn ended(&self) -> bool {
        self.process
            .as_ref()
            .is_some_and(|process| process.ended().is_some())
    }

    async fn stop(&self, kill: bool) -> Result<()> {
        match &self.process {
            Some(process) => process.stop(kill).await,
            None => Ok(()),
        }
    }

    /// Runs a command in it on the user's terminal.
    pub async fn terminal(&self, terminal: &Terminal, args: Vec<String>) -> Result<()> {
        match &self.process {
            Some(process) => process.attach(args, terminal).await,
            None => bail!("service `{}` does not support terminal", self.hostname),
        }
    }

    /// Waits until the service ends by itself.
    pub async fn wait(&self) -> Result<()> {
        match &self.process {
            Some(process) => process.wait().await.map(drop),
            None => std::future::pending().await,
        }
    }

    /// Ports of the host that it is offered on.
    pub fn forwards(&self) -> impl Iterator<Item = SocketAddr> + '_ {
        self.forwards.iter().map(|forward| forward.listen)
    }
}

/// Boxed, since a service may need another one.
fn boxed_start(engine: Arc<Engine>, service: Service) -> BoxFuture<'static, Result<Arc<Started>>> {
    async move { start(&engine, &service).await }.boxed()
}

async fn start(engine: &Arc<Engine>, service: &Service) -> Result<Arc<Started>> {
    let hostname = service.hostname(engine).await?;
    match &service.backend {
        Backend::Container { container, exec } => {
            let span = engine.progress.start(format!(
                "service {hostname}: {}",
                super::engine::shown(&exec.args)
            ));
            let (process, stage, address) = exec::spawn(engine, exec, &hostname, span).await?;
            let started = Started {
                hostname,
                address,
                process: Some(process),
                forwards: Vec::new(),
                _stage: Some(stage),
                _exposed: None,
            };
            health::await_healthy(engine, &started, exec, container).await?;
            engine.hosts.add(&started.hostname, address.into())?;
            Ok(Arc::new(started))
        }
        Backend::Host { host, ports } => {
            let pairs: Vec<_> = ports
                .iter()
                .map(|(there, port)| (port.number, *there))
                .collect();
            let exposed = engine.network.expose(host, &pairs).await?;
            engine.hosts.add(&hostname, exposed.address.into())?;
            Ok(Arc::new(Started {
                hostname,
                address: exposed.address,
                process: None,
                forwards: Vec::new(),
                _stage: None,
                _exposed: Some(exposed),
            }))
        }
        Backend::Tunnel { service, ports } => {
            let inner = Box::pin(engine.services.start(engine, service)).await?;
            let mut forwards = Vec::new();
            for (front, back) in ports {
                let listen = SocketAddr::from(([127, 0, 0, 1], *front));
                let to = SocketAddr::from((inner.address, *back));
                forwards.push(engine.network.forward(listen, to).await?);
            }
            Ok(Arc::new(Started {
                hostname,
                address: Ipv4Addr::LOCALHOST,
                process: None,
                forwards,
                _stage: None,
                _exposed: None,
            }))
        }
    }
}
