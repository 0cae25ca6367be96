//! `lambda-publish` against the same calls of AWS from a script with boto3, whole
//! and its calls alone, and against the time in which AWS and the registry were asked
//! something, near by and far away; and the push of an image whose layers are
//! there. AWS is moto, the registry that of Debian.

use std::cell::Cell;
use std::fs;
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use eyre::{OptionExt, Result, WrapErr, bail};

use super::series::{Bound, Row, in_turns};
use super::wire::{self, Wire, Work};
use super::{Context, nonce, time};
use crate::{setup, tools};

const SCRIPT: &str = include_str!("lambda.py");
const MOTO: &str = include_str!("moto.py");
/// For how long a function is InProgress after a new image, halfway between two
/// polls. At AWS it is longer: some 25 s for an image
/// (<https://github.com/aws/aws-cdk/pull/18536>), two minutes for one of 4 GB
/// (<https://github.com/fujiwara/lambroll/issues/313>).
const UPDATE: Duration = Duration::from_millis(6500);

pub fn measure(context: &Context) -> Result<Vec<Row>> {
    setup::install(&context.project.sh, &[setup::TESTS, setup::PYTHON])?;
    tools::python(context.project)?;
    let mut cloud = Cloud::start(context)?;
    cloud.script("set-up", &[])?;

    // Two images in turns: each time the function's code changes.
    let mut images = Vec::new();
    for name in ["one", "two"] {
        let image = image(&format!("with-new-file /which {name}"));
        let mut command = cloud.ours(&format!(
            "publish {image} site site --tag {name} | image-digest"
        ));
        let done = command.stdin(Stdio::null()).output()?;
        if !done.status.success() {
            bail!("cannot publish:\n{}", String::from_utf8_lossy(&done.stderr));
        }
        images.push(String::from_utf8_lossy(&done.stdout).trim().to_owned());
    }
    let mut turn = images.iter().cycle();
    let mut next = move || turn.next().cloned().unwrap_or_default();
    let mut next_by_hand = next.clone();
    let mut hand = || time(&mut cloud.script_command(cloud.moto, "publish", &[&next_by_hand()]));
    let mut ours = || cloud.publish(&next());
    let [publish, script] = in_turns(context.rounds, [&mut ours, &mut hand])?;
    let mut rows = vec![
        Row {
            name: "lambda: an image becomes a version, against boto3",
            ours: publish,
            reference: Some(script),
            bound: Bound::Times(1.1),
        },
        Row {
            name: "lambda: the same with a push, layers there",
            ours: in_turns(context.rounds, [&mut || cloud.push()])?
                .into_iter()
                .next()
                .ok_or_eyre("no series")?,
            reference: None,
            bound: Bound::Seconds(2.0),
        },
    ];
    let (near, far) = (Duration::ZERO, Duration::from_millis(100));
    cloud.place(far, UPDATE)?;
    let mut calls = || cloud.calls(&next_by_hand());
    let mut ours = || cloud.publish(&next());
    let [ours, calls] = in_turns(context.rounds, [&mut ours, &mut calls])?;
    rows.push(Row {
        name: "lambda: over boto3's calls and waits, 100 ms away, 6.5 s InProgress",
        ours,
        reference: Some(calls),
        bound: Bound::Times(1.1),
    });
    // Over the time in which AWS or the registry was asked something, or worked.
    for (name, round_trip, update, pushes) in [
        (
            "lambda: over AWS's own time, without a push, 0 ms away",
            near,
            near,
            false,
        ),
        (
            "lambda: over AWS's own time, without a push, 100 ms away",
            far,
            near,
            false,
        ),
        (
            "lambda: over AWS's own time, without a push, 100 ms away, 6.5 s InProgress",
            far,
            UPDATE,
            false,
        ),
        (
            "lambda: over AWS's own time, with a push, 0 ms away",
            near,
            near,
            true,
        ),
        (
            "lambda: over AWS's own time, with a push, 100 ms away",
            far,
            near,
            true,
        ),
        (
            "lambda: over AWS's own time, with a push, 100 ms away, 6.5 s InProgress",
            far,
            UPDATE,
            true,
        ),
    ] {
        cloud.place(round_trip, update)?;
        let asked = Cell::new(0.0);
        let mut ours = || {
            cloud.asked();
            let seconds = match pushes {
                true => cloud.push(),
                false => cloud.publish(&next()),
            };
            asked.set(cloud.asked());
            seconds
        };
        let [ours, asked] = in_turns(context.rounds, [&mut ours, &mut || Ok(asked.get())])?;
        rows.push(Row {
            name,
            ours,
            reference: Some(asked),
            bound: Bound::Times(1.1),
        });
    }
    Ok(rows)
}

