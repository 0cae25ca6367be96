//! `bun-website build` of the example site against `bun ci && bun run build` by
//! hand in a fresh checkout, in the file system of the same container. The
//! download cache is warm on both sides.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::Path;

use eyre::{Result, WrapErr};
use xshell::cmd;

use super::bundle::Bundle;
use super::series::{Bound, Row, in_turns};
use super::{Context, nonce, time};

pub fn measure(context: &Context) -> Result<Vec<Row>> {
    let sh = &context.project.sh;
    let checkout = |name: &str| context.example("website", name);
    let site = checkout("poniard")?;
    cmd!(sh, "git init --quiet {site}").quiet().run()?;
    let module = context.project.root.join("modules/bun-website");
    let build = || {
        let mut command = context.poniard.command();
        command
            .args(["call", "-m"])
            .arg(&module)
            .args(["with-d-2", "build", "--source", ".", "-o", "dist"]);
        time(command.current_dir(&site))
    };

    let by_hand = context.scratch.join("by-hand");
    let cache = context.scratch.join("bun-cache");
    fs::create_dir_all(&cache)?;
    fs::create_dir_all(&by_hand)?;
    let image = format!(
        "{} | with-d-2 | install --source $(host | directory {})",
        module.display(),
        site.display()
    );
    let bundle = Bundle::of(context, &image)?
        .command(
            &["sh", "-c", "bun ci && bun run build"],
            "/by-hand/examples/website",
        )
        .bind(&by_hand, "/by-hand")?
        .bind(&cache, "/root/.bun/install/cache")?
        .env("CI", "1")?
        .env("ASTRO_TELEMETRY_DISABLED", "1")?
        .on_host_network()?;

    let mut hand = || {
        fs::remove_dir_all(&by_hand).wrap_err("cannot remove the checkout of the last round")?;
        checkout("by-hand")?;
        bundle.time()
    };
    let mut cold = || {
        // A new manifest: neither the installation nor the build is in a cache.
        let manifest = site.join("package.json");
        let text = fs::read_to_string(&manifest)?;
        let mut package: serde_json::Value = serde_json::from_str(&text)?;
        package["description"] = nonce().into();
        fs::write(&manifest, serde_json::to_string_pretty(&package)?)?;
        build()
    };
    let mut unchanged = &build;
    let mut edited = || {
        edit(&site)?;
        build()
    };
    let [hand, cold, unchanged, edited] = in_turns(
        context.rounds.min(5),
        [&mut hand, &mut cold, &mut unchanged, &mut edited],
    )?;
    let row = |name, ours, limit| Row {
        name,
        ours,
        reference: Some(hand.clone()),
        bound: Bound::Times(limit),
    };
    Ok(vec![
        row("website: cold", cold, 1.1),
        row("website: unchanged", unchanged, 0.05),
        row("website: one page edited", edited, 0.75),
    ])
}

/// Changes a page.
fn edit(site: &Path) -> Result<()> {
    let page = site.join("src/pages/about.astro");
    let mut page = OpenOptions::new()
        .append(true)
        .open(page)
        .wrap_err("cannot edit a page")?;
    Ok(writeln!(page, "<p>{}</p>", nonce())?)
}
