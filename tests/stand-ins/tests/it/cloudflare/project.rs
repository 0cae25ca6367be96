//! A folder with a Wrangler configuration, and the account that it deploys to.

use std::fs;
use std::path::Path;
use std::process::Stdio;

use serde_json::Value;
use stand_ins::cloudflare::{Cloudflare, Page, Worker};
use tempfile::TempDir;
use test_support::tools;

pub struct Project {
    pub folder: TempDir,
    pub cloudflare: Cloudflare,
    token: String,
}

/// What a run of Wrangler left.
#[derive(Debug)]
pub struct Ran {
    pub ok: bool,
    pub output: String,
    /// Lines of `WRANGLER_OUTPUT_FILE_PATH`.
    pub events: Vec<Value>,
}

const SITE: &str = r#"{
    "name": "site",
    "compatibility_date": "2026-01-01",
    "assets": { "directory": "./dist", "not_found_handling": "404-page" }
}"#;

const APP: &str = r#"{
    "name": "app",
    "main": "index.js",
    "compatibility_date": "2026-01-01",
    "assets": { "directory": "./dist", "binding": "ASSETS", "run_worker_first": ["/api/*"] },
    "vars": { "GREETING": "hello", "LIMITS": { "most": 3 } },
    "version_metadata": { "binding": "VERSION" },
    "env": { "staging": { "vars": { "GREETING": "hello from staging", "LIMITS": { "most": 1 } } } }
}"#;

const CODE: &str = r#"
export default {
    async fetch(request, env) {
        const url = new URL(request.url);
        if (url.pathname === "/api/env") {
            return Response.json({
                url: request.url,
                greeting: env.GREETING,
                limits: env.LIMITS,
                secret: env.PASSWORD ?? null,
                version: env.VERSION?.id,
            });
        }
        const page = await env.ASSETS.fetch(request);
        const answer = new Response(page.body, page);
        answer.headers.set("x-worker", "app");
        return answer;
    },
};
"#;

impl Project {
    /// Pages alone, with a page for what is not found.
    pub fn site() -> Project {
        let project = Project::new(SITE);
        project.write("dist/index.html", "<h1>home</h1>");
        project.write("dist/docs/index.html", "<h1>docs</h1>");
        project.write("dist/about.html", "<h1>about</h1>");
        project.write("dist/404.html", "<h1>not here</h1>");
        project.write("dist/style.css", "body { margin: 0 }");
        project.write("dist/a b.txt", "a name with a blank");
        project.write("dist/_headers", "/docs/*\n  X-Section: docs\n");
        project.write("dist/_redirects", "/old /docs/ 301\n");
        project
    }

    /// Code in front of pages, with variables and an environment.
    pub fn app() -> Project {
        let project = Project::new(APP);
        project.write("index.js", CODE);
        project.write("dist/index.html", "<h1>app</h1>");
        project
    }

    pub fn new(config: &str) -> Project {
        let cloudflare = Cloudflare::start().expect("a stand-in");
        let project = Project {
            folder: tempfile::tempdir().expect("a folder"),
            token: cloudflare.settings().token.clone(),
            cloudflare,
        };
        project.write("wrangler.jsonc", config);
        project
    }

    pub fn with_token(mut self, token: &str) -> Project {
        self.token = token.to_owned();
        self
    }

    pub fn write(&self, path: &str, text: &str) {
        let path = self.folder.path().join(path);
        let folder = path.parent().expect("a folder");
        fs::create_dir_all(folder).expect("a folder");
        fs::write(path, text).expect("a file");
    }

    /// Runs Wrangler, which must succeed and ask for nothing that is not there.
    pub fn wrangler(&self, args: &[&str]) -> Ran {
        let ran = self.run(args, "");
        assert!(ran.ok, "wrangler {args:?}: {}", ran.output);
        assert_eq!(
            self.cloudflare.unknown_requests(),
            [""; 0],
            "wrangler {args:?}"
        );
        ran
    }

    /// Runs Wrangler, which must fail.
    pub fn refused(&self, args: &[&str]) -> Ran {
        let ran = self.run(args, "");
        assert!(!ran.ok, "wrangler {args:?}: {}", ran.output);
        ran
    }

    pub fn run(&self, args: &[&str], input: &str) -> Ran {
        let home = self.folder.path().join("home");
        fs::create_dir_all(&home).expect("a folder");
        let events = home.join("events");
        let _ = fs::remove_file(&events);
        let stdin = home.join("stdin");
        fs::write(&stdin, input).expect("a file");
        let done = tools::command("wrangler")
            .args(args)
            .current_dir(self.folder.path())
            .env("HOME", &home)
            .env("XDG_CONFIG_HOME", &home)
            .env("CI", "1")
            .env("NO_COLOR", "1")
            .env("CLOUDFLARE_API_BASE_URL", self.cloudflare.api_url())
            .env("CLOUDFLARE_API_TOKEN", &self.token)
            .env(
                "CLOUDFLARE_ACCOUNT_ID",
                &self.cloudflare.settings().account_id,
            )
            .env("WRANGLER_OUTPUT_FILE_PATH", &events)
            .stdin(Stdio::from(fs::File::open(&stdin).expect("a file")))
            .output()
            .expect("no wrangler: run `cargo xtask tools`");
        Ran {
            ok: done.status.success(),
            output: [done.stdout, done.stderr]
                .map(|text| String::from_utf8_lossy(&text).into_owned())
                .concat(),
            events: lines(&events),
        }
    }

    pub fn worker(&self, name: &str) -> Worker {
        self.cloudflare.worker(name).expect("no such worker")
    }

    pub fn open(&self, url: &str) -> Page {
        self.cloudflare.open(url).expect("no answer")
    }
}

impl Ran {
    /// The event of a type.
    pub fn event(&self, kind: &str) -> &Value {
        let event = self.events.iter().find(|event| event["type"] == kind);
        event.unwrap_or_else(|| panic!("no event {kind}: {}", self.output))
    }

    /// A text of an event.
    pub fn text(&self, kind: &str, field: &str) -> String {
        let value = &self.event(kind)[field];
        value
            .as_str()
            .unwrap_or_else(|| panic!("no {field}: {:?}", self.events))
            .to_owned()
    }

    /// What the command printed, as JSON.
    pub fn json(&self) -> Value {
        let at = self.output.find(['[', '{']).expect("no JSON");
        serde_json::from_str(&self.output[at..]).expect("no JSON")
    }
}

fn lines(path: &Path) -> Vec<Value> {
    let text = fs::read_to_string(path).unwrap_or_default();
    text.lines()
        .map(|line| serde_json::from_str(line).expect("a line of JSON"))
        .collect()
}
