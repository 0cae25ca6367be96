//! Short lines: what does not change is in `pipeline.yaml` and in a `.env` file.

use std::process::Command;

use stand_ins::cloudflare::Cloudflare;
use stand_ins::gitlab::{Gitlab, MergeRequest, PROJECT, Role, Scope};
use test_support::{Finished, Running};

use super::stage::{SITE, Stage};
use crate::fixture::copy_tracked;
use crate::place::{LIMIT, Place};

const COMMENT_TOKEN: &str = "glpat-canary-9a3c51";

/// A site in a directory of a repository that has the modules, too.
struct Monorepo {
    stage: Stage,
    gitlab: Gitlab,
    merge_request: MergeRequest,
}

impl Monorepo {
    fn new(pipeline: &str) -> Self {
        let place = Place::new();
        copy_tracked(&place, ".");
        let (cloudflare, gitlab) = (Cloudflare::start(), Gitlab::start());
        let (cloudflare, gitlab) = (cloudflare.expect("a stand-in"), gitlab.expect("a stand-in"));
        let bot = gitlab.user("bot", Role::Developer);
        gitlab.token(COMMENT_TOKEN, &bot, Scope::Api);
        place.write(
            "site/dagger.json",
            r#"{ "name": "site", "engineVersion": "v0.21.8", "dependencies": [{ "name": "cloudflare-deploy", "source": "../modules/cloudflare-deploy" }] }"#,
        );
        let account = &cloudflare.settings().account_id;
        let values = format!(
            "cloudflare: {{ account-id: \"{account}\" }}\ngitlab: {{ url: \"{}\", project-id: \"{PROJECT}\" }}\n",
            gitlab.url(),
        );
        place.write(&format!("site/{pipeline}"), values);
        let api = cloudflare.api_url();
        place.write("site/.env", format!("CLOUDFLARE_DEPLOY_APIURL={api}\n"));
        place.write("site/wrangler.jsonc", SITE);
        let token = cloudflare.settings().token.clone();
        let stage = Stage {
            place,
            cloudflare,
            token,
        };
        stage.place.write("site/dist/index.html", "<h1>first</h1>");
        let merge_request = gitlab.merge_request();
        Self {
            stage,
            gitlab,
            merge_request,
        }
    }

    fn run(&self, command: &mut Command, script: &str) -> Finished {
        command
            .current_dir(self.stage.place.path("site"))
            .env("CLOUDFLARE_WORKERS_TOKEN", &self.stage.token)
            .env("CLOUDFLARE_PAGES_TOKEN", &self.stage.token)
            .env("CICD_COMMENT_TOKEN", COMMENT_TOKEN)
            .env("CI_MERGE_REQUEST_ID", self.merge_request.id.to_string());
        let done = Running::to_end(command, script, LIMIT).expect("a run");
        assert_eq!(done.code, 0, "{}", done.stderr());
        assert_eq!(self.stage.cloudflare.unknown_requests(), [""; 0]);
        for token in [&self.stage.token, COMMENT_TOKEN] {
            assert!(!done.stderr().contains(token), "a token is shown");
        }
        done
    }

    fn shell(&self, line: &str) -> Finished {
        self.run(&mut self.stage.place.command(&["shell"]), line)
    }

    fn page(&self, text: &str) {
        let page = format!("<h1>{text}</h1>");
        self.stage.place.write("site/dist/index.html", page);
    }
}

#[test]
fn three_short_lines_deploy_and_preview() {
    let repo = Monorepo::new("pipeline.yaml");
    let done =
        repo.shell("cloudflare-deploy | deploy ./dist wrangler.jsonc env:CLOUDFLARE_WORKERS_TOKEN");
    let stderr = done.stderr();
    assert!(
        stderr.contains("user default: cloudflare-deploy(apiUrl=\"http"),
        "{stderr}"
    );
    assert_eq!(repo.stage.live(), "<h1>first</h1>");

    repo.page("second");
    repo.shell("cloudflare-deploy | preview ./dist wrangler.jsonc env:CLOUDFLARE_WORKERS_TOKEN env:CICD_COMMENT_TOKEN $CI_MERGE_REQUEST_ID");
    assert_eq!(repo.stage.live(), "<h1>first</h1>", "a preview is live");
    let MergeRequest { iid, id, .. } = repo.merge_request;
    let preview = format!("https://mr-{id}-site.stand-in.workers.dev");
    assert_eq!(repo.stage.open(&preview).body, "<h1>second</h1>");
    let notes = repo.gitlab.notes(iid);
    assert_eq!(notes.len(), 1);
    assert!(notes[0].body.contains(&preview), "{}", notes[0].body);

    let line = "dagger call -m …/modules/cloudflare-deploy deploy --dist ./dist --wrangler-config wrangler.jsonc --cloudflare-api-token env:CLOUDFLARE_PAGES_TOKEN";
    let line = line.replace('…', "..");
    let words: Vec<_> = line.split(' ').skip(1).collect();
    repo.run(&mut repo.stage.place.command(&words), "");
    assert_eq!(repo.stage.live(), "<h1>second</h1>");
}

#[test]
fn a_default_reaches_a_module_that_another_module_calls() {
    let repo = Monorepo::new("ci/account.yaml");
    let path = "site/.env";
    let api = repo.stage.cloudflare.api_url();
    let defaults = format!("CLOUDFLARE_DEPLOY_APIURL={api}\nCONFIG_FILE=ci/account.yaml\n");
    repo.stage.place.write(path, defaults);
    let done =
        repo.shell("cloudflare-deploy | deploy ./dist wrangler.jsonc env:CLOUDFLARE_WORKERS_TOKEN");
    let stderr = done.stderr();
    assert!(
        stderr.contains("user default: config(file=\"ci/account.yaml\")"),
        "{stderr}"
    );
    assert_eq!(repo.stage.live(), "<h1>first</h1>");
}
