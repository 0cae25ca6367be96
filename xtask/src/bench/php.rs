//! `php-build image` against the same commands by hand, as a Dockerfile has
//! them: `composer install`, `npm clean-install`, `npm run build`, and the
//! application copied to its place. Download caches are warm on both sides. Once
//! of the example application, and once of one as large as a site with Craft CMS.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use eyre::{OptionExt, Result, WrapErr, bail};
use serde_json::{Value, json};
use xshell::cmd;

use super::bundle::Bundle;
use super::series::{Bound, Row, in_turns};
use super::{Context, nonce, time};

/// Composer's image with the Node.js of the other.
const TOOLS: &str = "container | from composer:2 | with-directory /usr/local $(container | from node:22 | directory /usr/local)";

const BY_HAND: &str = "composer install --no-dev --no-scripts --no-progress --prefer-dist --optimize-autoloader --ignore-platform-reqs \
    && npm clean-install --no-audit --no-fund && npm run build \
    && mkdir -p /var/task && rm -rf node_modules && cp -a . /var/task/";

/// Serves Composer packages.
const PACKAGES: &str = include_str!("php.py");

/// What a site's front end is made with.
const FRONT_END: [(&str, &str); 9] = [
    ("@vitejs/plugin-vue", "^6.0.0"),
    ("alpinejs", "^3.14.0"),
    ("chart.js", "^4.4.0"),
    ("eslint", "^9.0.0"),
    ("prettier", "^3.3.0"),
    ("sass", "^1.80.0"),
    ("three", "^0.170.0"),
    ("typescript", "^5.6.0"),
    ("vue", "^3.5.0"),
];
const SCRIPT: &str = "import Alpine from 'alpinejs';\nimport { Chart } from 'chart.js/auto';\nimport * as three from 'three';\nimport { createApp } from 'vue';\nObject.assign(window, { Alpine, Chart, createApp, three });\n";

pub fn measure(context: &Context) -> Result<Vec<Row>> {
    let bundle = Bundle::of(context, TOOLS)?;
    let example = context.example("php-app", "example")?;
    let names = [
        "php: cold",
        "php: unchanged",
        "php: a source edited",
        "php: a package changed",
    ];
    let mut rows = measure_one(context, &bundle, &example, names)?;

    let large = context.example("php-app", "large")?;
    let _packages = Packages::grow(context, &large)?;
    let names = [
        "php, a large site: cold",
        "php, a large site: unchanged",
        "php, a large site: a source edited",
        "php, a large site: a package changed",
    ];
    rows.extend(measure_one(context, &bundle, &large, names)?);
    Ok(rows)
}

