//! `cloudflare-deploy preview` of a site of which one page was edited, note in
//! the merge request included, against `wrangler versions upload` by hand in the
//! same image. Both talk to the same stand-ins.

use std::fs;
use std::path::Path;

use eyre::{OptionExt, Result, WrapErr};
use serde_json::Value;
use xshell::cmd;

use super::bundle::Bundle;
use super::series::{Bound, Row, in_turns};
use super::{Context, nonce, time};
use crate::demo::services::{ACCOUNT, StandIn, TOKEN};

const PAGES: usize = 100;
const CONFIG: &str = r#"{ "name": "site", "compatibility_date": "2026-01-01", "assets": { "directory": "./dist" } }"#;

pub fn measure(context: &Context) -> Result<Vec<Row>> {
    let sh = &context.project.sh;
    cmd!(sh, "cargo build --package stand-ins").quiet().run()?;
    let stand_ins = context.project.target.join("debug/stand-ins");
    let cloudflare = StandIn::start(&stand_ins, "cloudflare", "STAND_IN_CLOUDFLARE_TOKEN")?;
    let gitlab = StandIn::start(&stand_ins, "gitlab", "STAND_IN_GITLAB_TOKEN")?;

    let site = context.scratch.join("site");
    fs::create_dir_all(site.join("dist"))?;
    fs::write(site.join("wrangler.jsonc"), CONFIG)?;
    for page in 0..PAGES {
        let text = format!("<h1>Page {page}</h1>\n").repeat(200);
        fs::write(site.join(format!("dist/{page}.html")), text)?;
    }
    cmd!(sh, "git init --quiet {site}").quiet().run()?;

    let module = context.project.root.join("modules/cloudflare-deploy");
    let call = |function: &str, more: &[&str]| {
        let mut command = context.poniard.command();
        command
            .args(["call", "-m"])
            .arg(&module)
            .args(["--api-url", cloudflare.url(), "--account-id", ACCOUNT])
            .args(["--gitlab-url", gitlab.url(), "--gitlab-project-id", "42"])
            .args([function, "--dist", "dist"])
            .args(["--wrangler-config", "wrangler.jsonc"])
            .args(["--cloudflare-api-token", "env:TOKEN"])
            .args(more)
            .arg("summary")
            .env("TOKEN", TOKEN)
            .current_dir(&site);
        time(&mut command)
    };
    edit(&site)?;
    call("deploy", &[])?;
    let note = ["--gitlab-api-token", "env:TOKEN", "--merge-request-id", "1"];
    let mut preview = || {
        edit(&site)?;
        call("preview", &note)
    };

    let plain = by_hand(context, &site, cloudflare.url(), &module)?;
    let compiled = plain
        .clone()
        .env("NODE_COMPILE_CACHE", "/opt/wrangler/compiled")?;
    let mut hand = || {
        edit(&site)?;
        plain.time()
    };
    let mut hand_compiled = || {
        edit(&site)?;
        compiled.time()
    };
    let [preview, hand, hand_compiled] = in_turns(
        context.rounds,
        [&mut preview, &mut hand, &mut hand_compiled],
    )?;
    let row = |name, reference, limit| Row {
        name,
        ours: preview.clone(),
        reference: Some(reference),
        bound: Bound::Times(limit),
    };
    Ok(vec![
        row("preview: one page edited", hand, 1.15),
        // Wrangler with what Node.js compiled in an earlier run, as the module has it.
        row(
            "preview: the same, Wrangler precompiled",
            hand_compiled,
            1.5,
        ),
    ])
}

/// Wrangler in the file system of the image that the module makes.
fn by_hand(context: &Context, site: &Path, api: &str, module: &Path) -> Result<Bundle> {
    let version = wrangler_version(module)?;
    let install = format!(
        "container | from node:22-slim | with-exec -- npm install --prefix /opt/wrangler --ignore-scripts --no-audit --no-fund wrangler@{version}"
    );
    let command = "/opt/wrangler/node_modules/wrangler/bin/wrangler.js";
    let args = [
        "node",
        command,
        "versions",
        "upload",
        "--preview-alias=by-hand",
    ];
    Bundle::of(context, &install)?
        .command(&args, "/site")
        .bind(site, "/site")?
        .env("CI", "1")?
        .env("WRANGLER_HIDE_BANNER", "true")?
        .env("WRANGLER_SEND_METRICS", "false")?
        .env("CLOUDFLARE_API_BASE_URL", api)?
        .env("CLOUDFLARE_ACCOUNT_ID", ACCOUNT)?
        .env("CLOUDFLARE_API_TOKEN", TOKEN)?
        .on_host_network()
}

/// The default of the module's argument.
fn wrangler_version(module: &Path) -> Result<String> {
    let path = module.join("dagger.types.json");
    let types = fs::read(&path).wrap_err_with(|| format!("cannot read `{}`", path.display()))?;
    let types: Value = serde_json::from_slice(&types)?;
    let args = types["objects"][0]["constructor"]["args"].as_array();
    let version = args
        .into_iter()
        .flatten()
        .find(|arg| arg["name"] == "wranglerVersion")
        .and_then(|arg| arg["defaultValue"].as_str());
    let version = version.ok_or_eyre("the module has no default version of Wrangler")?;
    Ok(version.trim_matches('"').to_owned())
}

/// Changes a page.
fn edit(site: &Path) -> Result<()> {
    let page = site.join("dist/0.html");
    Ok(fs::write(page, format!("<h1>{}</h1>", nonce()))?)
}
