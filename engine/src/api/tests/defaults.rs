//! User defaults of modules on this machine and of those from elsewhere.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use super::Bench;
use crate::api::client::Client;
use crate::module::Module;

const TYPES: &str = r#"{"objects": [{"name": "Lab", "constructor": {"type": "Lab!", "args": [
    {"name": "prefix", "type": "String!"}, {"name": "suffix", "type": "String!"}]}}]}"#;

fn lay_out(dir: &Path) {
    fs::create_dir_all(dir).unwrap();
    let config = r#"{"name": "lab", "sdk": {"source": "../sdk"}}"#;
    fs::write(dir.join("dagger.json"), config).unwrap();
    fs::write(dir.join("dagger.types.json"), TYPES).unwrap();
    fs::write(dir.join(".env"), "PREFIX=inner\n").unwrap();
}

async fn told(client: &Arc<Client>, dir: &Path, name: Option<&str>) -> (Vec<String>, Arc<Module>) {
    let module = client.shared.module(dir, name).await.unwrap();
    (module.user_defaults.clone(), module)
}

#[tokio::test]
async fn the_file_of_a_module_from_elsewhere_is_not_read_and_the_callers_is() {
    let bench = Bench::new();
    let (here, elsewhere) = (bench.work("lab"), bench.state().join("git-modules/ab/lab"));
    lay_out(&here);
    lay_out(&elsewhere);
    fs::write(bench.work(".env"), "LAB_SUFFIX=outer\n").unwrap();
    let client = bench.caller();
    let outer = "user default: lab(suffix=\"outer\")".to_owned();
    let inner = "user default: lab(prefix=\"inner\")".to_owned();
    assert_eq!(told(&client, &here, None).await.0, [inner, outer.clone()]);
    assert_eq!(told(&client, &elsewhere, None).await.0, [outer]);
}

#[tokio::test]
async fn a_module_under_another_name_has_the_defaults_of_both_names() {
    let bench = Bench::new();
    lay_out(&bench.work("lab"));
    let text = "LAB_PREFIX=by itself\nMY_BENCH_SUFFIX=by its user\n";
    fs::write(bench.work(".env"), text).unwrap();
    let client = bench.caller();
    let (told, module) = told(&client, &bench.work("lab"), Some("my-bench")).await;
    assert_eq!(
        told,
        [
            "user default: my-bench(prefix=\"by itself\")",
            "user default: my-bench(suffix=\"by its user\")"
        ]
    );
    let key = module.source_key().unwrap();
    fs::write(bench.work("lab/.env"), "SUFFIX=3\n").unwrap();
    let again = bench.caller().shared.module(&bench.work("lab"), None).await;
    assert_eq!(again.unwrap().source_key().unwrap(), key, "compiled anew");
}

#[tokio::test]
async fn results_depend_on_the_defaults_of_modules_that_are_called() {
    let bench = Bench::new();
    lay_out(&bench.work("lab"));
    lay_out(&bench.work("user"));
    let uses = r#"{"name": "user", "sdk": {"source": "../sdk"},
        "dependencies": [{"name": "my-bench", "source": "../lab"}]}"#;
    fs::write(bench.work("user/dagger.json"), uses).unwrap();
    let key = async |env: &str| {
        fs::write(bench.work(".env"), env).unwrap();
        let shared = bench.caller().shared.clone();
        let module = shared.module(&bench.work("user"), None).await.unwrap();
        shared.whole_key(&module).await.unwrap()
    };
    let first = key("MY_BENCH_SUFFIX=1\n").await;
    assert_ne!(key("MY_BENCH_SUFFIX=2\n").await, first);
    assert_eq!(key("MY_BENCH_SUFFIX=1\nOTHER=2\n").await, first);
}
