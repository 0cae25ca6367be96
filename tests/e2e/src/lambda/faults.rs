//! What goes wrong on the way, and that the alias serves what it served. Kills are in
//! [`super::kills`].

use stand_ins::Fault;
use test_support::tools;

use super::cloud::Cloud;
use super::refusal::{conflict, denied};
use super::shop::{Shop, image};

fn shop() -> (Cloud, Shop) {
    let cloud = Cloud::start();
    let shop = Shop::new(cloud.server.url());
    (cloud, shop)
}

pub fn publish(text: &str, more: &str) -> String {
    format!(
        "publish {} site site --tag {text} --alias live {more}",
        image(text)
    )
}

pub const SMOKE: &str = r#"--smoke-payload '{"path":"/"}' --smoke-expect '{"statusCode":200}'"#;
pub const GOOD: (&str, bool) = (r#"{"statusCode":200,"body":"hello"}"#, false);

#[test]
fn an_answer_that_is_lost_is_looked_up_and_nothing_is_done_twice() {
    let (cloud, shop) = shop();
    let faults = cloud.server.faults();
    faults.add(Fault::reset_after_taken("PUT", "/code"));
    faults.add(Fault::reset_after_taken("POST", "/versions"));
    faults.add(Fault::reset_after_taken("PUT", "/aliases/live"));
    let version = shop.prints(&(publish("lost", "") + " | version"));
    assert_eq!(
        (version.as_str(), cloud.serves("live").as_str()),
        ("2", "2")
    );
    assert_eq!(cloud.versions(), [1, 2]);
    assert_eq!(faults.left(), 0);
    let asked = [("PUT", "/code"), ("POST", "/versions"), ("PUT", "/aliases")];
    let times = asked.map(|(method, path)| cloud.asked(method, path));
    assert_eq!(times, [1, 1, 1]);
}

#[test]
fn what_was_not_taken_is_repeated_and_waits_go_on_until_the_end() {
    let (cloud, shop) = shop();
    let faults = cloud.server.faults();
    let failed = |method, path| Fault::answer(method, path, 500, "{}");
    faults.add(Fault::too_many("GET", "/functions/site/aliases", 1));
    let expired =
        r#"{"message":"Signature expired: 20260131T110000Z is now earlier than 20260131T115500Z"}"#;
    let of_a_clock = Fault::answer("GET", "/versions", 403, expired)
        .header("x-amzn-errortype", "InvalidSignatureException")
        .header("date", "Sat, 31 Jan 2099 12:00:00 GMT");
    faults.add(of_a_clock);
    faults.add(failed("GET", "/versions"));
    faults.add(conflict("PUT", "/code"));
    faults.add(Fault::too_many("PUT", "/code", 1));
    faults.add(failed("PUT", "/code"));
    faults.add(Fault::reset("POST", "/versions"));
    faults.add(failed("PUT", "/aliases/live"));
    let of_registry = shop.registry.server.faults();
    of_registry.add(failed("GET", "/manifests/busy"));
    of_registry.add(Fault::too_many("GET", "/manifests/sha256", 1));
    of_registry.add(Fault::reset("GET", "/blobs/"));
    {
        let mut function = cloud.function();
        function.starts = 2;
        function.update_takes = 2;
        function.version_takes = 1;
        function.answers.push_back(GOOD);
    }
    let printed = shop.prints(&(publish("busy", SMOKE) + " | summary"));
    assert!(
        printed.contains("alias `live` serves version 2, before: 1"),
        "{printed}"
    );
    assert_eq!(
        (cloud.serves("live").as_str(), cloud.versions()),
        ("2", vec![1, 2])
    );
    assert_eq!((faults.left(), of_registry.left()), (0, 0));
    assert_eq!(cloud.asked("POST", "/invocations"), 1);

    // Two polls of the update, two of the version.
    let polls = cloud.function().polls.clone();
    let pauses = [polls[1] - polls[0], polls[3] - polls[2]];
    for (pause, waiter) in pauses
        .iter()
        .zip(["FunctionUpdatedV2", "PublishedVersionActive"])
    {
        let pause = pause.as_secs_f64();
        let delay = delay_of(waiter);
        assert!(
            (delay - 0.3..delay + 0.7).contains(&pause),
            "{waiter}: {pause} s"
        );
    }
}

/// Seconds between two polls of a waiter, as the SDK of AWS for Python has it.
fn delay_of(waiter: &str) -> f64 {
    let program = "import botocore.session, sys
model = botocore.session.get_session().get_waiter_model('lambda')
print(model.get_waiter(sys.argv[1]).delay)";
    let done = tools::command("python3")
        .args(["-c", program, waiter])
        .output();
    let done = done.expect("no botocore: run `cargo xtask tools`");
    let delay = String::from_utf8_lossy(&done.stdout);
    delay.trim().parse().expect("a waiter")
}

#[test]
fn what_fails_on_the_way_says_why_and_leaves_the_alias() {
    let (cloud, shop) = shop();
    let live = "alias `live` serves version 1 as before";
    {
        let mut function = cloud.function();
        function.update_takes = 1;
        function.update_fails = Some((
            "ImageAccessDenied",
            "Lambda does not have permission to access the ECR image",
        ));
    }
    let words = [
        "does not have permission to access the ECR image (ImageAccessDenied)",
        live,
    ];
    shop.refuses(&publish("denied", ""), &words);
    {
        let mut function = cloud.function();
        function.version_takes = 1;
        function.version_fails = Some(("ImageDeleted", "The image was deleted"));
    }
    let words = [
        "version 2 of `site` is published and stays unused",
        "Lambda could not start version 2 of `site`: The image was deleted (ImageDeleted)",
        live,
    ];
    shop.refuses(&publish("gone", ""), &words);

    cloud
        .function()
        .answers
        .push_back((r#"{"errorMessage":"no such table"}"#, true));
    let words = [
        "version 3 of `site` failed (Unhandled)",
        "no such table",
        "PHP Fatal error",
        live,
    ];
    shop.refuses(&publish("denied", SMOKE), &words);

    cloud
        .function()
        .answers
        .push_back((r#"{"statusCode":500}"#, false));
    let words = [
        r#"answered {"statusCode":500}, expected {"statusCode":200}"#,
        live,
    ];
    shop.refuses(&publish("denied", SMOKE), &words);
    assert_eq!(
        (cloud.serves("live").as_str(), cloud.versions()),
        ("1", vec![1, 2, 3])
    );

    // The same once more, and it is well: the version that is there is taken.
    cloud.function().answers.push_back(GOOD);
    assert_eq!(
        shop.prints(&(publish("denied", SMOKE) + " | is-new")),
        "false"
    );
    assert_eq!(
        (cloud.serves("live").as_str(), cloud.versions()),
        ("3", vec![1, 2, 3])
    );
}

#[test]
fn a_refusal_at_any_step_says_what_is_up_and_leaves_the_alias() {
    let (cloud, shop) = shop();
    let deny = |method, path| cloud.server.faults().add(denied(method, path));
    let live = "alias `live` serves version 1 as before";
    let refused = Fault::answer("PUT", "/manifests/", 403, "{}");
    shop.registry.server.faults().add(refused);
    shop.refuses(&publish("new", SMOKE), &[live]);
    assert!(shop.registry.tags("site").is_empty());

    cloud.function().version_takes = 1;
    let stays = "version 2 of `site` is published and stays unused";
    for (method, path, action, up) in [
        ("PUT", "/code", "UpdateFunctionCode", "no new version"),
        ("POST", "/versions", "PublishVersion", "no version of it is"),
        ("GET", "/configuration", "GetFunctionConfiguration", stays),
        ("POST", "/invocations", "InvokeFunction", stays),
    ] {
        deny(method, path);
        let step = format!("allow `lambda:{action}` to this role");
        shop.refuses(&publish("new", SMOKE), &[up, &step, live]);
        let mut function = cloud.function();
        let versions = function.versions.values_mut();
        versions.for_each(|version| version.pending = 0);
    }
    deny("PUT", "/aliases/live");
    cloud.function().answers = [GOOD, GOOD].into();
    let words = ["version 2 of `site` is published, but alias `live` is not moved"];
    shop.refuses(&publish("new", SMOKE), &words);
    assert_eq!(
        (cloud.serves("live").as_str(), cloud.versions()),
        ("1", vec![1, 2])
    );

    // What is in the way of cleaning up is in the way of nothing else.
    shop.prints(&publish("new", SMOKE));
    deny("DELETE", "/functions/site");
    let printed = shop.prints(&(publish("newer", "--keep 1") + " | summary"));
    assert!(
        printed.contains("- version 1 was not deleted: Lambda DeleteFunction"),
        "{printed}"
    );
    assert_eq!(
        (cloud.serves("live").as_str(), cloud.versions()),
        ("3", vec![1, 2, 3])
    );
    assert_eq!(cloud.server.faults().left(), 0);
}

#[test]
fn somebody_elses_change_is_never_overwritten() {
    let (cloud, shop) = shop();
    {
        let mut function = cloud.function();
        function.answers.push_back(GOOD);
        function.meanwhile = Some(("invocations", |function| {
            if let Some(live) = function.aliases.get_mut("live") {
                live.weights.insert("2".into(), 0.5);
                live.revision += 1;
            }
        }));
    }
    let words = [
        "somebody else has changed alias `live`",
        "1 (50 %), 2 (50 %)",
        "run this again",
    ];
    shop.refuses(&publish("mine", SMOKE), &words);
    assert_eq!(cloud.serves("live"), "1 2:0.5");

    cloud.function().meanwhile = Some(("code", |function| {
        function.image = format!("other@sha256:{}", "f".repeat(64));
        function.revision += 1;
    }));
    shop.refuses(
        &publish("later", ""),
        &["somebody else has changed the code of `site`"],
    );
    assert!(cloud.function().image.starts_with("other@"));

    // A change that is not about the code is none of ours: it is waited for.
    cloud.function().under_way = 2;
    cloud.function().meanwhile = Some(("code", |function| function.revision += 1));
    assert_eq!(shop.prints(&(publish("later", "") + " | version")), "3");
    assert_eq!(cloud.serves("live"), "3");
}

#[test]
fn a_shift_in_steps_goes_back_when_a_check_fails() {
    let (cloud, shop) = shop();
    shop.prints(&format!(
        "publish {} site site --tag two | version",
        image("two")
    ));
    // Nothing was moved yet: back is the next lower version, and there is none.
    shop.refuses("rollback site live", &["there is none before it"]);
    let shift = format!("shift site live 2 --steps 10,50 --pause-seconds 0 {SMOKE}");
    cloud.function().answers = [GOOD, GOOD, ("{}", true)].into();
    let words = [
        "alias `live` serves version 1 as before",
        "version 2 of `site` failed",
    ];
    shop.refuses(&shift, &words);
    assert_eq!(
        (
            cloud.serves("live").as_str(),
            cloud.asked("PUT", "/aliases/live")
        ),
        ("1", 3)
    );

    cloud.function().answers = [GOOD, GOOD, GOOD].into();
    let served = shop.prints(&format!("{shift} --weight 90 | summary"));
    assert!(served.contains("1 (10 %), 2 (90 %), before: 1"), "{served}");
    assert_eq!(cloud.serves("live"), "1 2:0.9");

    // What an alias serves a part of, and what it would go back to, is not pruned.
    shop.prints(&format!("publish {} site site --tag three", image("three")));
    let pruned = shop.prints("prune site 1 | summary");
    assert_eq!(pruned, "deleted no version of **site**, 3 left");
    shop.prints("shift site live 3 | version");
    assert_eq!(shop.prints("prune site 1 | deleted"), "2");
    assert_eq!(
        (cloud.serves("live").as_str(), cloud.versions()),
        ("3", vec![1, 3])
    );
    // Somebody else moves it in the middle: that stays.
    cloud.function().meanwhile = Some(("aliases", |function| {
        if let Some(live) = function.aliases.get_mut("live") {
            live.weights.insert("1".into(), 0.5);
            live.revision += 1;
        }
    }));
    let words = [
        "somebody else has changed alias `live`",
        "3 (50 %), 1 (50 %)",
    ];
    shop.refuses("rollback site live", &words);
    assert_eq!(cloud.serves("live"), "3 1:0.5");
}
