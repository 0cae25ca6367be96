//! What a module says about itself.

use poniard_sdk::Result;
use poniard_sdk::registry::{Registry, types_text};
use poniard_sdk::serde_json::{self, Value, json};
use poniard_sdk::types::ModuleTypes;

use crate::shop::Shop;

fn described() -> Result<Value> {
    Ok(serde_json::from_str(&types_text::<Shop>()?)?)
}

fn function(name: &str) -> Result<Value> {
    let types = described()?;
    let functions = types["objects"][0]["functions"]
        .as_array()
        .cloned()
        .unwrap_or_default();
    Ok(functions
        .into_iter()
        .find(|function| function["name"] == name)
        .unwrap_or_default())
}

#[test]
fn the_main_object_comes_first_and_describes_the_module() -> Result<()> {
    let types = described()?;
    assert_eq!(types["description"], "A shop.\n\nIt sells wares.");
    assert_eq!(types["objects"][0]["name"], "Shop");
    assert_eq!(types["objects"][1]["name"], "Ware");
    assert_eq!(types["objects"][2], Value::Null);
    Ok(())
}

#[test]
fn private_state_and_helpers_are_not_described() -> Result<()> {
    let types = described()?;
    let shop = &types["objects"][0];
    assert_eq!(
        shop["fields"],
        json!([
            { "name": "town", "type": "String!", "description": "Where it is." },
            { "name": "stock", "type": "Directory" },
        ])
    );
    let names: Vec<_> = shop["functions"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|f| &f["name"])
        .collect();
    assert_eq!(
        names,
        [
            "sell", "sold", "theURL", "audit", "prices", "counter", "wares", "stocked", "core",
            "panics", "bake"
        ]
    );
    Ok(())
}

#[test]
fn the_constructor_has_arguments_with_their_docs() -> Result<()> {
    let expected = json!({
        "type": "Shop!",
        "description": "Opens the shop.",
        "args": [
            { "name": "town", "type": "String!", "description": "Where to open.", "defaultValue": "\"Basle\"" },
            { "name": "stock", "type": "Directory", "defaultPath": "/", "ignore": ["target", "**/*.log"] },
        ],
    });
    assert_eq!(described()?["objects"][0]["constructor"], expected);
    Ok(())
}

#[test]
fn an_object_tells_its_deprecation_and_renamed_fields() -> Result<()> {
    let expected = json!({
        "name": "Ware",
        "description": "A thing that is sold.",
        "deprecated": "Use Shop.",
        "fields": [
            { "name": "label", "type": "String!", "description": "What it is." },
            { "name": "sizeCM", "type": "Float", "deprecated": "Measure yourself." },
        ],
    });
    assert_eq!(described()?["objects"][1], expected);
    Ok(())
}

#[test]
fn an_enumeration_lists_its_members() -> Result<()> {
    let expected = json!([{
        "name": "Payment",
        "description": "How to pay.",
        "members": [
            { "name": "CASH", "description": "Coins." },
            { "name": "CREDIT_CARD", "value": "credit-card", "deprecated": "Use CASH." },
        ],
    }]);
    assert_eq!(described()?["enums"], expected);
    Ok(())
}

#[test]
fn names_defaults_and_cache_are_as_written() -> Result<()> {
    let expected = json!({
        "name": "theURL",
        "type": "String!",
        "deprecated": "Use `town`.",
        "cache": "1h30m",
        "args": [
            { "name": "someHTTPPort", "type": "Int!", "deprecated": "Always 80.", "defaultValue": "80" },
            { "name": "version", "type": "String!", "defaultValue": "\"1.2\"" },
            { "name": "tags", "type": "[String!]!", "defaultValue": "[]" },
            { "name": "offset", "type": "Int!", "defaultValue": "-1" },
        ],
    });
    assert_eq!(function("theURL")?, expected);
    let by = &function("sell")?["args"][0];
    assert_eq!(
        by,
        &json!({ "name": "by", "type": "Payment!", "defaultValue": "\"CREDIT_CARD\"" })
    );
    Ok(())
}

