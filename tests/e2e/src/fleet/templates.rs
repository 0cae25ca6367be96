//! What can be known of the templates without a cluster and without AWS.

use std::fs;
use std::process::Command;

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