const SITE: &str = "site --alias live --keep 0";

/// An image that differs by this, as an expression of the shell.
fn image(difference: &str) -> String {
    format!("$(container | from debian:bookworm-slim | {difference})")
}

/// moto and a registry, until this is dropped.
struct Cloud<'a> {
    context: &'a Context<'a>,
    processes: Vec<Child>,
    /// An address of this machine that containers reach.
    host: String,
    moto: u16,
    registry: u16,
    /// To both of them.
    wires: Vec<Wire>,
    settings: PathBuf,
}

impl<'a> Cloud<'a> {
    fn start(context: &'a Context<'a>) -> Result<Self> {
        let socket = UdpSocket::bind("0.0.0.0:0")?;
        // No packet is sent for this.
        socket.connect("192.0.2.1:9")?;
        let host = socket.local_addr()?.ip().to_string();
        let port =
            || -> Result<u16> { Ok(TcpListener::bind((host.as_str(), 0))?.local_addr()?.port()) };
        let (moto, registry) = (port()?, port()?);
        let scratch = &context.scratch;
        let configuration = scratch.join("registry.yml");
        let images = scratch.join("images");
        fs::write(
            &configuration,
            format!(
                "version: 0.1\nstorage: {{filesystem: {{rootdirectory: {}}}}}\nhttp: {{addr: '{host}:{registry}'}}\n",
                images.display()
            ),
        )?;
        let mut cloud = Self {
            context,
            processes: Vec::new(),
            host: host.clone(),
            moto,
            registry,
            wires: Vec::new(),
            settings: PathBuf::new(),
        };
        let mut server = cloud.tool("python3");
        server.args(["-c", MOTO]).arg(cloud.update());
        server.args(["-H", &host, "-p", &moto.to_string()]);
        cloud.run(server, moto)?;
        let mut server = Command::new("docker-registry");
        server.arg("serve").arg(configuration);
        cloud.run(server, registry)?;
        cloud.place(Duration::ZERO, Duration::ZERO)?;
        Ok(cloud)
    }

    /// Where AWS is from now on, and how long it updates a function.
    fn place(&mut self, round_trip: Duration, update: Duration) -> Result<()> {
        fs::write(self.update(), update.as_secs_f64().to_string())?;
        let work = Work {
            request: "/code HTTP/1.1",
            takes: update,
        };
        let wire = |port| {
            let server = SocketAddr::new(self.host.parse()?, port);
            Wire::new(&self.host, server, round_trip, Some(work))
        };
        self.wires = vec![wire(self.moto)?, wire(self.registry)?];
        self.settings = self.settings()?;
        Ok(())
    }

    /// The file that says how long an update takes.
    fn update(&self) -> PathBuf {
        self.context.scratch.join("update")
    }

    /// Seconds in which something was asked since the last time.
    fn asked(&self) -> f64 {
        wire::covered(self.wires.iter().flat_map(Wire::take).collect())
    }

    /// Publishes an image that is in the registry.
    fn publish(&self, digest: &str) -> Result<f64> {
        time(&mut self.ours(&format!("publish-ref site@{digest} {SITE}")))
    }

