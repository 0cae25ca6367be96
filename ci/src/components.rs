//! Components and pipelines of GitLab, by GitLab's own JSON Schema.

use poniard_sdk::prelude::*;

/// Brings the schema along.
const CHECKER: &str = "check-jsonschema==0.39.0";
/// What separates a component's header from its jobs.
const BORDER: &str = "\n---\n";

/// Fails with what the schema says about each file.
pub async fn check(python: &str, source: &Directory) -> Result<()> {
    let mut files = dag().directory();
    let mut names = Vec::new();
    for path in source.glob("templates/*/template.yml").await? {
        let text = source.file(&path).contents().await?;
        let Some((header, _)) = text.split_once(BORDER) else {
            bail!("`{path}` is no component: expected `spec:`, a line `---`, and jobs");
        };
        names.push(path.clone());
        files = files.with_new_file(path, header);
    }
    ensure!(!names.is_empty(), "there are no components in `templates`");
    for path in source.glob("**/.gitlab-ci.yml").await? {
        files = files.with_file(&path, source.file(&path));
        names.push(path);
    }
    let mut command = vec!["check-jsonschema", "--builtin-schema", "vendor.gitlab-ci"];
    command.extend(names.iter().map(String::as_str));
    dag()
        .container()
        .from(format!("python:{python}"))
        .with_mounted_cache("/root/.cache/pip", dag().cache_volume("ci-pip"))
        .with_exec(vec![
            "pip",
            "install",
            "--quiet",
            "--root-user-action=ignore",
            CHECKER,
        ])
        .with_directory("/src", files)
        .with_workdir("/src")
        .with_exec(command)
        .sync()
        .await?;
    Ok(())
}
