//! What is said and what is live when Cloudflare does not do as it is told.

use stand_ins::Fault;

use super::stage::Stage;

#[test]
fn a_deploy_that_fails_leaves_what_is_live() {
    let stage = Stage::site();
    stage.send("deploy", &["url"]);
    stage.page("second");
    let body = r#"{"success":false,"errors":[{"code":10021,"message":"Uncaught SyntaxError"}],"messages":[],"result":null}"#;
    let fault = Fault::answer("POST", "/versions", 400, body).times(9);
    stage.cloudflare.faults().add(fault);
    let fault = Fault::answer("PUT", "/workers/scripts/site", 400, body).times(9);
    stage.cloudflare.faults().add(fault);
    let done = stage.try_send("deploy", &[]);
    stage.failed(
        &done,
        &[
            "`wrangler deploy` failed",
            "[code: 10021]",
            "Uncaught SyntaxError",
        ],
    );
    assert_eq!(stage.live(), "<h1>first</h1>");
    assert_eq!(stage.worker("site").versions.len(), 1);

    stage.cloudflare.faults().clear();
    stage.send("deploy", &["url"]);
    assert_eq!(stage.live(), "<h1>second</h1>");
}

#[test]
fn a_token_that_is_not_valid_is_told_and_not_shown() {
    let mut stage = Stage::site();
    stage.token = "canary-wrong-9a7b5c3d1e".to_owned();
    let done = stage.try_send("deploy", &[]);
    stage.failed(
        &done,
        &[
            "`wrangler deploy` failed",
            "Authentication error [code: 10000]",
        ],
    );
    assert_eq!(stage.cloudflare.worker_names(), [""; 0]);

    stage.token = stage.cloudflare.settings().read_only_token.clone();
    let done = stage.try_send("deploy", &[]);
    stage.failed(&done, &["`wrangler deploy` failed", "10000"]);

    stage.token.clear();
    let done = stage.try_send("deploy", &[]);
    stage.failed(&done, &["`cloudflare-api-token` is empty"]);
}

#[test]
fn a_limit_of_requests_is_waited_for() {
    let stage = Stage::site();
    stage.send("deploy", &["url"]);
    stage
        .cloudflare
        .faults()
        .add(Fault::too_many("POST", "/versions", 1));
    stage.page("second");
    stage.send("deploy", &["url"]);
    assert_eq!(stage.live(), "<h1>second</h1>");
    assert_eq!(stage.worker("site").versions.len(), 2);
}
