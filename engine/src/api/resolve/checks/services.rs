//! Services that are offered on ports of the host until the run ends.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use eyre::{Result, bail, eyre};

use super::super::callers_only;
use super::{names, run, service};
use crate::api::client::Client;
use crate::graph::Service;
use crate::graph::service::Backend;
use crate::graph::task::Task;

/// Gives services ports as a toolchain's entry in `dagger.json` says.
pub fn map_ports(tasks: &mut [Task], mappings: &BTreeMap<String, Vec<String>>) -> Result<()> {
    for task in tasks {
        let name = names::shown(task.path.get(1..).unwrap_or(&[]));
        for text in mappings.get(&name).into_iter().flatten() {
            task.ports.push(mapping(text).ok_or_else(|| {
                eyre!(
                    "port mapping `{text}` of `{name}`: expected `<port of the host>:<port of the service>`, as `3000:80`"
                )
            })?);
        }
    }
    Ok(())
}

fn mapping(text: &str) -> Option<(u16, u16)> {
    let (front, back) = text.split_once(':')?;
    let port = |text: &str| text.parse().ok().filter(|port| *port > 0);
    Some((port(front)?, port(back)?))
}

/// Starts all, or none, and stays.
pub async fn run(client: &Arc<Client>, tasks: &[Arc<Task>]) -> Result<()> {
    callers_only(client, "UpGroup.run")?;
    if tasks.is_empty() {
        return Ok(());
    }
    let made = run::all(client, tasks, false).await?;
    let mut offered = Vec::new();
    for task in &made {
        let service = service(task)?;
        let ports = if task.ports.is_empty() {
            let own = service.ports();
            own.iter().map(|port| (port.number, port.number)).collect()
        } else {
            task.ports.clone()
        };
        offered.push((names::shown(&task.path), service, ports));
    }
    unique(&offered)?;
    let starts = offered.iter().map(|offer| start(client, offer));
    let started = futures::future::try_join_all(starts).await?;
    // Whoever ends by itself is told of; the others go on.
    let progress = client.engine().progress.clone();
    let ends = started.into_iter().map(|(name, started)| {
        let progress = progress.clone();
        async move {
            match started.wait().await {
                Ok(()) => progress.note(format!("service {name} ended")),
                Err(error) => progress.note(format!("service {name} ended: {error:#}")),
            }
        }
    });
    futures::future::join_all(ends).await;
    bail!("all services ended")
}

type Offer = (String, Arc<Service>, Vec<(u16, u16)>);

fn unique(offers: &[Offer]) -> Result<()> {
    let mut seen = HashMap::new();
    let mut conflicts = Vec::new();
    for (name, _, ports) in offers {
        for (port, _) in ports {
            match seen.get(port) {
                None => drop(seen.insert(*port, name)),
                Some(first) => conflicts.push(format!(
                    "port {port}/tcp is exposed by both {first:?} and {name:?}"
                )),
            }
        }
    }
    if conflicts.is_empty() {
        return Ok(());
    }
    bail!(
        "port collision detected:\n  {}\nname the service that you want, or map ports with `portMappings` in dagger.json",
        conflicts.join("\n  ")
    )
}

async fn start(
    client: &Arc<Client>,
    (name, service, ports): &Offer,
) -> Result<(String, Arc<crate::graph::service::Started>)> {
    let engine = client.engine();
    let inner = engine.services.start(engine, service).await?;
    let tunnel = Service {
        backend: Backend::Tunnel {
            service: service.clone(),
            ports: ports.clone(),
        },
        hostname: None,
    };
    let started = engine.services.start(engine, &tunnel).await?;
    let urls: Vec<_> = started
        .forwards()
        .map(|address| {
            let scheme = if address.port() == 443 {
                "https"
            } else {
                "http"
            };
            format!("{scheme}://localhost:{}", address.port())
        })
        .collect();
    engine
        .progress
        .note(format!("{name} ready {}", urls.join(" ")));
    Ok((name.clone(), inner))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mappings_are_two_ports() {
        assert_eq!(mapping("3000:80"), Some((3000, 80)));
        for text in ["80", "0:80", "80:0", "a:b", "1:70000"] {
            assert_eq!(mapping(text), None, "{text}");
        }
    }
}
