//! python-gitlab, a client that many pipelines use, against the stand-in of
//! GitLab.

use stand_ins::Fault;
use stand_ins::gitlab::{COMMIT, Gitlab, Role, Scope};
use test_support::{repository, tools};

fn drive(gitlab: &Gitlab) {
    let bot = gitlab.user("bot", Role::Developer);
    gitlab.token("glpat-api", &bot, Scope::Api);
    gitlab.token("glpat-reader", &bot, Scope::ReadApi);
    gitlab.token("glcbt-job", &bot, Scope::Job);
    let outsider = gitlab.user("mallory", Role::None);
    gitlab.token("glpat-outsider", &outsider, Scope::Api);
    gitlab.merge_request();
    gitlab.merge_request();
    let script = repository().join("tests/stand-ins/tests/it/gitlab/client.py");
    let done = tools::command("python3")
        .arg(script)
        .args([&gitlab.url(), COMMIT])
        .env("API", "glpat-api")
        .env("READER", "glpat-reader")
        .env("JOB", "glcbt-job")
        .env("OUTSIDER", "glpat-outsider")
        .output()
        .expect("no python3: run `cargo xtask tools`");
    let stderr = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success(), "{stderr}");
    assert_eq!(gitlab.notes(1).len(), 44);
}

#[test]
fn python_gitlab_writes_notes_statuses_and_deployments_and_sees_every_refusal() {
    drive(&Gitlab::start().expect("a stand-in"));
}

#[test]
fn python_gitlab_works_below_a_path_and_waits_as_long_as_it_is_told() {
    let gitlab = Gitlab::start_at("/gitlab").expect("a stand-in");
    gitlab.faults().add(Fault::too_many("POST", "/notes", 1));
    drive(&gitlab);
    assert_eq!(gitlab.faults().left(), 0);
}

#[tokio::test]
async fn a_merge_request_has_a_page_with_its_notes() {
    let gitlab = Gitlab::start().expect("a stand-in");
    let bot = gitlab.user("bot", Role::Developer);
    let merge_request = gitlab.merge_request();
    let note = gitlab.note(merge_request.iid, &bot, "a <b> & c");
    let url = format!("{}/shop/site/-/merge_requests/1", gitlab.url());
    let page = reqwest::get(url).await.expect("an answer");
    let page = page.text().await.expect("a page");
    let article = format!("<article id=\"note_{}\">", note.id);
    assert!(
        page.contains(&article) && page.contains("a &lt;b> &amp; c"),
        "{page}"
    );
    let none = format!("{}/shop/site/-/merge_requests/2", gitlab.url());
    assert_eq!(reqwest::get(none).await.expect("an answer").status(), 404);
}

#[tokio::test]
async fn over_the_limit_requests_are_told_to_wait() {
    let gitlab = Gitlab::start().expect("a stand-in");
    let bot = gitlab.user("bot", Role::Developer);
    gitlab.token("glpat-api", &bot, Scope::Api);
    gitlab.limit(1);
    let client = reqwest::Client::new();
    let ask = || {
        let request = client.get(format!("{}/api/v4/user", gitlab.url()));
        request.bearer_auth("glpat-api").send()
    };
    assert_eq!(ask().await.expect("an answer").status(), 200);
    let refused = ask().await.expect("an answer");
    assert_eq!(
        (refused.status().as_u16(), &refused.headers()["retry-after"]),
        (429, &"1".parse().expect("a header"))
    );
    tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    assert_eq!(ask().await.expect("an answer").status(), 200);
}