    /// Publishes an image whose layers are there.
    fn push(&self) -> Result<f64> {
        let image = image(&format!("with-label nonce {}", nonce()));
        time(&mut self.ours(&format!("publish {image} site {SITE} --tag {}", nonce())))
    }

    /// The repository's, with the registry as one without TLS.
    fn settings(&self) -> Result<PathBuf> {
        let root = &self.context.project.root;
        let file = self.context.scratch.join("poniard.toml");
        // Recipes are found beside the settings.
        let recipes = fs::read_to_string(root.join("poniard.toml"))?;
        let recipes = recipes.replace("\"images/", &format!("\"{}/images/", root.display()));
        let insecure: Vec<String> = self
            .wires
            .iter()
            .map(|wire| format!("\"{}\"", wire.address))
            .collect();
        let registry = format!("[registry]\ninsecure = [{}]\n", insecure.join(", "));
        fs::write(&file, format!("{recipes}\n{registry}"))?;
        Ok(file)
    }

    fn run(&mut self, mut server: Command, port: u16) -> Result<()> {
        let quiet = server.stdin(Stdio::null()).stdout(Stdio::null());
        let started = quiet.stderr(Stdio::null()).spawn();
        self.processes
            .push(started.wrap_err_with(|| format!("cannot run {server:?}"))?);
        let deadline = Instant::now() + Duration::from_secs(30);
        while TcpStream::connect((self.host.as_str(), port)).is_err() {
            if Instant::now() > deadline {
                bail!("nothing listens on port {port}");
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(())
    }

    /// A program of `tests/tools`, or else of the system.
    fn tool(&self, name: &str) -> Command {
        let home = self.context.project.target.join("tools/python");
        let there = home.join("bin").join(name);
        let mut command = match there.is_file() {
            true => Command::new(there),
            false => Command::new(name),
        };
        command.env("PYTHONPATH", home);
        command
    }

    /// Seconds that the calls of the script take, as far away as AWS is, without
    /// the start of Python.
    fn calls(&self, digest: &str) -> Result<f64> {
        let wire = self.wires.first().ok_or_eyre("no wire")?;
        let mut command = self.script_command(wire.address.port(), "publish", &[digest]);
        let done = command.stderr(Stdio::inherit()).output()?;
        let said = String::from_utf8_lossy(&done.stdout);
        said.trim()
            .parse()
            .wrap_err_with(|| format!("the script failed: {said}"))
    }

    fn script_command(&self, port: u16, step: &str, args: &[&str]) -> Command {
        let mut command = self.tool("python3");
        command
            .args(["-c", SCRIPT, step])
            .args(args)
            .env("AWS_ENDPOINT_URL", format!("http://{}:{port}", self.host))
            .env("AWS_DEFAULT_REGION", "eu-west-1")
            .env("AWS_ACCESS_KEY_ID", "test")
            .env("AWS_SECRET_ACCESS_KEY", "test");
        command
    }

    fn script(&self, step: &str, args: &[&str]) -> Result<()> {
        time(&mut self.script_command(self.moto, step, args)).map(drop)
    }

    fn ours(&self, rest: &str) -> Command {
        let addresses: Vec<String> = self
            .wires
            .iter()
            .map(|wire| wire.address.to_string())
            .collect();
        let [moto, registry] = addresses.as_slice() else {
            unreachable!("there are two wires");
        };
        let script = format!(
            "lambda-publish --region eu-west-1 --endpoint http://{moto} --registry http://{registry} \
             --access-key-id env://KEY --secret-access-key env://KEY | {rest}"
        );
        let mut command = self.context.poniard.command();
        command
            .arg("-m")
            .arg(self.context.project.root.join("modules/lambda-publish"))
            .args(["-c", &script])
            .env("PONIARD_CONFIG", &self.settings)
            .env("KEY", "test");
        command
    }
}

impl Drop for Cloud<'_> {
    fn drop(&mut self) {
        for process in &mut self.processes {
            let _ = process.kill();
            let _ = process.wait();
        }
    }
}
