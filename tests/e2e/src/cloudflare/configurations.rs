//! Configurations of Wrangler, and where what they name is.

use super::stage::{SITE, Stage};

const WORKER: &str = "
import { greeting } from './greeting';
export default {
  async fetch(request: Request, env: any): Promise<Response> {
    const url = new URL(request.url);
    return url.pathname === '/api' ? new Response(greeting(env.STAGE)) : env.ASSETS.fetch(request);
  },
};
";

#[test]
fn a_script_beside_the_configuration_is_bundled_from_the_workspace() {
    let config = r#"
name = "site"
main = "src/worker.ts"
compatibility_date = "2026-01-01"
vars = { STAGE = "production" }

[assets]
directory = "./out"
binding = "ASSETS"

[env.staging]
vars = { STAGE = "staging" }
assets = { directory = "./out", binding = "ASSETS" }
"#;
    let stage = Stage::new("apps/site/wrangler.toml", config);
    let place = &stage.place;
    place.write("apps/site/src/worker.ts", WORKER);
    let greeting = "export const greeting = (stage: string) => `hello from ${stage}`;\n";
    place.write("apps/site/src/greeting.ts", greeting);
    // Wrangler would take variables from here.
    place.write(
        "apps/site/.env",
        "CLOUDFLARE_ACCOUNT_ID=ffffffffffffffffffffffffffffffff\n",
    );
    place.write("public/index.html", "<h1>page</h1>");
    let args = [
        "--dist",
        "public",
        "--wrangler-config",
        "apps/site/wrangler.toml",
        "--cloudflare-api-token",
        "env:CLOUDFLARE_WORKERS_TOKEN",
    ];
    let deploy = |more: &[&str]| stage.call(&[&["deploy"], &args[..], more].concat());
    let url = deploy(&["url"]);
    assert_eq!(stage.open(&url).body, "<h1>page</h1>");
    assert_eq!(
        stage.open(&format!("{url}/api")).body,
        "hello from production"
    );

    let url = deploy(&["--env", "staging", "url"]);
    assert_eq!(url, "https://site-staging.stand-in.workers.dev");
    assert_eq!(stage.open(&format!("{url}/api")).body, "hello from staging");
}

#[test]
fn a_build_with_parts_is_deployed_as_it_was_built() {
    let stage = Stage::new(
        "wrangler.jsonc",
        r#"{ "name": "site", "main": "./dist/server/index.js", "compatibility_date": "2026-01-01",
             "assets": { "directory": "./dist/client", "run_worker_first": ["/api"] } }"#,
    );
    let place = &stage.place;
    place.write("dist/client/index.html", "<h1>client</h1>");
    place.write(
        "dist/server/index.js",
        "import { word } from './chunk.js';\nexport default { fetch: () => new Response(word) };\n",
    );
    place.write("dist/server/chunk.js", "export const word = 'server';\n");
    let url = stage.send("deploy", &["url"]);
    assert_eq!(stage.open(&url).body, "<h1>client</h1>");
    assert_eq!(stage.open(&format!("{url}/api")).body, "server");
}

#[test]
fn faults_of_the_configuration_are_told_before_anything_is_sent() {
    let stage = Stage::new("wrangler.jsonc", &SITE.replace("\"site\"", "\"My Site\""));
    stage.page("first");
    let done = stage.try_send("deploy", &[]);
    stage.failed(&done, &["wrangler.jsonc:3:11: `name` is `My Site`"]);

    stage.place.write("wrangler.jsonc", SITE);
    let done = stage.try_send("deploy", &["--env", "live"]);
    stage.failed(&done, &["wrangler.jsonc:1:1: no environment `live`"]);

    let script = SITE.replace("\"assets\"", "\"main\": \"src/worker.ts\", \"assets\"");
    stage.place.write("wrangler.jsonc", script);
    let done = stage.try_send("deploy", &[]);
    stage.failed(
        &done,
        &[
            "wrangler.jsonc:5:11: `main`: no `src/worker.ts`",
            "`index.html`",
        ],
    );
    assert_eq!(stage.cloudflare.requests().len(), 0);
}
