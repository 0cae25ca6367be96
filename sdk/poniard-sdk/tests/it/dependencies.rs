//! Clients of a dependency.

use poniard_sdk::prelude::*;
use poniard_sdk::serde_json::{Value, json};
use poniard_sdk::testing::FakeEngine;

mod lab {
    poniard_sdk::dependencies!("tests/it/lab");
}
use lab::{BigLabColour, BigLabDescribeOpts, BigLabItem, BigLabOpts, Dependencies};

#[test]
fn a_function_is_asked_with_its_arguments() -> Result<()> {
    let engine = FakeEngine::new()
        .on(r#"bigLab(token: "secret-id").prefix"#, "p")
        .on(
            r#"bigLab(prefix: "mine", token: "secret-id").prefix"#,
            "mine",
        );
    engine.run(async {
        let token: Secret = dag().object("secret-id");
        assert_eq!(dag().big_lab(token.clone()).prefix().await?, "p");
        let opts = BigLabOpts {
            prefix: Some("mine".into()),
        };
        assert_eq!(dag().big_lab_opts(token, opts).prefix().await?, "mine");
        Ok(())
    })
}

#[test]
fn objects_come_back_typed() -> Result<()> {
    let engine = FakeEngine::new()
        .on("bigLab.items.id", json!([{ "id": "one" }, { "id": "two" }]))
        .on(r#"BigLabItem(id: "two").tags"#, json!(["a"]))
        .on(
            r#"bigLab(token: "t").find(name: "no").__typename"#,
            Value::Null,
        )
        .on(
            r#"bigLab(token: "t").find(name: "yes").__typename"#,
            "BigLabItem",
        )
        .on(r#"bigLab(token: "t").find(name: "yes").name"#, "yes")
        .on("bigLab.item.dir.entries", json!(["x"]))
        .on("bigLab.match.id", json!([{ "id": "dir" }]))
        .on(r#"Directory(id: "dir").name"#, "dir/");
    engine.run(async {
        let lab = dag().big_lab(Id("t".into()));
        let items = lab.items().await?;
        assert_eq!(items.len(), 2);
        assert_eq!(items[1].tags().await?, ["a"]);
        assert!(lab.find("no").await?.is_none());
        let found: Option<BigLabItem> = lab.find("yes").await?;
        assert_eq!(found.ok_or_eyre("nothing found")?.name().await?, "yes");
        assert_eq!(lab.item("x").dir().entries().await?, ["x"]);
        assert_eq!(lab.r#match().await?[0].name().await?, "dir/");
        Ok(())
    })
}

#[test]
fn enumerations_and_nothing_come_back_typed() -> Result<()> {
    let engine = FakeEngine::new()
        .on("bigLab.colour", "DARK_RED")
        .on(
            r#"bigLab(token: "t").mix(parts: ["DARK_RED","BLUE"])"#,
            Value::Null,
        )
        .on("bigLab.lint", Value::Null);
    engine.run(async {
        let lab = dag().big_lab(Id("t".into()));
        assert_eq!(lab.colour().await?, BigLabColour::DarkRed);
        assert_eq!(
            lab.mix(vec![BigLabColour::DarkRed, BigLabColour::Blue])
                .await?,
            None
        );
        lab.lint().await?;
        Ok(())
    })
}

#[test]
fn required_arguments_come_in_order_and_the_workspace_is_injected() -> Result<()> {
    let engine = FakeEngine::new().on_with("bigLab.describe", |chain| Ok(json!(chain.to_string())));
    engine.run(async {
        let lab = dag().big_lab(Id("t".into()));
        let text = lab.describe(lab.item("x"), "kind", ["a", "b"]).await?;
        assert_eq!(
            text.as_deref(),
            Some(r#"bigLab(token: "t").describe(item: "bigLab(token: \"t\").item(name: \"x\")", tags: ["a","b"], type: "kind")"#)
        );
        let opts = BigLabDescribeOpts { limit: Some(9), source: Some("d".into()), ..Default::default() };
        let text = lab.describe_opts(Id("i".into()), "kind", Vec::<String>::new(), opts).await?;
        assert_eq!(
            text.as_deref(),
            Some(r#"bigLab(token: "t").describe(item: "i", limit: 9, source: "d", tags: [], type: "kind")"#)
        );
        Ok(())
    })
}

#[test]
fn a_failure_of_the_dependency_keeps_its_values() {
    let error = EngineError::new("out of paint").with_value("code", "E42");
    let engine = FakeEngine::new()
        .on_error("bigLab.colour", error.clone())
        .on_error("bigLab.item.id", error.clone());
    engine.run(async {
        let lab = dag().big_lab(Id("t".into()));
        assert_eq!(lab.colour().await, Err(error.clone()));
        let described = lab.describe(lab.item("x"), "kind", ["a"]).await;
        assert_eq!(described, Err(error));
    });
}
