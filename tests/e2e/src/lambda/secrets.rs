//! Passwords and keys are nowhere but where they are needed.

use std::time::{Duration, SystemTime};

use stand_ins::Fault;
use test_support::Running;

use super::cloud::{Cloud, ECR_PASSWORD};
use super::moto::ROLE;
use super::shop::{SECRET, Shop, image};
use crate::place::{LIMIT, kept_out_of, nonce, words_in};
use crate::processes;

const SESSION_TOKEN: &str = "canary-of-the-session-2Lp7";

/// All that is secret in a publication with keys that take on a role.
const SECRETS: [&str; 6] = [
    SECRET,
    SESSION_TOKEN,
    "secret-by-KEYS",
    "session-by-KEYS",
    ECR_PASSWORD,
    // The same as it is sent.
    "QVdTOmNhbmFyeS1vZi1lY3ItNFRxOQ==",
];

fn found(bytes: &[u8]) -> Vec<&'static str> {
    words_in(bytes, &SECRETS)
}

/// Command lines of all processes of this machine.
fn command_lines() -> Vec<u8> {
    processes::all()
        .flat_map(|process| process.command_line())
        .collect()
}

#[test]
fn keys_and_the_registrys_password_are_on_no_command_line_in_no_output_state_or_layer() {
    let cloud = Cloud::start();
    let mut shop = Shop::new(cloud.server.url());
    shop.secrets
        .push(("TEST_SESSION_TOKEN", SESSION_TOKEN.to_owned()));
    let keys = format!(
        "--access-key-id env://TEST_ACCESS_KEY_ID --secret-access-key env://TEST_SECRET_ACCESS_KEY \
         --session-token env://TEST_SESSION_TOKEN --role-arn {ROLE}"
    );
    let image = image(&nonce());
    let publish = format!("publish {image} site site --tag canary --alias live | summary");
    let started = SystemTime::now();
    // Time to look around.
    let slow = Fault::slow("PUT", "/manifests/", Duration::from_secs(1));
    shop.registry.server.faults().add(slow);
    let mut command = shop.command_with(&keys, &publish);
    let running = Running::start(command.arg("--debug"), "").expect("a start");
    while shop.registry.server.faults().left() > 0 {
        let found = found(&command_lines());
        assert!(found.is_empty(), "{found:?} on a command line");
    }
    let done = running.finish(LIMIT).expect("an end");
    assert_eq!(done.code, 0, "{}", done.stderr());
    assert_eq!(cloud.serves("live"), "2");
    for shown in [&done.stdout, &done.stderr] {
        let found = found(shown);
        assert!(
            found.is_empty(),
            "{found:?} in {}",
            String::from_utf8_lossy(shown)
        );
    }
    kept_out_of(shop.registry.storage(), started, &SECRETS);
    if shop.place.cli.is_built_here() {
        kept_out_of(&shop.place.state, started, &SECRETS);
    }

    // What a service says of a request is not repeated when it has a secret.
    let told = r#"{"Message":"the signature by secret-by-KEYS with session-by-KEYS is wrong"}"#;
    let faults = cloud.server.faults();
    faults.add(Fault::answer("GET", "/functions/site/versions", 403, told));
    let done = shop.end(&mut shop.command_with(&keys, "versions site"));
    assert!(
        done.stderr().contains("*** with *** is wrong"),
        "{}",
        done.stderr()
    );
}
