//! Objects of the core as arguments and results.

use poniard_sdk::Result;
use poniard_sdk::serde_json::json;
use poniard_sdk::testing::FakeEngine;

use super::call;

#[test]
fn a_made_file_is_the_file_of_a_made_directory() -> Result<()> {
    let made = call(&FakeEngine::new(), "makeFile", json!({}))?;
    let expected =
        r#"directory.withNewFile(contents: "made", path: "made.txt").file(path: "made.txt")"#;
    assert_eq!(made, json!(expected));
    Ok(())
}

#[test]
fn an_optional_directory_may_be_absent() -> Result<()> {
    let engine = FakeEngine::new().on("Directory.entries", json!(["a", "b"]));
    assert_eq!(call(&engine, "countEntries", json!({}))?, json!(-1));
    assert_eq!(
        call(&engine, "countEntries", json!({ "dir": "some" }))?,
        json!(2)
    );
    Ok(())
}

#[test]
fn own_files_are_read_from_the_default_path() -> Result<()> {
    let engine = FakeEngine::new().on(
        r#"Directory(id: "./fixtures").glob(pattern: "**")"#,
        json!(["one.txt"]),
    );
    assert_eq!(call(&engine, "ownFiles", json!({}))?, json!(["one.txt"]));
    Ok(())
}

#[test]
fn a_secret_is_counted_in_characters() -> Result<()> {
    let engine = FakeEngine::new().on("Secret.plaintext", "héé");
    assert_eq!(
        call(&engine, "secretLength", json!({ "secret": "s" }))?,
        json!(3)
    );
    Ok(())
}

#[test]
fn a_command_runs_in_the_given_container() -> Result<()> {
    let engine = FakeEngine::new().on_with("Container.withNewFile.withExec.stdout", |chain| {
        Ok(json!(chain.to_string()))
    });
    let ran = call(&engine, "runIn", json!({ "ctr": "given" }))?;
    let expected = concat!(
        r#"Container(id: "given")"#,
        r#".withNewFile(contents: "sink\n", path: "/etc/hostname-of-sink")"#,
        r#".withExec(args: ["cat","/etc/hostname-of-sink"]).stdout"#,
    );
    assert_eq!(ran, json!(expected));
    Ok(())
}

#[test]
fn a_secret_is_bound_by_its_id() -> Result<()> {
    let engine = FakeEngine::new().on_with("*.withSecretVariable.withExec.stdout", |chain| {
        Ok(chain
            .arg("withSecretVariable", "secret")
            .cloned()
            .unwrap_or_default())
    });
    assert_eq!(
        call(&engine, "leak", json!({ "secret": "tok" }))?,
        json!("tok")
    );
    Ok(())
}

#[test]
fn the_server_answers_with_perl() -> Result<()> {
    let server = call(&FakeEngine::new(), "server", json!({ "body": "b" }))?;
    let server = server.as_str().unwrap_or_default();
    assert!(
        server.contains(r#"withEnvVariable(name: "BODY", value: "b")"#),
        "{server}"
    );
    assert!(
        server.contains(r#"asService(args: ["perl","-MIO::Socket::INET","-e","#),
        "{server}"
    );
    Ok(())
}
