//! Publishing when nothing goes wrong.

use stand_ins::Fault;

use super::moto::Moto;
use super::refusal::conflict;
use super::shop::{Shop, image, repository_uri};

#[test]
fn an_image_becomes_a_version_and_an_alias_is_moved_there_and_back() {
    let moto = Moto::start();
    let shop = Shop::new(moto.server.url());
    let publish = |text: &str, more: &str| {
        format!(
            "publish {} site site --tag {text} --alias live {more}",
            image(text)
        )
    };

    shop.refuses(
        &publish("one", ""),
        &["no repository `site`", "--create-repository"],
    );
    assert!(shop.registry.tags("site").is_empty());
    let summary = shop.prints(&(publish("one", "--create-repository") + " | summary"));
    let (_, digest) = shop.registry.manifest("site", "one");
    let image_ref = format!("{}@{digest}", repository_uri());
    assert_eq!(
        summary,
        format!(
            "**site** version **1** is published\n\n- alias `live` serves version 1\n- image `{image_ref}`"
        )
    );
    assert_eq!(moto.function()["Code"]["ImageUri"], image_ref.as_str());
    assert_eq!(moto.repository()["imageTagMutability"], "IMMUTABLE");

    // Once more, nothing would change.
    let plan = publish("one", "").replacen("publish", "plan", 1);
    let expected = format!(
        "  tag one is there: another image would get one beside it\n  function site (x86_64)\n  code {image_ref}\n\
         \x20 version 1\n  alias live: version 1"
    );
    assert_eq!(shop.prints(&format!("{plan} | diff")), expected);
    assert_eq!(shop.prints(&format!("{plan} | has-changes")), "false");
    let plan =
        shop.prints(&(publish("two", "--weight 10").replacen("publish", "plan", 1) + " | diff"));
    let expected = format!(
        "  function site (x86_64)\n- code {image_ref}\n+ code {}:two\n+ version new\n\
         - alias live: version 1\n+ alias live: version 1 (90 %), new (10 %)",
        repository_uri()
    );
    assert_eq!(plan, expected);
    assert_eq!(shop.registry.tags("site"), ["one"]);

    // The commit in the image's label is its tag, when none is named.
    shop.refuses(
        &publish("two", "").replace("--tag two", ""),
        &["`org.opencontainers.image.revision`", "--tag"],
    );
    let commit = "4".repeat(40);
    let labelled = format!(
        "with-new-file /index.html two | with-label org.opencontainers.image.revision {commit}"
    );
    let plan = format!("plan $(container | {labelled}) site site | diff");
    assert!(shop.prints(&plan).contains(&format!("site:{commit}\n")));

    let faults = moto.server.faults();
    faults.add(Fault::too_many("GET", "/functions/site/aliases", 1));
    faults.add(Fault::answer("GET", "/functions/site/versions", 500, "{}"));
    faults.add(conflict("PUT", "/code"));
    faults.add(Fault::reset_after_taken("PUT", "/code"));
    faults.add(Fault::reset_after_taken("POST", "/versions"));
    faults.add(Fault::reset_after_taken("PUT", "/aliases/live"));
    // The image of `two` under the tag `one`, which stays where it is.
    let second = format!(
        "publish {} site {} --tag one --alias live --weight 10 --description 'second one'",
        image("two"),
        repository_uri()
    );
    assert_eq!(shop.prints(&format!("{second} | version")), "2");
    assert_eq!(faults.left(), 0);
    assert_eq!(shop.registry.manifest("site", "one").1, digest);
    assert_eq!(shop.registry.tags("site").len(), 2);
    // Once more: nothing is sent, nothing is made.
    shop.registry.server.forget_requests();
    let again = shop.prints(&format!("{second} | summary"));
    assert!(
        again.starts_with("**site** version **2** was there already"),
        "{again}"
    );
    let asked = shop.registry.server.requests();
    assert!(
        !asked.iter().any(|one| one.path.contains("/uploads")),
        "{asked:?}"
    );
    let table = shop.prints("versions site | table");
    for row in [
        "| 2 | live (10 %) |",
        "| 1 | live (90 %) |",
        "| second one |",
    ] {
        assert!(table.contains(row), "`{row}` is not in\n{table}");
    }

    let shifted = shop.prints("shift site live 2 --steps 50 --pause-seconds 0 | summary");
    assert_eq!(
        shifted,
        "**site** alias `live` serves version 2, before: 1 (90 %), 2 (10 %)"
    );
    let back = shop.prints("rollback site live | summary");
    assert_eq!(back, "**site** alias `live` serves version 1, before: 2");
    shop.refuses(
        "rollback site live",
        &["there is none before it", "--version"],
    );

    let by_digest = format!("publish-ref site@{digest} site --alias next --keep 1");
    assert_eq!(shop.prints(&format!("{by_digest} | image-digest")), digest);
    // 3 is the newest, 1 is live, 2 is nobody's any more.
    let table = shop.prints("versions site | table");
    assert!(
        table.contains("| 3 | next |") && table.contains("| 1 | live |"),
        "{table}"
    );
    assert!(!table.contains("| 2 |"), "{table}");
    shop.place.nothing_is_left();
}
