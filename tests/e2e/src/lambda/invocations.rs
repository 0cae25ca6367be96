//! Invocations: of images that were published, and by themselves.

use std::fs;

use super::cloud::Cloud;
use super::instance::Instances;
use super::shop::Shop;
use crate::fixture::{copy_tracked, module};

const APP: &str = "tests/e2e/fixtures/slim-app";
const RUNTIME: &str = "examples/php-app/packages/lambda-runtime";
/// A request of a function URL.
const PAGE: &str = r#"{"version":"2.0","rawPath":"/","rawQueryString":"","headers":{"host":"site"},"requestContext":{"http":{"method":"GET","path":"/","sourceIp":"192.0.2.1"}},"isBase64Encoded":false}"#;

#[test]
fn the_image_that_was_published_answers_before_the_alias_moves() {
    let cloud = Cloud::start();
    let shop = Shop::new(cloud.server.url());
    copy_tracked(&shop.place, APP);
    copy_tracked(&shop.place, RUNTIME);
    let app = shop.place.path(APP);
    let to = app.join("packages/lambda-runtime");
    fs::rename(shop.place.path(RUNTIME), to).expect("the runtime");
    cloud.function().instances = Some(Instances::of(&shop));
    let publish = |tag: &str| {
        format!(
            "publish $({} --source $(host | directory {}) | image) site site --tag {tag} --alias live --smoke-payload '{PAGE}' --smoke-expect '{{\"statusCode\":200}}'",
            module("php-build").display(),
            app.display()
        )
    };
    assert_eq!(shop.prints(&(publish("good") + " | version")), "2");
    assert_eq!(cloud.serves("live"), "2");
    let page = format!("invoke site --qualifier live --payload '{PAGE}' | payload");
    assert!(shop.prints(&page).contains("aGVsbG8gZnJvbSBQSFAg"));

    let greeting = app.join("legacy/greeting.php");
    let text = fs::read_to_string(&greeting).expect("a page");
    let broken = text.replace(
        "return ",
        "throw new LogicException('out of luck'); return ",
    );
    fs::write(&greeting, broken).expect("a page");
    let words = [
        "version 3 of `site` answered",
        r#""statusCode":500"#,
        "LogicException: out of luck",
        "alias `live` serves version 2 as before",
    ];
    shop.refuses(&publish("broken"), &words);
    assert_eq!(cloud.serves("live"), "2");
    shop.place.nothing_is_left();
}

#[test]
fn an_invocation_gives_the_answer_or_fails_with_the_end_of_the_log() {
    let cloud = Cloud::start();
    let shop = Shop::new(cloud.server.url());
    cloud.function().answers = [
        (r#"{"statusCode":200}"#, false),
        ("\"pong\"", false),
        (
            r#"{"errorMessage":"no such table","errorType":"PDOException"}"#,
            true,
        ),
    ]
    .into();
    let invoke = "invoke site --payload '{\"path\":\"/\"}'";
    let shown = shop.prints(&format!("{invoke} | payload"));
    assert_eq!(shown, r#"{"statusCode":200}"#);
    let shown = shop.prints(&format!("{invoke} --qualifier 1 | summary"));
    assert_eq!(shown, "**site** version 1 answers `\"pong\"`");
    let words = [
        "`site` failed (Unhandled)",
        "no such table",
        "end of its log:",
        "PHP Fatal error",
    ];
    shop.refuses(invoke, &words);
    shop.refuses("invoke site --payload '{'", &["payload `{` is no JSON"]);
    assert_eq!(cloud.asked("POST", "/invocations"), 3);
}
