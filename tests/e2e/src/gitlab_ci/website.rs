//! A website, built by Bun and deployed by the real Wrangler.

use stand_ins::cloudflare::Cloudflare;
use stand_ins::gitlab::{self, Gitlab, MergeRequest, Role, Scope};
use test_support::repository;

use super::project::{Pipeline, Project};
use crate::fixture::site_in;

const SITE: &str = "projects/rawkode.academy/website";
const GITLAB_TOKEN: &str = "glpat-for-notes-3fK9";

/// A monorepo on a GitLab, with a site that is deployed to a Cloudflare.
struct Academy {
    project: Project,
    cloudflare: Cloudflare,
    gitlab: Gitlab,
}

impl Academy {
    fn new() -> Self {
        let cloudflare = Cloudflare::start().expect("a stand-in");
        let gitlab = Gitlab::start().expect("a stand-in");
        let bot = gitlab.user("bot", Role::Developer);
        gitlab.token(GITLAB_TOKEN, &bot, Scope::Api);

        let project = Project::new("stages: [deploy]\n");
        let runner = project.real_cli();
        let modules = repository().join("modules");
        let pipeline = format!(
            "stages: [deploy]
include:
  - component: $CI_SERVER_FQDN/$CI_PROJECT_PATH/website@$CI_COMMIT_SHA
    inputs:
      name: academy
      runner: {runner}
      project-directory: {SITE}
      changes: [\"{SITE}/**/*\"]
      modules: {}
      deploy-arguments: --api-url {}
",
            modules.display(),
            cloudflare.api_url(),
        );
        let config = format!(
            "cloudflare: {{ account-id: \"{}\" }}\ngitlab: {{ url: \"{}\", project-id: \"{}\" }}\n",
            cloudflare.settings().account_id,
            gitlab.url(),
            gitlab::PROJECT,
        );
        let wrangler = "{ \"name\": \"academy\", \"compatibility_date\": \"2025-05-01\", \
                        \"assets\": { \"directory\": \"./dist\" } }";
        project.place.write(".gitlab-ci.yml", pipeline);
        project.place.write("pipeline.yaml", config);
        project
            .place
            .write(&format!("{SITE}/wrangler.jsonc"), wrangler);
        let academy = Self {
            project,
            cloudflare,
            gitlab,
        };
        academy.write("hello");
        academy
    }

    /// Changes the page.
    fn write(&self, page: &str) {
        let build = format!("mkdir -p dist && echo {page} > dist/index.html");
        site_in(&self.project.place, SITE, &build);
        self.project.commit();
    }

    /// The pipeline with its tokens.
    fn push(&self) -> Pipeline<'_> {
        self.with_tokens(self.project.push())
    }

    fn merge_request(&self, request: &MergeRequest) -> Pipeline<'_> {
        let iid = u32::try_from(request.iid).expect("a number");
        self.with_tokens(self.project.merge_request(iid))
    }

    fn with_tokens<'a>(&self, pipeline: Pipeline<'a>) -> Pipeline<'a> {
        pipeline
            .with(
                "CLOUDFLARE_WORKERS_TOKEN",
                &self.cloudflare.settings().token,
            )
            .with("CICD_COMMENT_TOKEN", GITLAB_TOKEN)
    }

    /// The page of the live version.
    fn live(&self) -> Option<String> {
        let worker = self.cloudflare.worker("academy")?;
        let live = worker.deployments.last()?.versions.first()?.0;
        self.page(&live.to_string())
    }

    fn page(&self, version: &str) -> Option<String> {
        let worker = self.cloudflare.worker("academy")?;
        let version = worker
            .versions
            .iter()
            .find(|v| v.id.to_string() == version)?;
        let page = version.assets.as_ref()?.files.get("/index.html")?;
        Some(String::from_utf8_lossy(&page.contents).trim().to_owned())
    }
}

/// Neither token is shown.
#[track_caller]
fn kept_secret(academy: &Academy, said: &str) {
    for token in [academy.cloudflare.settings().token.as_str(), GITLAB_TOKEN] {
        assert!(!said.contains(token), "a token is shown:\n{said}");
    }
}

#[test]
fn a_push_builds_the_site_and_puts_it_live() {
    let academy = Academy::new();
    let unknown = academy.push().with("CLOUDFLARE_WORKERS_TOKEN", "unknown");
    unknown.fails("academy-production", "Authentication");
    assert_eq!(academy.live(), None, "something was deployed");

    let said = academy.push().succeeds("academy-production");
    let url = "PONIARD_URL=https://academy.stand-in.workers.dev";
    assert!(said.contains(url), "{said}");
    kept_secret(&academy, &said);
    assert_eq!(academy.live().as_deref(), Some("hello"));
    if academy.project.place.cli.is_built_here() {
        kept_traces(&academy);
    }
}

/// A page of each run is among the artifacts, of the failed one too.
#[track_caller]
fn kept_traces(academy: &Academy) {
    let files = walkdir::WalkDir::new(academy.project.place.path(""));
    let files = files
        .into_iter()
        .flatten()
        .map(walkdir::DirEntry::into_path);
    let artifacts = files.filter(|file| {
        let path = file.to_string_lossy();
        path.contains("/artifacts/") && path.contains("/academy-website-trace/")
    });
    let pages: Vec<String> = artifacts
        .filter_map(|file| std::fs::read_to_string(file).ok())
        .collect();
    assert!(!pages.is_empty(), "no artifacts");
    for page in &pages {
        kept_secret(academy, page);
        assert!(page.contains("cloudflare-deploy.deploy"), "no steps");
    }
}

#[test]
fn a_merge_request_gets_a_preview_with_one_note_until_it_ends() {
    let academy = Academy::new();
    let request = academy.gitlab.merge_request();
    let pipeline = academy.merge_request(&request);
    academy.push().succeeds("academy-production");

    for page in ["first", "second"] {
        academy.write(page);
        let said = pipeline.succeeds("academy-preview");
        let url = format!(
            "PONIARD_URL=https://mr-{}-academy.stand-in.workers.dev",
            request.iid
        );
        assert!(said.contains(&url), "{said}");
        kept_secret(&academy, &said);
        let notes = academy.gitlab.notes(request.iid);
        assert_eq!(notes.len(), 1, "{notes:?}");
        assert!(
            notes[0].body.contains(&url["PONIARD_URL=".len()..]),
            "{notes:?}"
        );
        assert_eq!(
            academy.live().as_deref(),
            Some("hello"),
            "a preview went live"
        );
    }
    let worker = academy.cloudflare.worker("academy").expect("a worker");
    let preview = worker
        .aliases
        .values()
        .next()
        .expect("an alias")
        .to_string();
    assert_eq!(academy.page(&preview).as_deref(), Some("second"));

    pipeline.succeeds("academy-remove-preview");
    assert_eq!(academy.gitlab.notes(request.iid).len(), 0);
    assert_eq!(academy.live().as_deref(), Some("hello"));
    assert_eq!(academy.cloudflare.unknown_requests(), [""; 0]);
}
