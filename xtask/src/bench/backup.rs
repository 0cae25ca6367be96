//! `db-backup backup` of a database of 1 GB against `pg_dump | zstd | upload` by
//! hand in the same container, two jobs against one, and the memory of what works
//! beside `pg_dump`. The store is moto, so half of what all take is its time.

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

/// Some 1 GB in PostgreSQL, in two tables: rows as they are in life, half of them
/// noise.
const DATABASE: &str = "create table one as
  select i, now() as at, md5(i::text) as noise, 'customer ' || i % 1000 as customer, repeat('some words ', 8) as text
  from generate_series(1, 2650000) i;
create table two as table one;
checkpoint;";
/// The bucket is `$1`. Parts as the module's are; `split` starts a curl for each.
const BY_HAND: &str = r#"set -eo pipefail
begun=$EPOCHREALTIME
upload=$(curl -sSfX POST "$1/by-hand?uploads" | sed -n 's/.*<UploadId>\(.*\)<.UploadId>.*/\1/p')
export url="$1/by-hand?uploadId=$upload"
PGPASSWORD=bench pg_dump -h db -U postgres -Fc -Z0 app | zstd -q -3 -T1 |
  SHELL=/bin/bash split -b 8M -a 5 --numeric-suffixes=1 --filter='curl -sSfT - -D - -o /dev/null "$url&partNumber=$((10#${FILE#x}))" > "/tmp/$FILE"'
{
  echo '<CompleteMultipartUpload>'
  for part in /tmp/x*; do
    etag=$(sed -n 's/^etag: *\([^\r]*\)\r*$/\1/Ip' "$part")
    echo "<Part><PartNumber>$((10#${part#/tmp/x}))</PartNumber><ETag>$etag</ETag></Part>"
  done
  echo '</CompleteMultipartUpload>'
} > /tmp/complete
curl -sSf -o /dev/null -H 'Content-Type: application/xml' --data-binary @/tmp/complete "$url"
ended=$EPOCHREALTIME
echo $(( ${ended/./} - ${begun/./} ))e-6
"#;
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
    fs::write(context.scratch.join("by-hand.sh"), BY_HAND)?;
    let server = "container | from postgres:15 | with-env-variable POSTGRES_PASSWORD bench | with-env-variable POSTGRES_DB app | with-file /docker-entrypoint-initdb.d/a.sql database.sql | with-exposed-port 5432 | as-service --use-entrypoint";
    let mut script = format!(
        "db=$({server})\nb=$({} env://URL --server $db)\n$b | detect | version\n.echo\n",
        module.display()
    );
    let backup = format!("$b | backup bench env://KEY env://KEY --endpoint {store} --keep-last 1");
    for round in 0..=context.rounds {
        script += &format!(
            "{backup} | seconds\n.echo\n\
             container | from postgres:15 | with-service-binding db $db | with-file /by-hand.sh by-hand.sh | with-env-variable ROUND {}{round} | with-exec -- bash /by-hand.sh {bucket} | stdout\n\
             {backup} --jobs 2 | seconds\n.echo\n",
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
    let seconds: Vec<f64> = text
        .lines()
        .skip(1)
        .filter_map(|line| line.trim().parse().ok())
        .collect();
    // Of each round: one process, by hand, two processes.
    let of = |place: usize| seconds.iter().skip(place).step_by(3).copied();
    let [mut single, mut by_hand, mut parallel] = [of(0), of(1), of(2)];
    let mut single = || single.next().ok_or_eyre("a round is missing");
    let mut by_hand = || by_hand.next().ok_or_eyre("a round is missing");
    let mut parallel = || parallel.next().ok_or_eyre("a round is missing");
    let turns: [&mut dyn FnMut() -> Result<f64>; 3] = [&mut single, &mut by_hand, &mut parallel];
    let [single, by_hand, parallel] = in_turns(context.rounds, turns)?;
    let [memory] = in_turns(1, [&mut || Ok(peak)])?;
    Ok(vec![
        Row {
            name: "backup: 1 GB of PostgreSQL into S3",
            ours: single.clone(),
            reference: Some(by_hand),
            bound: Bound::Times(1.1),
        },
        Row {
            name: "backup: two jobs, against one",
            ours: parallel,
            reference: Some(single),
            // 1.5 times as fast.
            bound: Bound::Times(0.667),
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
