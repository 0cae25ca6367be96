//! What can be known of the templates without a cluster and without AWS.

use std::collections::BTreeSet;
use std::fs;
use std::process::Command;

use serde_json::{Value, json};
use test_support::{repository, tools};
use toml::Table;

fn file(name: &str) -> String {
    let path = repository().join("templates/engine").join(name);
    fs::read_to_string(path).expect("a template")
}

/// The block of a YAML file under `key: |`.
fn block(yaml: &str, key: &str) -> String {
    let mut lines = yaml
        .lines()
        .skip_while(|line| line.trim() != format!("{key}: |"));
    let head = lines.next().unwrap_or_default();
    let depth = head.len() - head.trim_start().len();
    let within = |line: &&str| line.trim().is_empty() || line.starts_with(&" ".repeat(depth + 1));
    let lines: Vec<_> = lines.take_while(within).collect();
    assert!(!lines.is_empty(), "no `{key}`");
    lines
        .iter()
        .map(|line| line.trim_start().to_owned() + "\n")
        .collect()
}

#[test]
fn the_group_on_aws_is_what_cloudformation_takes() {
    let template = repository().join("templates/engine/aws/engine.yaml");
    let mut command = tools::command("cfn-lint");
    command
        .args(["--regions", "eu-west-1", "--template"])
        .arg(template);
    passes(&mut command);
}

fn passes(command: &mut Command) {
    let done = command
        .output()
        .expect("no cfn-lint: run `cargo xtask tools`");
    let said = String::from_utf8_lossy(&done.stdout) + String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success(), "{said}");
}

/// The text once for each name in it, with that name misspelled. What comes after
/// a hyphen is the name of a pool, which is ours.
fn misspelled(text: &str) -> Vec<String> {
    let ends = [": ", ":\n", "\": ", " = ", "]\n", "]]\n"];
    let is_end = |at: &usize| ends.iter().any(|end| text[*at..].starts_with(end));
    let after_name = |at: &usize| {
        let name = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let before = text[..*at].trim_end_matches(name);
        before.len() < *at && !before.ends_with('-')
    };
    let all = (0..text.len()).filter(|at| text.is_char_boundary(*at));
    let ends = all.filter(is_end).filter(after_name);
    ends.map(|at| format!("{}x{}", &text[..at], &text[at..]))
        .collect()
}

/// Those of the texts that the schema of this name refuses.
fn refused(name: &str, suffix: &str, texts: &[String]) -> BTreeSet<usize> {
    let dir = tempfile::tempdir().expect("a directory");
    let mut schema: Value = serde_json::from_str(include_str!("charts.json")).expect("schemas");
    schema["$ref"] = json!(format!("#/$defs/{name}"));
    let file = dir.path().join("schema.json");
    fs::write(&file, schema.to_string()).expect("a file");
    let mut command = tools::command("check-jsonschema");
    command.args(["-o", "json", "--schemafile"]).arg(file);
    for (number, text) in texts.iter().enumerate() {
        let file = dir.path().join(format!("{number}.{suffix}"));
        fs::write(&file, text).expect("a file");
        command.arg(file);
    }
    let done = command
        .output()
        .expect("no check-jsonschema: run `cargo xtask tools`");
    let said: Value = serde_json::from_slice(&done.stdout).expect("a report");
    assert_eq!(said["parse_errors"], json!([]), "{said}");
    let errors = said["errors"].as_array().expect("errors").iter();
    let files = errors.filter_map(|error| error["filename"].as_str()?.rsplit('/').next());
    files
        .map(|file| {
            file.split('.')
                .next()
                .and_then(|number| number.parse().ok())
        })
        .map(|number| number.expect("a number"))
        .collect()
}

#[test]
fn the_charts_the_engine_and_the_runner_know_every_name_that_is_set() {
    let without_comments = |text: String| {
        let lines = text.lines().filter(|line| !line.trim().starts_with('#'));
        lines.map(|line| line.to_owned() + "\n").collect::<String>()
    };
    let split = |name: &str, key: &str| {
        let whole = without_comments(file(name));
        let within = block(&whole, key);
        let outside = whole.lines().filter(|line| {
            let line = line.trim_start();
            within.lines().all(|inner| inner != line)
        });
        (outside.map(|line| line.to_owned() + "\n").collect(), within)
    };
    let (engine_values, engine): (String, _) = split("kubernetes/engine.yaml", "configJson");
    let (runner_values, runner): (String, _) = split("kubernetes/gitlab-runner.yaml", "config");
    for (schema, suffix, text, names) in [
        ("dagger-helm", "yaml", engine_values, 20),
        ("engine", "json", engine, 3),
        ("gitlab-runner", "yaml", runner_values, 7),
        ("runner", "toml", runner, 12),
    ] {
        let mut texts = misspelled(&text);
        assert!(texts.len() >= names, "{schema}: {}", texts.len());
        let wrong = 0..texts.len();
        texts.push(text);
        assert_eq!(
            refused(schema, suffix, &texts),
            wrong.collect(),
            "{schema}: {texts:#?}"
        );
    }
}

#[test]
fn jobs_on_kubernetes_find_the_engine_of_their_own_node() {
    let (engine, runner) = (
        file("kubernetes/engine.yaml"),
        file("kubernetes/gitlab-runner.yaml"),
    );
    let configuration: serde_json::Value =
        serde_json::from_str(&block(&engine, "configJson")).expect("the engine's settings");
    assert!(configuration["gc"]["maxUsedSpace"].is_string());

    let runner: Table = block(&runner, "config")
        .parse()
        .expect("the runner's settings");
    let runner = &runner["runners"][0];
    let kubernetes = &runner["kubernetes"];
    let mount = &kubernetes["volumes"]["host_path"][0];
    // The chart mounts /run/dagger-<its full name> of the node.
    let name = engine
        .lines()
        .find_map(|line| line.strip_prefix("fullnameOverride: "));
    let host_path = format!("/run/dagger-{}", name.expect("a name"));
    assert_eq!(mount["host_path"].as_str(), Some(host_path.as_str()));
    let socket = format!(
        "unix://{}/engine.sock",
        mount["mount_path"].as_str().expect("a path")
    );
    let host = format!("_EXPERIMENTAL_DAGGER_RUNNER_HOST={socket}");
    assert_eq!(runner["environment"][0].as_str(), Some(host.as_str()));
    let components = fs::read_to_string(repository().join("templates/website/template.yml"));
    assert!(
        components.expect("a component").contains(&socket),
        "`{socket}` is no default"
    );

    let pool = kubernetes["node_selector"]["node-pool"]
        .as_str()
        .expect("a pool");
    assert!(engine.contains(&format!("nodeSelector: {{ node-pool: {pool} }}")));
    let taint = kubernetes["node_tolerations"]
        .as_table()
        .and_then(|all| all.keys().next());
    assert!(engine.contains(&format!("key: {}", taint.expect("a taint"))));
}

#[test]
fn engines_have_the_version_of_the_command_line_in_the_jobs() {
    let components = fs::read_to_string(repository().join("templates/website/template.yml"));
    let components = components.expect("a component");
    let mut lines = components
        .lines()
        .skip_while(|line| line.trim() != "dagger-version:");
    let version = lines.find_map(|line| line.trim().strip_prefix("default: "));
    let version = version.expect("a version").trim_matches(['"', '\'']);
    assert!(file("aws/engine.yaml").contains(&format!("Default: v{version}\n")));
    assert!(file("kubernetes/engine.yaml").contains(&format!("--version {version} ")));
}
