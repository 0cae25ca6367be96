//! A site in a workspace of its own, and the account that it is deployed to.

use std::process::Command;

use stand_ins::cloudflare::{Cloudflare, Page, Worker};
use test_support::{Finished, Running};

use crate::fixture::module;
use crate::place::{LIMIT, Place, argument};

pub struct Stage {
    pub place: Place,
    pub cloudflare: Cloudflare,
    /// What the CLI has in `$CLOUDFLARE_WORKERS_TOKEN`.
    pub token: String,
}

pub const SITE: &str = r#"{
  // A site of files.
  "name": "site",
  "compatibility_date": "2026-01-01",
  "assets": { "directory": "./dist", "not_found_handling": "404-page" },
}"#;

impl Stage {
    pub fn new(name: &str, config: &str) -> Self {
        let place = Place::new();
        let cloudflare = Cloudflare::start().expect("a stand-in");
        place.write(name, config);
        let account = &cloudflare.settings().account_id;
        place.write(
            "pipeline.yaml",
            format!("cloudflare: {{ account-id: \"{account}\" }}\n"),
        );
        let token = cloudflare.settings().token.clone();
        Self {
            place,
            cloudflare,
            token,
        }
    }

    /// One page in `dist`.
    pub fn site() -> Self {
        let stage = Self::new("wrangler.jsonc", SITE);
        stage.page("first");
        stage
    }

    pub fn page(&self, text: &str) {
        self.place
            .write("dist/index.html", format!("<h1>{text}</h1>"));
    }

    fn run(&self, command: &mut Command) -> Finished {
        command.env("CLOUDFLARE_WORKERS_TOKEN", &self.token);
        Running::to_end(command, "", LIMIT).expect("a run")
    }

    /// `dagger call` of a function, whose arguments `args` begins with.
    pub fn try_call(&self, args: &[&str]) -> Finished {
        let deploy = module("cloudflare-deploy");
        let api = self.cloudflare.api_url();
        let call = ["call", "-m", argument(&deploy), "--api-url", &api];
        self.run(&mut self.place.command(&[&call, args].concat()))
    }

    /// The same, and what it prints.
    #[track_caller]
    pub fn call(&self, args: &[&str]) -> String {
        let done = self.try_call(args);
        self.good(&done);
        done.stdout().trim().to_owned()
    }

    /// A function that is given the site: `deploy`, `upload`.
    #[track_caller]
    pub fn send(&self, function: &str, more: &[&str]) -> String {
        self.call(&[&site_args(function), more].concat())
    }

    pub fn try_send(&self, function: &str, more: &[&str]) -> Finished {
        self.try_call(&[&site_args(function), more].concat())
    }

    /// A function that is given the worker: `promote`, `versions`.
    #[track_caller]
    pub fn on_worker(&self, function: &str, more: &[&str]) -> String {
        self.call(&[&worker_args(function), more].concat())
    }

    pub fn try_on_worker(&self, function: &str, more: &[&str]) -> Finished {
        self.try_call(&[&worker_args(function), more].concat())
    }

    /// A script of the shell.
    #[track_caller]
    pub fn shell(&self, script: &str) -> String {
        let mut command = self.place.command(&["shell"]);
        command.env("CLOUDFLARE_WORKERS_TOKEN", &self.token);
        let done = Running::to_end(&mut command, script, LIMIT).expect("a run");
        self.good(&done);
        done.stdout().trim().to_owned()
    }

    #[track_caller]
    fn good(&self, done: &Finished) {
        assert_eq!(done.code, 0, "{}", done.stderr());
        assert_eq!(self.cloudflare.unknown_requests(), [""; 0]);
    }

    /// What a run that failed leaves and says.
    #[track_caller]
    pub fn failed(&self, done: &Finished, words: &[&str]) {
        self.place.failed(done, words);
        let shown = !self.token.is_empty() && done.stderr().contains(&self.token);
        assert!(!shown, "the token is shown");
    }

    #[track_caller]
    pub fn worker(&self, name: &str) -> Worker {
        let worker = self.cloudflare.worker(name);
        worker.unwrap_or_else(|| panic!("no `{name}` in {:?}", self.cloudflare.worker_names()))
    }

    /// A page of a worker, as visitors get it.
    #[track_caller]
    pub fn open(&self, url: &str) -> Page {
        self.cloudflare.open(url).expect("a page")
    }

    /// The first page of the worker that is live.
    #[track_caller]
    pub fn live(&self) -> String {
        self.open(&self.cloudflare.settings().worker_url("site"))
            .body
    }
}

fn site_args(function: &str) -> Vec<&str> {
    [&worker_args(function)[..], &["--dist", "./dist"]].concat()
}

fn worker_args(function: &str) -> Vec<&str> {
    vec![
        function,
        "--wrangler-config",
        "wrangler.jsonc",
        "--cloudflare-api-token",
        "env:CLOUDFLARE_WORKERS_TOKEN",
    ]
}