fn measure_one(
    context: &Context,
    bundle: &Bundle,
    original: &Path,
    names: [&'static str; 4],
) -> Result<Vec<Row>> {
    let sh = &context.project.sh;
    let above = original.parent().ok_or_eyre("a project has a parent")?;
    let [app, by_hand] = ["poniard", "by-hand"].map(|name| above.join(name));
    cmd!(sh, "cp -r {original} {app}").quiet().run()?;
    cmd!(sh, "git init --quiet {app}").quiet().run()?;
    let module = context.project.root.join("modules/php-build");
    let build = || {
        settle();
        let mut command = context.poniard.command();
        command
            .args(["call", "-m"])
            .arg(&module)
            .args(["image", "sync"]);
        time(command.current_dir(&app))
    };

    let caches = ["composer", "npm"].map(|name| above.join(format!("{name}-cache")));
    for dir in caches.iter().chain([&by_hand]) {
        fs::create_dir_all(dir)?;
    }
    let bundle = bundle
        .clone()
        .command(&["sh", "-c", BY_HAND], "/by-hand/site")
        .bind(&by_hand, "/by-hand")?
        .bind(&caches[0], "/var/cache/composer")?
        .bind(&caches[1], "/var/cache/npm")?
        .env("COMPOSER_ALLOW_SUPERUSER", "1")?
        .env("COMPOSER_CACHE_DIR", "/var/cache/composer")?
        .env("COMPOSER_MIRROR_PATH_REPOS", "1")?
        .env("NPM_CONFIG_CACHE", "/var/cache/npm")?
        .env("NPM_CONFIG_UPDATE_NOTIFIER", "false")?
        .env("CI", "1")?
        .on_host_network()?;
    let mut hand = || {
        fs::remove_dir_all(&by_hand).wrap_err("cannot remove the checkout of the last round")?;
        fs::create_dir_all(&by_hand)?;
        let task = bundle.path("var/task");
        cmd!(sh, "rm -rf {task}").quiet().run()?;
        cmd!(sh, "cp -r {original} {by_hand}/site").quiet().run()?;
        settle();
        bundle.time()
    };
    let mut cold = || {
        // New manifests: nothing that reads them is in a cache.
        for file in ["composer.json", "package.json"] {
            describe(&app.join(file))?;
        }
        build()
    };
    let mut unchanged = &build;
    let mut source = || {
        append(&app.join("src/Pages.php"))?;
        build()
    };
    let mut package = || {
        append(&app.join("packages/lambda-runtime/src/ConsoleRuntime/Main.php"))?;
        build()
    };
    let [hand, cold, unchanged, source, package] = in_turns(
        context.rounds.min(5),
        [
            &mut hand,
            &mut cold,
            &mut unchanged,
            &mut source,
            &mut package,
        ],
    )?;
    let series = [cold, unchanged, source, package];
    let bounds = [
        Bound::Times(1.1),
        Bound::Times(0.5),
        Bound::Seconds(5.0),
        Bound::Times(1.0),
    ];
    let rows = names.into_iter().zip(series).zip(bounds);
    Ok(rows
        .map(|((name, ours), bound)| Row {
            name,
            ours,
            reference: Some(hand.clone()),
            bound,
        })
        .collect())
}

/// Writes out what is still to be written: nobody pays for another's files.
fn settle() {
    rustix::fs::sync();
}

/// Gives a manifest another description; the lock files do not depend on it.
fn describe(manifest: &Path) -> Result<()> {
    change(manifest, |value| value["description"] = nonce().into())
}

fn change(manifest: &Path, change: impl FnOnce(&mut Value)) -> Result<()> {
    let mut value: Value = serde_json::from_str(&fs::read_to_string(manifest)?)?;
    change(&mut value);
    Ok(fs::write(manifest, serde_json::to_string_pretty(&value)?)?)
}

/// Changes a file of PHP.
fn append(file: &Path) -> Result<()> {
    let mut file = OpenOptions::new()
        .append(true)
        .open(file)
        .wrap_err("cannot edit a file")?;
    Ok(writeln!(file, "// {}", nonce())?)
}

/// A server of Composer packages, until it is dropped.
struct Packages(Child);

impl Packages {
    /// Starts it, and makes `site` need all that it has, and a usual front end.
    fn grow(context: &Context, site: &Path) -> Result<Self> {
        let socket = UdpSocket::bind("0.0.0.0:0")?;
        // No packet is sent for this: it is an address that containers reach.
        socket.connect("192.0.2.1:9")?;
        let host = socket.local_addr()?.ip().to_string();
        let port = TcpListener::bind((host.as_str(), 0))?.local_addr()?.port();
        let folder = context.scratch.join("packages");
        let mut server = Command::new("python3");
        server.args(["-c", PACKAGES, &host, &port.to_string()]);
        let server = server.arg(&folder).stderr(Stdio::null()).spawn();
        let server = Self(server.wrap_err("cannot run `python3`")?);
        let deadline = Instant::now() + Duration::from_secs(120);
        while TcpStream::connect((host.as_str(), port)).is_err() {
            if Instant::now() > deadline {
                bail!("nothing listens on port {port}");
            }
            std::thread::sleep(Duration::from_millis(20));
        }

        let index: Value = serde_json::from_slice(&fs::read(folder.join("packages.json"))?)?;
        let names = index["packages"].as_object();
        change(&site.join("composer.json"), |manifest| {
            for (name, _) in names.into_iter().flatten() {
                manifest["require"][name] = "^1.0".into();
            }
            let from = json!({ "type": "composer", "url": format!("http://{host}:{port}") });
            let repositories = manifest["repositories"].as_array_mut();
            repositories
                .into_iter()
                .for_each(|list| list.insert(0, from.clone()));
            manifest["config"]["secure-http"] = false.into();
        })?;
        change(&site.join("package.json"), |manifest| {
            for (name, version) in FRONT_END {
                manifest["devDependencies"][name] = version.into();
            }
        })?;
        fs::write(site.join("resources/app.js"), SCRIPT)?;
        for (image, command, file) in [
            (
                "composer:2",
                "composer update --no-install --no-scripts --ignore-platform-reqs",
                "composer.lock",
            ),
            (
                "node:22",
                "npm install --package-lock-only --no-audit --no-fund",
                "package-lock.json",
            ),
        ] {
            let shown = site.display();
            time(&mut context.script(&format!(
                "container | from {image} | with-directory /site $(host | directory {shown}) | with-workdir /site \
                 | with-exec -- {command} | file {file} | export {shown}/{file}"
            )))?;
        }
        Ok(server)
    }
}

impl Drop for Packages {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
