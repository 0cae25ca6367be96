//! Previews: a version to look at, and a note in the merge request.

use stand_ins::Fault;
use stand_ins::gitlab::{Gitlab, MergeRequest, Note, PROJECT, Role, Scope};

use super::stage::Stage;
use crate::fixture::module;
use crate::place::argument;

/// A site, and a merge request about it.
struct Review {
    stage: Stage,
    gitlab: Gitlab,
    merge_request: MergeRequest,
}

const TOKEN: &str = "glpat-canary-4c1f7e";

impl Review {
    fn new() -> Self {
        let stage = Stage::site();
        let gitlab = Gitlab::start().expect("a stand-in");
        let bot = gitlab.user("bot", Role::Developer);
        gitlab.token(TOKEN, &bot, Scope::Api);
        let pipeline = format!(
            "cloudflare: {{ account-id: \"{}\" }}\ngitlab: {{ url: \"{}\", project-id: \"{}\" }}\n",
            stage.cloudflare.settings().account_id,
            gitlab.url(),
            PROJECT,
        );
        stage.place.write("pipeline.yaml", pipeline);
        stage.place.write(".token", format!("{TOKEN}\n"));
        let merge_request = gitlab.merge_request();
        Self {
            stage,
            gitlab,
            merge_request,
        }
    }

    fn number(&self) -> String {
        self.merge_request.iid.to_string()
    }

    fn args(&self, function: &str) -> Vec<String> {
        let number = self.number();
        let args = [
            function,
            "--wrangler-config",
            "wrangler.jsonc",
            "--cloudflare-api-token",
            "env:CLOUDFLARE_WORKERS_TOKEN",
            "--gitlab-api-token",
            "file:.token",
            "--merge-request-id",
            &number,
        ];
        args.map(str::to_owned).to_vec()
    }

    fn preview(&self) -> Vec<String> {
        [self.args("preview"), vec!["--dist".into(), "./dist".into()]].concat()
    }

    fn alias(&self) -> String {
        format!("https://mr-{}-site.stand-in.workers.dev", self.number())
    }

    fn notes(&self) -> Vec<Note> {
        self.gitlab.notes(self.merge_request.iid)
    }
}

fn words(args: &[String]) -> Vec<&str> {
    args.iter().map(String::as_str).collect()
}

#[test]
fn a_preview_is_noted_once_and_follows_the_merge_request() {
    let review = Review::new();
    let stage = &review.stage;
    // A worker that does not exist can have no preview, and gets its first deploy.
    let (deploy, api) = (module("cloudflare-deploy"), stage.cloudflare.api_url());
    let line = format!(
        "{} --api-url {api} | preview \\\n  ./dist \\\n  wrangler.jsonc \\\n  env:CLOUDFLARE_WORKERS_TOKEN \\\n  file:.token \\\n  {} | summary\n",
        argument(&deploy),
        review.number(),
    );
    let summary = stage.shell(&line);
    assert!(
        summary.contains("First deploy") && summary.lines().count() <= 10,
        "{summary}"
    );
    assert_eq!(stage.live(), "<h1>first</h1>");
    assert_eq!(stage.open(&review.alias()).body, "<h1>first</h1>");
    let notes = review.notes();
    assert_eq!(notes.len(), 1);
    assert!(notes[0].body.contains(&review.alias()), "{}", notes[0].body);

    stage.page("second");
    let url = stage.call(&words(&[review.preview(), vec!["url".into()]].concat()));
    assert_eq!(stage.open(&review.alias()).body, "<h1>second</h1>");
    assert_eq!(stage.open(&url).body, "<h1>second</h1>");
    assert_eq!(stage.live(), "<h1>first</h1>", "a preview is live");
    let notes = review.notes();
    assert_eq!(notes.len(), 1, "the note is doubled");
    assert!(notes[0].body.contains(&url), "{}", notes[0].body);
    assert!(!notes[0].body.contains("First deploy"), "{}", notes[0].body);
}

#[test]
fn a_preview_whose_note_fails_is_made_whole_by_the_next_run() {
    let review = Review::new();
    let stage = &review.stage;
    stage.send("deploy", &["url"]);
    let fault = Fault::answer("POST", "/notes", 403, r#"{"message":"403 Forbidden"}"#);
    review.gitlab.faults().add(fault.times(9));
    let done = stage.try_call(&words(&review.preview()));
    let (alias, worker) = (review.alias(), stage.worker("site"));
    let version = worker.latest().expect("a version").id.to_string();
    stage.failed(
        &done,
        &[
            &version,
            &alias,
            "is up at",
            "is not written; run it again",
            "403",
        ],
    );
    assert!(!done.stderr().contains(TOKEN), "the token is shown");
    assert_eq!(stage.open(&alias).body, "<h1>first</h1>");

    review.gitlab.faults().clear();
    stage.call(&words(
        &[review.preview(), vec!["comment-url".into()]].concat(),
    ));
    assert_eq!(review.notes().len(), 1);
}

#[test]
fn bad_input_for_a_preview_is_refused_before_anything_is_sent() {
    let review = Review::new();
    let stage = &review.stage;
    let replaced = |from: &str, to: &str| -> Vec<String> {
        let args = review.preview().into_iter();
        args.map(|arg| if arg == from { to.to_owned() } else { arg })
            .collect()
    };
    let done = stage.try_call(&words(&replaced(&review.number(), "main")));
    stage.failed(&done, &["`main` is no number of a merge request"]);
    stage.place.write(".other", "\n");
    let done = stage.try_call(&words(&replaced("file:.token", "file:.other")));
    stage.failed(&done, &["`gitlab-api-token` is empty"]);
    stage.place.write(".other", "glcbt-64_x1y2z3\n");
    let done = stage.try_call(&words(&replaced("file:.token", "file:.other")));
    stage.failed(&done, &["`gitlab-api-token` is the token of a GitLab job"]);
    let alias = "a".repeat(59);
    let done = stage.try_call(&words(
        &[review.preview(), vec!["--alias".into(), alias]].concat(),
    ));
    stage.failed(&done, &["64 characters, 63 are allowed"]);
    assert_eq!(stage.cloudflare.requests().len(), 0);
    assert_eq!(review.gitlab.requests().len(), 0);
}

#[test]
fn a_preview_that_is_removed_is_closed_and_its_note_is_gone() {
    let review = Review::new();
    let stage = &review.stage;
    let remove = || {
        stage.call(&words(
            &[review.args("remove-preview"), vec!["summary".into()]].concat(),
        ))
    };
    let summary = remove();
    assert_eq!(summary, "There is no worker `site`. It had no note.");

    stage.send("deploy", &["url"]);
    stage.page("second");
    stage.call(&words(&[review.preview(), vec!["url".into()]].concat()));
    assert_eq!(stage.open(&review.alias()).status, 200);
    let summary = remove();
    assert!(
        summary.contains("is closed") && summary.contains("deleted"),
        "{summary}"
    );
    let page = stage.open(&review.alias());
    assert_eq!(
        (page.status, page.body.as_str()),
        (410, "This preview is closed.\n")
    );
    assert_eq!(review.notes().len(), 0);
    assert_eq!(stage.live(), "<h1>first</h1>");

    let versions = stage.worker("site").versions.len();
    remove();
    assert_eq!(
        stage.worker("site").versions.len(),
        versions,
        "it is closed twice"
    );
}
