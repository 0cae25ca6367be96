//! The client of a dependency in another language, whose types are those that an
//! engine handed to the SDK's `codegen`.

use poniard_sdk::prelude::*;
use poniard_sdk::serde_json::json;
use poniard_sdk::testing::FakeEngine;

mod go {
    poniard_sdk::dependencies!("tests/it/foreign");
}
use go::{Dependencies as _, GoLabColour, GoLabMixOpts};

/// Every type, default, and name that is hard to say in Rust.
mod shapes {
    poniard_sdk::dependencies!("tests/it/shapes");
}
use shapes::{
    Dependencies as _, Type2, Type2DefaultsOpts, Type2Mood, Type2Opts, Type2RunOpts,
    Type2WithD2Opts,
};

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

fn shapes() -> Type2 {
    dag().type_2("t")
}

#[test]
fn values_of_every_kind_come_back_typed() -> Result<()> {
    let engine = FakeEngine::new()
        .on("type2.strings", json!(["a"]))
        .on("type2.maybe", json!(null))
        .on("type2.maybeNumbers", json!([1, -2]))
        .on("type2.half", json!(0.5))
        .on("type2.yes", json!(true))
        .on("type2.nothing", json!(null))
        .on("type2.json", "{}")
        .on("type2.platform", "linux/arm64")
        .on("type2.protocols", json!(["UDP"]))
        .on("type2.grid", json!([[1], []]))
        .on("type2.toV2URL", "v2");
    engine.run(async {
        assert_eq!(shapes().strings().await?, ["a"]);
        assert_eq!(shapes().maybe().await?, None);
        assert_eq!(shapes().maybe_numbers().await?, Some(vec![1, -2]));
        assert_eq!(shapes().half().await?, 0.5);
        assert_eq!(shapes().yes().await?, Some(true));
        shapes().nothing().await?;
        assert_eq!(shapes().json().await?.0, "{}");
        assert_eq!(shapes().platform().await?.0, "linux/arm64");
        assert_eq!(shapes().protocols().await?, [NetworkProtocol::Udp]);
        assert_eq!(shapes().grid().await?, [vec![1], vec![]]);
        assert_eq!(shapes().to_v2_url().await?, "v2");
        Ok(())
    })
}

#[test]
fn objects_and_interfaces_come_back_typed() -> Result<()> {
    let engine = FakeEngine::new()
        .on("type2.maybeItem.__typename", json!(null))
        .on("type2.items.id", json!([{ "id": "one" }]))
        .on("Type2Item(id: \"one\").type", "SELF")
        .on("Type2Item(id: \"one\").parent.__typename", "Type2Item")
        .on("Type2Item(id: \"one\").parent.name", "above")
        .on("type2.ducks.id", json!([{ "id": "d" }]))
        .on("Type2Duck(id: \"d\").quack", "quack")
        .on("type2.duck.quack", "quack!")
        .on("type2.self.clone.new.sync.dir.entries", json!(["x"]))
        .on("type2.directories.id", json!([{ "id": "e" }]))
        .on("Directory(id: \"e\").name", "e/");
    engine.run(async {
        assert!(shapes().maybe_item().await?.is_none());
        let item = &shapes().items().await?[0];
        assert_eq!(item.r#type().await?, Some(Type2Mood::Self_));
        let above = item.parent().await?.ok_or_eyre("nothing is above")?;
        assert_eq!(above.name().await?, "above");
        assert_eq!(shapes().ducks().await?[0].quack().await?, "quack");
        assert_eq!(shapes().duck().quack().await?, "quack!");
        let dir = shapes().self_().clone().new().sync().dir();
        assert_eq!(dir.entries().await?, ["x"]);
        assert_eq!(shapes().directories().await?[0].name().await?, "e/");
        Ok(())
    })
}

#[test]
fn names_that_are_words_of_rust_and_defaults_of_every_kind_are_arguments() -> Result<()> {
    let told = |chain: &poniard_sdk::testing::Chain| Ok(json!(chain.to_string()));
    let engine = FakeEngine::new()
        .on_with("type2.match", |_| Ok(json!(7)))
        .on_with("type2.run", told)
        .on_with("type2.defaults", told)
        .on_with("type2.take", told)
        .on_with("type2.withD2.run", told);
    engine.run(async {
        assert_eq!(shapes().r#match("f", 1).await?, 7);
        let opts = Type2Opts { opts: Some("y".into()) };
        let run = dag().type_2_opts("t", opts).run("o").await?;
        assert_eq!(run, r#"type2(opts: "y", type: "t").run(opts: "o")"#);
        let args = Type2RunOpts { args: Some(vec!["c".into()]) };
        let run = shapes().run_opts("o", args).await?;
        assert_eq!(run, r#"type2(type: "t").run(args: ["c"], opts: "o")"#);
        let port = Type2WithD2Opts { port80: Some(81) };
        let run = shapes().with_d2_opts("u", port).run("o").await?;
        assert_eq!(run, r#"type2(type: "t").withD2(port80: 81, utf8: "u").run(opts: "o")"#);
        let none = shapes().defaults().await?;
        assert_eq!(none, r#"type2(type: "t").defaults"#);
        let some = Type2DefaultsOpts {
            text: Some("\"a\"\n".into()),
            moods: Some(vec![Type2Mood::_8Bit, Type2Mood::LowerCase]),
            image: Some(Id("image".into())),
            ducks: Some(vec![Id("duck".into())]),
            platform: Some(Platform("linux/arm64".into())),
            protocol: Some(NetworkProtocol::Udp),
            ..Default::default()
        };
        let some = shapes().defaults_opts(some).await?;
        assert_eq!(
            some,
            r#"type2(type: "t").defaults(ducks: ["duck"], image: "image", moods: ["_8_BIT","lowerCase"], platform: "linux/arm64", protocol: "UDP", text: "\"a\"\n")"#
        );
        let (duck, items) = (Id("d".into()), vec![Id("i".into())]);
        let arm = Platform("p".into());
        let taken = shapes().take(duck, items, Type2Mood::A4, 0.5, arm).await?;
        assert_eq!(
            taken,
            r#"type2(type: "t").take(duck: "d", items: ["i"], mood: "A4", platform: "p", ratio: 0.5)"#
        );
        Ok(())
    })
}
