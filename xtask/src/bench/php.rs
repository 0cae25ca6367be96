//! `php-build image` of the example application against the same commands by
//! hand, as a Dockerfile has them: `composer install`, `npm clean-install`,
//! `npm run build`, and the application copied to its place. Download caches are
//! warm on both sides.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::Path;

use eyre::{Result, WrapErr};
use xshell::cmd;

use super::bundle::Bundle;
use super::series::{Bound, Row, in_turns};
use super::{Context, nonce, time};

/// Composer's image with the Node.js of the other.
const TOOLS: &str = "container | from composer:2 | with-directory /usr/local $(container | from node:22 | directory /usr/local)";

const BY_HAND: &str = "composer install --no-dev --no-scripts --no-progress --prefer-dist --optimize-autoloader --ignore-platform-reqs \
    && npm clean-install --no-audit --no-fund && npm run build \
    && mkdir -p /var/task && rm -rf node_modules && cp -a . /var/task/";

pub fn measure(context: &Context) -> Result<Vec<Row>> {
    let sh = &context.project.sh;
    let checkout = |name: &str| context.example("php-app", name);
    let app = checkout("poniard")?;
    cmd!(sh, "git init --quiet {app}").quiet().run()?;
    let module = context.project.root.join("modules/php-build");
    let build = || {
        let mut command = context.poniard.command();
        command
            .args(["call", "-m"])
            .arg(&module)
            .args(["image", "sync"]);
        time(command.current_dir(&app))
    };

    let by_hand = context.scratch.join("by-hand");
    let caches = ["composer", "npm"].map(|name| context.scratch.join(format!("{name}-cache")));
    for dir in caches.iter().chain([&by_hand]) {
        fs::create_dir_all(dir)?;
    }
    let bundle = Bundle::of(context, TOOLS)?
        .command(&["sh", "-c", BY_HAND], "/by-hand/examples/php-app")
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
        checkout("by-hand")?;
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
    let row = |name, ours, bound| Row {
        name,
        ours,
        reference: Some(hand.clone()),
        bound,
    };
    Ok(vec![
        row("php: cold", cold, Bound::Times(1.1)),
        row("php: unchanged", unchanged, Bound::Times(0.5)),
        row("php: a source edited", source, Bound::Seconds(5.0)),
        row("php: a package changed", package, Bound::Times(1.0)),
    ])
}

/// Gives a manifest another description; the lock files do not depend on it.
fn describe(manifest: &Path) -> Result<()> {
    let mut value: serde_json::Value = serde_json::from_str(&fs::read_to_string(manifest)?)?;
    value["description"] = nonce().into();
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
