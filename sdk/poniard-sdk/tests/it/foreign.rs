//! The client of a dependency in another language, whose types are those that an
//! engine handed to the SDK's `codegen`.

use poniard_sdk::prelude::*;
use poniard_sdk::serde_json::json;
use poniard_sdk::testing::FakeEngine;

mod go {
    poniard_sdk::dependencies!("tests/it/foreign");
}
use go::{Dependencies, GoLabColour, GoLabMixOpts};

#[test]
fn a_module_in_another_language_has_a_typed_client() -> Result<()> {
    let engine = FakeEngine::new()
        .on(r#"goLab(token: "t").items.id"#, json!([{ "id": "one" }]))
        .on(r#"GoLabItem(id: "one").name"#, "first")
        .on(
            r#"goLab(token: "t").mix(colour: "DARK_BLUE", item: "i", parts: ["d"])"#,
            "RED",
        );
    engine.run(async {
        let lab = dag().go_lab(Id("t".into()));
        assert_eq!(lab.items().await?[0].name().await?, "first");
        let opts = GoLabMixOpts {
            colour: Some(GoLabColour::DarkBlue),
            ..Default::default()
        };
        let colour = lab
            .mix_opts(vec![Id("d".into())], Id("i".into()), opts)
            .await?;
        assert_eq!(colour, GoLabColour::Red);
        Ok(())
    })
}
