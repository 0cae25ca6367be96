//! Wrangler's configuration in its three forms, and what is said about faults.

use poniard_sdk::prelude::*;

use crate::wrangler_config::Settings;

fn json(text: &str) -> Result<Settings> {
    Settings::read("wrangler.jsonc", text, None)
}

#[track_caller]
fn refused(name: &str, text: &str, env: Option<&str>, wanted: &str) {
    let error = Settings::read(name, text, env).unwrap_err().to_string();
    assert!(error.starts_with(wanted), "{error}\nnot: {wanted}");
}

#[test]
fn all_three_forms_say_the_same() -> Result<()> {
    let jsonc = r#"{
        // with comments, and commas at the end
        "name": "site", /* inline */ "main": "src/worker.ts",
        "assets": { "directory": "./dist", "binding": "ASSETS" }, "account_id": "abc",
    }"#;
    let toml = "name = 'site'\nmain = \"src/worker.ts\"\naccount_id = 'abc'\n[assets]\ndirectory = './dist'\nbinding = 'ASSETS'\n";
    let plain = r#"{"name":"site","main":"src/worker.ts","account_id":"abc","assets":{"directory":"./dist"}}"#;
    for (name, text) in [
        ("a.jsonc", jsonc),
        ("wrangler.toml", toml),
        ("a.json", plain),
    ] {
        let settings = Settings::read(name, text, None)?;
        assert_eq!(settings.worker, "site", "{name}");
        assert_eq!(
            settings.main.map(|main| main.path).as_deref(),
            Some("src/worker.ts")
        );
        assert_eq!(
            settings.assets.map(|assets| assets.path).as_deref(),
            Some("./dist")
        );
        assert_eq!(settings.account_id.as_deref(), Some("abc"));
    }
    Ok(())
}

#[test]
fn an_environment_has_its_own_name_and_overrides_whole_values() -> Result<()> {
    let text = r#"{ "name": "site", "assets": { "directory": "dist" }, "env": {
        "staging": { "preview_urls": false },
        "production": { "name": "www", "assets": { "directory": "build" } } } }"#;
    let staging = Settings::read("wrangler.json", text, Some("staging"))?;
    assert_eq!(staging.worker, "site-staging");
    assert_eq!(staging.assets.map(|a| a.path).as_deref(), Some("dist"));
    assert!(staging.preview_urls.is_some_and(|flag| !flag.set));
    let production = Settings::read("wrangler.json", text, Some("production"))?;
    assert_eq!(production.worker, "www");
    let assets = production.assets.unwrap();
    assert_eq!(
        (assets.field.as_str(), assets.path.as_str()),
        ("env.production.assets.directory", "build")
    );
    assert!(json(text)?.preview_urls.is_none());
    Ok(())
}

#[test]
fn faults_are_told_with_file_line_column_and_field() {
    let file = "wrangler.jsonc";
    refused(
        file,
        "{\n  \"assets\": { \"directory\": \"d\" }\n}",
        None,
        "wrangler.jsonc:1:1: `name` is missing",
    );
    refused(
        file,
        "{\n  \"name\": \"My Site\"\n}",
        None,
        "wrangler.jsonc:2:11: `name` is `My Site`: ",
    );
    refused(
        file,
        "{\n  \"name\": 7,\n}",
        None,
        "wrangler.jsonc:2:11: `name` must be a text, it is a number",
    );
    refused(
        file,
        "{ \"name\": \"a\" }",
        None,
        "wrangler.jsonc:1:1: neither `main` nor `assets.directory`",
    );
    refused(
        file,
        "{ \"name\": \"a\",\n \"assets\": { \"directory\": \"\" } }",
        None,
        "wrangler.jsonc:2:27: `assets.directory` is empty",
    );
    refused(
        file,
        "{ \"name\": \"a\", \"main\": \"/w.js\" }",
        None,
        "wrangler.jsonc:1:24: `main` must be relative",
    );
    refused(
        file,
        "{ \"name\": \"a\"\n \"main\": \"w.js\" }",
        None,
        "wrangler.jsonc:",
    );
    refused(
        file,
        "{ \"name\": \"a\", \"pages_build_output_dir\": \"d\" }",
        None,
        "wrangler.jsonc:1:42: `pages_build_output_dir` belongs to Cloudflare Pages",
    );
    refused(
        "wrangler.toml",
        "name = \"a\"\nmain = 3\n",
        None,
        "wrangler.toml:2:8: `main` must be a text, it is a number",
    );
    refused(
        "wrangler.toml",
        "name = \"a\nmain = 3\n",
        None,
        "wrangler.toml:1:",
    );
    refused(
        "wrangler.toml",
        "name = 'a'\n[assets]\ndirectory = ['d']\n",
        None,
        "wrangler.toml:3:13: `assets.directory` must be a text, it is a list",
    );
    refused(
        "config.yaml",
        "",
        None,
        "`config.yaml` is no configuration of Wrangler",
    );
    refused(file, "", None, "wrangler.jsonc:1:1: the file is empty");
    refused(file, "[]", None, "wrangler.jsonc:1:1: expected an object");
}

#[test]
fn an_unknown_environment_is_told_with_those_that_are_known() {
    let text =
        "{ \"name\": \"a\", \"main\": \"w.js\",\n  \"env\": { \"staging\": {}, \"live\": {} } }";
    refused(
        "wrangler.json",
        text,
        Some("prod"),
        "wrangler.json:2:10: no environment `prod`: `env` has `staging`, `live`",
    );
    let none = "name = 'a'\nmain = 'w.js'\n";
    refused(
        "wrangler.toml",
        none,
        Some("prod"),
        "wrangler.toml:1:1: no environment `prod`: it has no `env`",
    );
}

#[test]
fn a_build_of_its_own_is_refused_for_a_site_that_is_built_already() {
    let text = "{ \"name\": \"a\", \"assets\": { \"directory\": \"d\" }, \"build\": { \"command\": \"npm run build\" } }";
    refused("wrangler.json", text, None, "wrangler.json:1:");
}
