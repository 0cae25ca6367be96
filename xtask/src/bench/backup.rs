//! `db-backup backup` of a database of 1 GB against `pg_dump | zstd | upload` by
//! hand in the same container, two jobs against one, and the memory of what works
//! beside `pg_dump`. The store is moto, so half of what all take is its time.
//!
//! Server, tools and store share this machine. How many of its processors a single
//! job keeps busy, which is printed as well, says how much faster two can be.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

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
    let (peak, used) = watch.stop();
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
    print!("{}", used.told());
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

/// Looks at processes: the worker's highest resident size, and who computes how long.
struct Watch {
    stop: Arc<AtomicBool>,
    thread: thread::JoinHandle<(f64, Used)>,
}

impl Watch {
    fn start() -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let thread = thread::spawn(move || {
            let mut peak = 0_f64;
            let mut used = Used::default();
            while !stopped.load(Ordering::Relaxed) {
                let mut processes = Vec::new();
                for process in fs::read_dir("/proc").into_iter().flatten().flatten() {
                    let path = process.path();
                    if let Some(found) = Process::at(&path) {
                        if found.part == "module" {
                            let size = super::memory::highest_kilobytes(&path);
                            peak = peak.max(size.unwrap_or_default() * 1024.0 / 1e6);
                        }
                        processes.push(found);
                    }
                }
                used.add(&processes);
                thread::sleep(Duration::from_millis(20));
            }
            (peak, used)
        });
        Self { stop, thread }
    }

    fn stop(self) -> (f64, Used) {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().unwrap_or_default()
    }
}

/// One that takes part in a backup.
struct Process {
    id: u32,
    part: &'static str,
    /// What is measured while it runs.
    way: Option<&'static str>,
    /// That it has computed so far, also in the kernel.
    seconds: f64,
}

impl Process {
    fn at(path: &Path) -> Option<Self> {
        let id = path.file_name()?.to_str()?.parse().ok()?;
        let words = fs::read(path.join("cmdline")).ok()?;
        let words = String::from_utf8_lossy(&words);
        let stat = fs::read_to_string(path.join("stat")).ok()?;
        let (before, after) = stat.rsplit_once(')')?;
        let (_, name) = before.split_once('(')?;
        let (part, way) = match name {
            "postgres" => ("server", None),
            "pg_dump" => ("pg_dump", None),
            "curl" => ("curl", None),
            "zstd" => ("zstd", None),
            "split" => ("split", None),
            "bash" if words.contains("/by-hand.sh") => ("bash", Some("by hand")),
            _ if words.contains("moto_server") => ("store", None),
            _ => {
                let program = fs::read_link(path.join("exe")).ok()?;
                if !program.ends_with(&WORKER[1..]) {
                    return None;
                }
                let of = |jobs: &str| words.contains(&format!("\"jobs\":{jobs},"));
                let way = match (of("1"), of("2")) {
                    (true, _) => Some("one job"),
                    (_, true) => Some("two jobs"),
                    _ => None,
                };
                ("module", way)
            }
        };
        // utime and stime of proc(5), in ticks of 10 ms.
        let mut times = after.split_whitespace().skip(11);
        let mut ticks = || times.next()?.parse::<f64>().ok();
        let seconds = (ticks()? + ticks()?) / 100.0;
        Some(Self {
            id,
            part,
            way,
            seconds,
        })
    }
}

/// Processor time of each way to make a backup, by who took it.
#[derive(Default)]
struct Used {
    last: HashMap<u32, f64>,
    at: Option<Instant>,
    ways: BTreeMap<&'static str, (f64, BTreeMap<&'static str, f64>)>,
}

impl Used {
    fn add(&mut self, processes: &[Process]) {
        let now = Instant::now();
        let took = self.at.replace(now).map(|at| (now - at).as_secs_f64());
        let way = processes.iter().find_map(|process| process.way);
        let mut way = way.map(|way| self.ways.entry(way).or_default());
        if let (Some((seconds, _)), Some(took)) = (&mut way, took) {
            *seconds += took;
        }
        let mut all = HashMap::new();
        for process in processes {
            // Servers have been busy before.
            let before = self.last.get(&process.id).copied();
            let before = before.unwrap_or(match process.part {
                "server" | "store" => process.seconds,
                _ => 0.0,
            });
            if let Some((_, parts)) = &mut way {
                *parts.entry(process.part).or_default() += process.seconds - before;
            }
            all.insert(process.id, process.seconds);
        }
        self.last = all;
    }

    fn told(&self) -> String {
        let mut text = String::new();
        for (way, (seconds, parts)) in &self.ways {
            let busy = parts.values().sum::<f64>() / seconds;
            let parts: Vec<_> = parts
                .iter()
                .filter(|(_, used)| **used / seconds >= 0.005)
                .map(|(part, used)| format!("{part} {:.2}", used / seconds))
                .collect();
            text += &format!("{way}: {busy:.2} processors busy ({})\n", parts.join(", "));
        }
        text
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
