//! A website, built by Bun and deployed by the real Wrangler.

use stand_ins::cloudflare::Cloudflare;
use test_support::repository;

use super::project::Project;
use crate::fixture::site_in;

const SITE: &str = "projects/rawkode.academy/website";

/// A monorepo with a site, deployed by `jobs` (a pipeline).
fn monorepo(pipeline: impl Fn(&str) -> String) -> Project {
    let project = Project::new("stages: [deploy]\n");
    let runner = project.real_cli();
    project.place.write(".gitlab-ci.yml", pipeline(runner));
    project.place.write(
        "pipeline.yaml",
        "cloudflare: { account-id: \"023e105f4ecef8ad9ca31a8372d0c353\" }\n",
    );
    site_in(
        &project.place,
        SITE,
        "mkdir -p dist && echo hello > dist/index.html",
    );
    project.place.write(
        &format!("{SITE}/wrangler.jsonc"),
        "{ \"name\": \"academy\", \"compatibility_date\": \"2025-05-01\", \"assets\": { \"directory\": \"./dist\" } }\n",
    );
    project.commit();
    project
}

fn by_component(runner: &str, cloudflare: &Cloudflare) -> String {
    format!(
        "stages: [deploy]\ninclude:\n  \
         - component: $CI_SERVER_FQDN/$CI_PROJECT_PATH/website@$CI_COMMIT_SHA\n    \
         inputs:\n      name: academy\n      runner: {runner}\n      project-directory: {SITE}\n      \
         changes: [\"{SITE}/**/*\"]\n      modules: {}\n      deploy-arguments: --api-url {}\n",
        repository().join("modules").display(),
        cloudflare.api_url()
    )
}

#[test]
fn a_push_builds_the_site_and_puts_it_live() {
    let cloudflare = Cloudflare::start().expect("a stand-in");
    let project = monorepo(|runner| by_component(runner, &cloudflare));
    let push = project.push();
    let unknown = push.clone().with("CLOUDFLARE_WORKERS_TOKEN", "unknown");
    unknown.fails("academy-production", "Authentication");
    assert!(
        cloudflare.worker("academy").is_none(),
        "something was deployed"
    );

    let token = &cloudflare.settings().token;
    let said = push
        .with("CLOUDFLARE_WORKERS_TOKEN", token)
        .succeeds("academy-production");
    let url = "PONIARD_URL=https://academy.stand-in.workers.dev";
    assert!(said.contains(url), "{said}");
    assert!(
        !said.contains(token.as_str()),
        "the token is shown:\n{said}"
    );
    let worker = cloudflare.worker("academy").expect("a worker");
    assert_eq!(worker.deployments.len(), 1);
}
