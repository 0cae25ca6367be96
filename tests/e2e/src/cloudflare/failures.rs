//! What is said and what is live when Cloudflare does not do as it is told.

use std::time::Duration;

use stand_ins::Fault;
use stand_ins::cloudflare::faults;

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

#[test]
fn a_server_that_stumbles_is_asked_again_and_one_that_lies_down_is_told() {
    let stage = Stage::site();
    stage.send("deploy", &["url"]);
    let faults = stage.cloudflare.faults();

    stage.page("second");
    faults.add(Fault::reset("GET", "/workers/services/site"));
    let done = stage.try_send("deploy", &[]);
    stage.failed(&done, &["`wrangler deploy` failed: fetch failed"]);
    assert_eq!(stage.live(), "<h1>first</h1>");

    faults.add(faults::bad_gateway("POST", "/deployments"));
    let done = stage.try_send("deploy", &[]);
    stage.failed(&done, &["`wrangler deploy` failed", "malformed response"]);
    assert_eq!(stage.live(), "<h1>first</h1>");

    // Taken, but the answer is lost on the way: Wrangler sends it again.
    faults.add(Fault::reset_after_taken("POST", "/versions"));
    faults.add(faults::bad_gateway("POST", "/versions"));
    faults.add(Fault::slow("GET", "/deployments", Duration::from_secs(2)));
    stage.send("deploy", &["url"]);
    assert_eq!(faults.left(), 0);
    assert_eq!(stage.live(), "<h1>second</h1>");

    faults.add(faults::unknown_error("POST", "/versions").times(99));
    stage.page("third");
    let done = stage.try_send("deploy", &[]);
    stage.failed(&done, &["`wrangler deploy` failed", "[code: 10013]"]);
    assert_eq!(stage.live(), "<h1>second</h1>");

    // Uploaded, but not made live.
    faults.clear();
    faults.add(faults::unknown_error("POST", "/deployments").times(99));
    let done = stage.try_send("deploy", &[]);
    stage.failed(&done, &["`wrangler deploy` failed", "[code: 10013]"]);
    assert_eq!(stage.live(), "<h1>second</h1>");

    faults.clear();
    stage.send("deploy", &["url"]);
    assert_eq!(stage.live(), "<h1>third</h1>");
}
