//! `db-backup backup` of a database of 1 GB against `pg_dump | zstd | upload` by
//! hand in the same container, and the memory of what works beside `pg_dump`.
//! The store is moto, so half of what both take is its time.

use std::collections::VecDeque;
use std::fs;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use eyre::{OptionExt, Result, WrapErr, bail};
use xshell::cmd;

use super::series::{Bound, Row, in_turns};
use super::{Context, time};

/// Some 1 GB in PostgreSQL: rows as they are in life, half of them noise.
const DATABASE: &str = "create table large as
  select i, now() as at, md5(i::text) as noise, 'customer ' || i % 1000 as customer, repeat('some words ', 8) as text
  from generate_series(1, 5300000) i;
checkpoint;";
const PORT: &str = "5679";
/// Where the module's program is in the container of the client tools.
const WORKER: &str = "/usr/local/bin/db-backup";

pub fn measure(context: &Context) -> Result<Vec<Row>> {
    let sh = &context.project.sh;
    let host = cmd!(sh, "hostname -I").quiet().read()?;
    let host = host.split_whitespace().next().ok_or_eyre("no address")?;
    let store = format!("http://{host}:{PORT}");
    let _moto = Moto::start(context)?;
    let bucket = format!("{store}/bench");
    time(Command::new("curl").args(["-sfX", "PUT", &bucket]))?;
    fs::write(context.scratch.join("database.sql"), DATABASE)?;

    let module = context.project.root.join("modules/db-backup");
    let by_hand = format!(
        "begun=$EPOCHREALTIME; set -eo pipefail; PGPASSWORD=bench pg_dump -h db -U postgres -Fc -Z0 app | zstd -q -3 -T1 | curl -sfT - {bucket}/by-hand >/dev/null; ended=$EPOCHREALTIME; echo $(( ${{ended/./}} - ${{begun/./}} ))e-6"
    );
    fs::write(context.scratch.join("by-hand.sh"), by_hand)?;
    let server = "container | from postgres:15 | with-env-variable POSTGRES_PASSWORD bench | with-env-variable POSTGRES_DB app | with-file /docker-entrypoint-initdb.d/a.sql database.sql | with-exposed-port 5432 | as-service --use-entrypoint";
    let mut script = format!(
        "db=$({server})\nb=$({} env://URL --server $db)\n$b | detect | version\n.echo\n",
        module.display()
    );
    for round in 0..=context.rounds {
        script += &format!(
            "$b | backup bench env://KEY env://KEY --endpoint {store} | seconds\n.echo\n\
             container | from postgres:15 | with-service-binding db $db | with-file /by-hand.sh by-hand.sh | with-env-variable ROUND {}{round} | with-exec -- bash /by-hand.sh | stdout\n",
            super::nonce()
        );
    }
    let mut command = context.poniard.command();
    command
        .args(["shell", "-c", &script])
        .current_dir(&context.scratch)
        .env("URL", "postgres://postgres:bench@db/app")
        .env("KEY", "bench");
    let watch = Watch::start();
    let done = command
        .stdin(Stdio::null())
        .output()
        .wrap_err("cannot run poniard")?;
    let peak = watch.stop();
    if !done.status.success() {
        bail!("{}", String::from_utf8_lossy(&done.stderr));
    }
    let text = String::from_utf8_lossy(&done.stdout).into_owned();
    let seconds: VecDeque<f64> = text
        .lines()
        .skip(1)
        .filter_map(|line| line.trim().parse().ok())
        .collect();
    let (mut ours, mut theirs) = (seconds.iter().step_by(2), seconds.iter().skip(1).step_by(2));
    let mut our_next = || ours.next().copied().ok_or_eyre("a round is missing");
    let mut their_next = || theirs.next().copied().ok_or_eyre("a round is missing");
    let [ours, reference] = in_turns(context.rounds, [&mut our_next, &mut their_next])?;
    let [memory] = in_turns(1, [&mut || Ok(peak)])?;
    Ok(vec![
        Row {
            name: "backup: 1 GB of PostgreSQL into S3",
            ours,
            reference: Some(reference),
            bound: Bound::Times(1.1),
        },
        Row {
            name: "backup: memory beside pg_dump",
            ours: memory,
            reference: None,
            bound: Bound::Megabytes(150.0),
        },
    ])
}

/// Looks for the worker's highest resident size.
struct Watch {
    stop: Arc<AtomicBool>,
    thread: thread::JoinHandle<f64>,
}

impl Watch {
    fn start() -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let thread = thread::spawn(move || {
            let mut peak = 0_f64;
            while !stopped.load(Ordering::Relaxed) {
                for process in fs::read_dir("/proc").into_iter().flatten().flatten() {
                    let process = process.path();
                    if fs::read_link(process.join("exe"))
                        .is_ok_and(|exe| exe.ends_with(&WORKER[1..]))
                    {
                        let size = super::memory::highest_kilobytes(&process);
                        peak = peak.max(size.unwrap_or_default() * 1024.0 / 1e6);
                    }
                }
                thread::sleep(Duration::from_millis(20));
            }
            peak
        });
        Self { stop, thread }
    }

    fn stop(self) -> f64 {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().unwrap_or_default()
    }
}

struct Moto(Child);

impl Moto {
    fn start(context: &Context) -> Result<Self> {
        let tools = context.project.target.join("tools/python");
        let child = Command::new(tools.join("bin/moto_server"))
            .args(["-H", "0.0.0.0", "-p", PORT])
            .env("PYTHONPATH", &tools)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .wrap_err("no moto_server: run `cargo xtask tools`")?;
        let moto = Self(child);
        let address = format!("127.0.0.1:{PORT}");
        for _ in 0..600 {
            if std::net::TcpStream::connect(&address).is_ok() {
                return Ok(moto);
            }
            thread::sleep(Duration::from_millis(100));
        }
        bail!("moto does not start")
    }
}

impl Drop for Moto {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
