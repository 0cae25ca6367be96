//! When a service counts as started: its image's health check passes or, when it
//! has none, its ports answer.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use eyre::{Result, bail, eyre};
use serde_json::Value as Json;

use super::container::{Container, Port};
use super::engine::shown;
use super::exec::Exec;
use super::service::Started;
use super::{Engine, Failure};
use crate::exec::{Output, Running};

/// How long a service may take to listen on its ports.
const HEALTH_DEADLINE: Duration = Duration::from_secs(120);

pub async fn await_healthy(
    engine: &Arc<Engine>,
    started: &Started,
    exec: &Exec,
    container: &Container,
) -> Result<()> {
    let check = container.config.healthcheck.as_ref().and_then(Check::read);
    match check {
        Some(check) => check.pass(process_of(started)?, exec).await,
        None => ports(engine, started, exec, &container.ports).await,
    }
}

fn process_of(started: &Started) -> Result<&Running> {
    let process = started.process.as_ref();
    process.ok_or_else(|| eyre!("a service without a process"))
}

fn ended_early(exec: &Exec, output: &Output, moment: &str) -> eyre::Report {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let message = format!(
        "service `{}` ended before {moment}: exit code: {}",
        shown(&exec.args),
        output.code
    );
    let (out, err) = (text(&output.stdout), text(&output.stderr));
    Failure::with_exec(message, &exec.args, output.code, &out, &err).into()
}

/// A health check as Docker has it. Times and numbers that are not set have the
/// values that a Dagger Engine gives them.
#[derive(Debug, PartialEq)]
struct Check {
    command: Vec<String>,
    pause: Duration,
    /// Of one run, after which it has failed.
    timeout: Duration,
    start_period: Duration,
    retries: u64,
}

impl Check {
    /// None when the image has none, or takes it back.
    fn read(config: &Json) -> Option<Self> {
        let test: Vec<String> = serde_json::from_value(config["Test"].clone()).ok()?;
        let command = match test.split_first()? {
            (kind, command) if kind == "CMD" && !command.is_empty() => command.to_vec(),
            (kind, [text]) if kind == "CMD-SHELL" => {
                vec!["/bin/sh".to_owned(), "-c".to_owned(), text.clone()]
            }
            _ => return None,
        };
        let number = |name: &str| config[name].as_u64().filter(|number| *number > 0);
        let time = |name: &str| number(name).map(Duration::from_nanos);
        let pause = time("StartInterval").or_else(|| time("Interval"));
        Some(Self {
            command,
            pause: pause.unwrap_or(Duration::from_secs(5)),
            // Docker's: one that hangs is not to hang the run.
            timeout: time("Timeout").unwrap_or(Duration::from_secs(30)),
            start_period: time("StartPeriod").unwrap_or_default(),
            retries: number("Retries").unwrap_or(3),
        })
    }

    /// Runs it in the service until it succeeds, or fails too often.
    async fn pass(&self, process: &Running, exec: &Exec) -> Result<()> {
        let began = Instant::now();
        let mut failures = 0;
        loop {
            if let Some(output) = process.ended() {
                return Err(ended_early(exec, &output, "its health check passed"));
            }
            let run = process.exec(self.command.clone());
            let done = tokio::time::timeout(self.timeout, run).await;
            let output = done.ok().transpose()?;
            if output.as_ref().is_some_and(|output| output.code == 0) {
                return Ok(());
            }
            // While it starts, failures do not count.
            failures += u64::from(began.elapsed() >= self.start_period);
            if failures >= self.retries {
                let Some(output) = output else {
                    bail!(
                        "service `{}` is not healthy: its health check `{}` takes longer than {}",
                        shown(&exec.args),
                        shown(&self.command),
                        crate::duration::shown(self.timeout)
                    );
                };
                let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
                let (out, err) = (text(&output.stdout), text(&output.stderr));
                return Err(Failure::exec(&self.command, output.code, &out, &err).into());
            }
            let ended = process.wait();
            // Whichever comes first.
            let _ = tokio::time::timeout(self.pause, ended).await;
        }
    }
}

/// Waits until every port that should be checked accepts connections.
async fn ports(engine: &Arc<Engine>, started: &Started, exec: &Exec, ports: &[Port]) -> Result<()> {
    let process = process_of(started)?;
    let began = Instant::now();
    for port in ports
        .iter()
        .filter(|port| !port.udp && !port.skip_healthcheck)
    {
        let address = SocketAddr::from((started.address, port.number));
        let connect = || {
            let connected = engine.network.connect(address, Duration::from_secs(1));
            async { connected.await.is_ok() }
        };
        let patience = HEALTH_DEADLINE.saturating_sub(began.elapsed());
        answers(port.number, exec, || process.ended(), connect, patience).await?;
    }
    Ok(())
}

async fn answers<C: Future<Output = bool>>(
    port: u16,
    exec: &Exec,
    ended: impl Fn() -> Option<Output>,
    connect: impl Fn() -> C,
    patience: Duration,
) -> Result<()> {
    let deadline = Instant::now() + patience;
    loop {
        if let Some(output) = ended() {
            return Err(ended_early(exec, &output, &format!("port {port} answered")));
        }
        if connect().await {
            return Ok(());
        }
        if Instant::now() > deadline {
            bail!(
                "service `{}` did not listen on port {port} within {} s; check its output, or expose \
                 the port with experimental-skip-healthcheck",
                shown(&exec.args),
                HEALTH_DEADLINE.as_secs()
            );
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_health_check_has_the_times_of_an_engine_unless_it_says_others() {
        let check = Check::read(&json!({"Test": ["CMD-SHELL", "curl x"], "Interval": 7}));
        let wanted = Check {
            command: ["/bin/sh", "-c", "curl x"].map(str::to_owned).to_vec(),
            pause: Duration::from_nanos(7),
            timeout: Duration::from_secs(30),
            start_period: Duration::ZERO,
            retries: 3,
        };
        assert_eq!(check, Some(wanted));
        for test in [json!(["NONE"]), json!([]), json!(["CMD"]), Json::Null] {
            assert_eq!(Check::read(&json!({"Test": test})), None);
        }
    }

    #[tokio::test]
    async fn a_port_where_nobody_ever_listens_is_told_in_time() {
        let mut exec = Exec::of(&Container::scratch(String::new()));
        exec.args = vec!["server".to_owned(), "--quiet".to_owned()];
        let patience = Duration::from_millis(50);
        let nobody = || std::future::ready(false);
        let error = answers(80, &exec, || None, nobody, patience).await;
        let error = error.expect_err("nobody listens").to_string();
        assert!(
            error.starts_with("service `server --quiet` did not listen on port 80 within 120 s"),
            "{error}"
        );
    }
}