#[test]
fn generators_give_changes_and_what_is_up_a_service() -> Result<()> {
    let (prices, counter) = (function("prices")?, function("counter")?);
    assert_eq!(prices["generate"], true);
    assert_eq!(prices["type"], "Changeset!");
    assert_eq!(counter["up"], true);
    assert_eq!(counter["type"], "Service!");
    Ok(())
}

#[test]
fn a_check_gives_nothing_and_takes_the_workspace() -> Result<()> {
    let expected = json!({
        "name": "audit",
        "type": "Void",
        "description": "Fails when the books are wrong.",
        "cache": "never",
        "check": true,
        "args": [
            { "name": "ws", "type": "Workspace!" },
            { "name": "strict", "type": "Boolean" },
        ],
    });
    assert_eq!(function("audit")?, expected);
    Ok(())
}

#[test]
fn types_of_the_core_keep_their_names() -> Result<()> {
    let core = function("core")?;
    assert_eq!(core["type"], "[Container!]!");
    let args = core["args"].as_array().cloned().unwrap_or_default();
    let types: Vec<_> = args.iter().map(|arg| &arg["type"]).collect();
    assert_eq!(
        types,
        [
            "Container!",
            "Platform",
            "NetworkProtocol",
            "Socket",
            "GitRef",
            "GitRepository",
            "Service",
            "CacheVolume",
            "EnvFile",
        ]
    );
    assert_eq!(args[0]["defaultAddress"], "alpine:3");
    assert_eq!(args[1]["defaultValue"], "\"linux/amd64\"");
    assert_eq!(args[2]["defaultValue"], "\"TCP\"");
    assert_eq!(function("stocked")?["type"], "Ware");
    assert_eq!(
        function("wares")?["args"][0],
        json!({ "name": "in", "type": "[Ware!]!" })
    );
    Ok(())
}

#[test]
fn the_document_reads_back_as_it_was_written() -> Result<()> {
    let text = types_text::<Shop>()?;
    assert!(text.ends_with("}\n"), "{text}");
    let read: ModuleTypes = serde_json::from_str(&text)?;
    assert_eq!(read, Registry::of::<Shop>().describe());
    Ok(())
}

mod other {
    use poniard_sdk::prelude::*;

    #[object]
    pub struct Page {
        pub title: String,
    }
}

/// Everything that no macro can see, since it looks at one item only.
mod muddled {
    use poniard_sdk::prelude::*;

    #[object]
    pub struct Page {
        pub body: String,
    }

    #[functions]
    impl Page {
        /// The same as the field.
        pub fn body(&self) -> String {
            self.body.clone()
        }
    }

    #[object]
    pub struct Site {
        name: String,
    }

    #[functions]
    impl Site {
        /// A page.
        pub fn page(&self) -> Page {
            Page {
                body: self.name.clone(),
            }
        }

        /// Another.
        pub fn other(&self) -> super::other::Page {
            super::other::Page {
                title: self.name.clone(),
            }
        }

        /// A constructor for its own use.
        fn new() -> Self {
            Self {
                name: String::new(),
            }
        }

        /// Copies it.
        pub fn fresh(&self) -> Self {
            Self::new()
        }
    }
}

#[test]
fn what_fits_together_in_rust_and_not_in_the_api_is_told_with_the_types() {
    let said = types_text::<muddled::Site>()
        .map(|_| ())
        .expect_err("is refused");
    let said = said.to_string();
    let lines: Vec<_> = said.lines().collect();
    assert_eq!(lines.len(), 3, "{said}");
    for (line, words) in lines.iter().zip([
        [
            "muddled::Page` and `",
            "other::Page` are both called `Page`",
        ],
        [
            "`Page` has a field and a function called `body`",
            "name = \"…\"",
        ],
        [
            "`Site` has state, and no constructor that fills it (field `name` of `Site`",
            "`pub fn new(…) -> Self`",
        ],
    ]) {
        assert!(words.iter().all(|word| line.contains(word)), "{said}");
    }
}

/// A package holds all its files, so the macros have a copy of their own.
#[test]
fn the_macros_describe_types_as_the_sdk_does() {
    let copy = include_str!("../../../poniard-macros/src/types.rs");
    assert!(
        copy == include_str!("../../src/types.rs"),
        "cp sdk/poniard-sdk/src/types.rs sdk/poniard-macros/src/types.rs"
    );
}
