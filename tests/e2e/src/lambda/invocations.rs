//! Invocations by themselves. The answers are the stand-in's: moto runs no images.
//! What an image answers to an event by Lambda's Runtime API is `php-build`'s test.

use super::cloud::Cloud;
use super::shop::Shop;

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
