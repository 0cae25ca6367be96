//! Jobs written for a Dagger before 0.21.4, with a bare `dagger <<.`: they run
//! as they are where poniard is found under that name.

use stand_ins::cloudflare::Cloudflare;
use stand_ins::gitlab::{self, Gitlab, Role, Scope};

use super::project::Project;
use crate::fixture::{copy_tracked, site_in, workspace};
use crate::place::Place;

const SITE: &str = "projects/rawkode.academy/website";
const NEEDED: [&str; 4] = [
    "bun-website",
    "cloudflare-deploy",
    "config",
    "gitlab-comment",
];

/// Without services, of which GitLab's shell executor takes no notice, and which
/// gitlab-ci-local starts with Docker all the same.
fn pipeline() -> String {
    let text = include_str!("pipeline.yml");
    let (before, rest) = text.split_once("  services:\n").expect("services");
    let after = rest.find("  variables:\n").expect("variables");
    format!("{before}{}", &rest[after..])
}

/// A monorepo with modules of its own: one of a site, one for all.
fn monorepo() -> Project {
    let place = Place::at_fixed_path("bare");
    for name in ["sdk", "modules/readme.rs", "Cargo.lock"] {
        copy_tracked(&place, name);
    }
    for name in NEEDED {
        copy_tracked(&place, &format!("modules/{name}"));
    }
    let project = Project::at(place, &pipeline());
    let place = &project.place;
    let own = [SITE, "dagger/cloudflare"].map(str::to_owned);
    let modules = NEEDED.iter().map(|name| format!("modules/{name}"));
    let members: Vec<String> = own.into_iter().chain(modules).collect();
    place.write("Cargo.toml", workspace(&members));
    module(
        place,
        SITE,
        "website",
        include_str!("website.rs"),
        &["bun-website"],
    );
    let source = include_str!("cloudflare.rs");
    module(
        place,
        "dagger/cloudflare",
        "cloudflare",
        source,
        &["cloudflare-deploy"],
    );
    place.write(
        &format!("{SITE}/wrangler.jsonc"),
        "{ \"name\": \"academy\", \"compatibility_date\": \"2025-05-01\", \"assets\": { \"directory\": \"./dist\" } }",
    );
    site_in(place, SITE, "mkdir -p dist && echo hello > dist/index.html");
    project
}

/// A module in Rust.
fn module(place: &Place, dir: &str, name: &str, source: &str, dependencies: &[&str]) {
    let up = "../".repeat(dir.split('/').count());
    let mut include = vec![format!("{up}Cargo.toml"), format!("{up}Cargo.lock")];
    include.extend(["poniard-macros", "poniard-sdk"].map(|name| format!("{up}sdk/{name}")));
    let at = |name: &&str| format!("{up}modules/{name}");
    include.extend(
        dependencies
            .iter()
            .map(|name| at(name) + "/dagger.types.json"),
    );
    let include: Vec<String> = include.iter().map(|path| format!("{path:?}")).collect();
    let dependencies = dependencies.iter();
    let dependencies: Vec<String> = dependencies
        .map(|name| format!("{{ \"name\": \"{name}\", \"source\": \"{}\" }}", at(name)))
        .collect();
    place.write(
        &format!("{dir}/dagger.json"),
        format!(
            "{{ \"name\": \"{name}\", \"engineVersion\": \"v0.21.8\", \"sdk\": {{ \"source\": \"{up}sdk\" }}, \
             \"include\": [{}], \"dependencies\": [{}] }}\n",
            include.join(", "),
            dependencies.join(", ")
        ),
    );
    place.write(
        &format!("{dir}/Cargo.toml"),
        format!(
            "[package]\nname = \"{name}\"\nversion = \"0.1.0\"\nedition.workspace = true\n\n\
             [dependencies]\nponiard-sdk.workspace = true\n"
        ),
    );
    let object = name[..1].to_uppercase() + &name[1..];
    place.write(
        &format!("{dir}/src/main.rs"),
        format!("poniard_sdk::main!({name}::{object});\n"),
    );
    place.write(&format!("{dir}/src/lib.rs"), source);
}

#[test]
fn a_job_with_a_bare_heredoc_runs_unchanged() {
    let project = monorepo();
    if !project.poniard_as_dagger() {
        return;
    }
    // What would install Dagger's CLI on Alpine.
    project.program("apk", "#!/bin/sh\n");
    project.program("curl", "#!/bin/sh\n");
    let cloudflare = Cloudflare::start().expect("a stand-in");
    let gitlab = Gitlab::start().expect("a stand-in");
    let bot = gitlab.user("bot", Role::Developer);
    gitlab.token("glpat-bare", &bot, Scope::Api);
    let request = gitlab.merge_request();
    let config = format!(
        "cloudflare: {{ account-id: \"{}\" }}\ngitlab: {{ url: \"{}\", project-id: \"{}\" }}\n",
        cloudflare.settings().account_id,
        gitlab.url(),
        gitlab::PROJECT,
    );
    project.place.write("pipeline.yaml", config);
    project.place.write("cloudflare-api", cloudflare.api_url());
    project.commit();

    let token = &cloudflare.settings().token;
    let push = project.push().with("CLOUDFLARE_WORKERS_TOKEN", token);
    let said = push.succeeds("website-deploy-production");
    assert!(
        said.contains("https://academy.stand-in.workers.dev"),
        "{said}"
    );
    assert_eq!(cloudflare.worker_names(), ["academy"]);

    let preview = project
        .merge_request(u32::try_from(request.iid).expect("a number"))
        .with("CI_MERGE_REQUEST_ID", &request.id.to_string())
        .with("CLOUDFLARE_WORKERS_TOKEN", token)
        .with("CICD_COMMENT_TOKEN", "glpat-bare");
    preview.succeeds("website-deploy-merge-request");
    assert_eq!(gitlab.notes(request.iid).len(), 1);
}
