//! `wrangler versions`, `deployments`, `rollback`.

use super::project::Project;

const SITE: &str = "https://site.stand-in.workers.dev";

#[test]
fn a_version_is_previewed_then_takes_its_share_then_goes_back() {
    let project = Project::site();
    let first = project.wrangler(&["deploy"]).text("deploy", "version_id");

    project.write("dist/index.html", "<h1>preview</h1>");
    let upload = project.wrangler(&[
        "versions",
        "upload",
        "--preview-alias",
        "mr-7",
        "--message",
        "for review",
        "--tag",
        "abc",
    ]);
    let second = upload.text("version-upload", "version_id");
    let preview = upload.text("version-upload", "preview_url");
    let alias = upload.text("version-upload", "preview_alias_url");
    assert_eq!(
        preview,
        format!("https://{}-site.stand-in.workers.dev", &second[..8])
    );
    assert_eq!(alias, "https://mr-7-site.stand-in.workers.dev");
    for url in [&preview, &alias] {
        assert_eq!(project.open(url).body, "<h1>preview</h1>", "{url}");
    }
    assert_eq!(project.open(SITE).body, "<h1>home</h1>");

    let list = project.wrangler(&["versions", "list", "--json"]).json();
    let of_list: Vec<&str> = list
        .as_array()
        .expect("a list")
        .iter()
        .filter_map(|version| version["id"].as_str())
        .collect();
    assert_eq!(of_list, [first.as_str(), second.as_str()]);
    assert_eq!(list[1]["annotations"]["workers/alias"], "mr-7");
    assert_eq!(list[1]["annotations"]["workers/tag"], "abc");

    // A quarter of the requests.
    let shares = [format!("{second}@25%"), format!("{first}@75%")];
    let ran = project.wrangler(&[
        "versions",
        "deploy",
        &shares[0],
        &shares[1],
        "-y",
        "--message",
        "a quarter",
    ]);
    let live = project.worker("site").live().expect("a deployment").clone();
    assert_eq!(
        live.id.to_string(),
        ran.text("version-deploy", "deployment_id")
    );
    assert_eq!(live.annotations["workers/message"], "a quarter");
    let bodies: Vec<String> = (0..8).map(|_| project.open(SITE).body).collect();
    assert_eq!(
        bodies
            .iter()
            .filter(|body| *body == "<h1>preview</h1>")
            .count(),
        2,
        "{bodies:?}"
    );
    let wanted = format!("site=\"{second}\"");
    let headers = [("Cloudflare-Workers-Version-Overrides", wanted.as_str())];
    let asked = project
        .cloudflare
        .open_with(SITE, &headers)
        .expect("an answer");
    assert_eq!(asked.body, "<h1>preview</h1>");
    let status = project
        .wrangler(&["deployments", "status", "--json"])
        .json();
    assert_eq!(status["versions"].as_array().expect("versions").len(), 2);

    project.wrangler(&["versions", "deploy", &format!("{second}@100%"), "-y"]);
    assert_eq!(project.open(SITE).body, "<h1>preview</h1>");

    project.wrangler(&["rollback", &first, "-y", "--message", "broken"]);
    assert_eq!(project.open(SITE).body, "<h1>home</h1>");
    let list = project.wrangler(&["deployments", "list", "--json"]).json();
    assert_eq!(list.as_array().expect("a list").len(), 4);
    // Without a version, the one before: the newest that answered alone.
    project.wrangler(&["rollback", "-y"]);
    assert_eq!(project.open(SITE).body, "<h1>preview</h1>");
}

#[test]
fn an_alias_moves_to_the_version_that_names_it_last() {
    let project = Project::site();
    project.wrangler(&["deploy"]);
    for body in ["one", "two"] {
        project.write("dist/index.html", body);
        let upload = project.wrangler(&["versions", "upload", "--preview-alias", "mr-8"]);
        assert_eq!(
            project
                .open(&upload.text("version-upload", "preview_alias_url"))
                .body,
            body
        );
    }
    assert_eq!(project.worker("site").aliases.len(), 1);
    assert_eq!(
        project
            .open("https://mr-9-site.stand-in.workers.dev")
            .status,
        404
    );
}

#[test]
fn previews_are_off_when_the_configuration_says_so() {
    let project = Project::site();
    project.write(
        "wrangler.jsonc",
        r#"{ "name": "site", "compatibility_date": "2026-01-01", "preview_urls": false, "assets": { "directory": "dist" } }"#,
    );
    project.wrangler(&["deploy"]);
    let upload = project.wrangler(&["versions", "upload", "--preview-alias", "mr-7"]);
    assert_eq!(upload.event("version-upload").get("preview_url"), None);
    assert_eq!(
        project
            .open("https://mr-7-site.stand-in.workers.dev")
            .status,
        404
    );
}
