//! Projects that cannot be built: each is told before a later step is paid for.

use super::{Project, craft, ran, slim};

/// Nothing is installed or built for it.
#[track_caller]
fn refused(project: &Project, words: &[&str]) {
    let done = project.refuses("php-build | image | sync", words);
    if project.place.cli.is_built_here() {
        for step in ["composer install", "npm"] {
            assert!(!ran(&done, step), "`{step}` ran:\n{}", done.stderr());
        }
    }
}

#[test]
fn a_missing_lock_file_is_told() {
    let project = craft();
    project.remove("composer.lock");
    refused(
        &project,
        &[
            "no `examples/php-app/composer.lock`",
            "run `composer update` and commit",
        ],
    );
}

#[test]
fn a_missing_lock_file_of_npm_is_told() {
    let project = craft();
    project.remove("package-lock.json");
    refused(
        &project,
        &[
            "no `examples/php-app/package-lock.json`",
            "run `npm install` and commit",
        ],
    );
}

#[test]
fn static_files_that_are_nowhere_are_told() {
    let project = slim();
    project.write(
        "craft-cloud.yaml",
        "php-version: '8.4'\nwebroot: public\nartifact-path: public/dist\n",
    );
    for function in [
        "artifacts",
        "with-artifacts https://cdn.example.com | image",
    ] {
        project.refuses(
            &format!("php-build | {function} | sync"),
            &["public/dist`: correct `artifact-path` in `craft-cloud.yaml`"],
        );
    }
}

#[test]
fn a_lock_file_that_is_out_of_date_is_told() {
    let project = craft();
    project.edit(
        "composer.json",
        "\"ext-pdo\": \"*\"",
        "\"ext-pdo\": \"*\",\n    \"ext-zip\": \"*\"",
    );
    refused(
        &project,
        &[
            "`examples/php-app/composer.lock` is out of date",
            "`composer update --lock`",
        ],
    );
}

#[test]
fn an_extension_that_nothing_has_and_a_php_that_is_too_old_are_told_together() {
    let project = slim();
    project.edit(
        "composer.lock",
        "\"ext-apcu\": \"*\"",
        "\"ext-apcu\": \"*\",\n                \"ext-nowhere\": \"*\"",
    );
    project.edit("composer.lock", "\"php\": \">=8.1\"", "\"php\": \">=8.5\"");
    refused(
        &project,
        &[
            "`ext-nowhere`, required by example/router (*)",
            "nor Bref's extra extensions have it",
            "example/router requires `php` `>=8.5`, but the base has PHP 8.4",
            "`config.platform.php` in `composer.json`",
        ],
    );
}

#[test]
fn every_problem_of_craft_cloud_yaml_is_told_with_its_place() {
    let project = craft();
    project.write(
        "craft-cloud.yaml",
        "php-version: '7.4'\nnode-version: newest\nnpm-scripts: build\n",
    );
    refused(
        &project,
        &[
            "craft-cloud.yaml:1:14: ",
            "PHP 7.4 is too old",
            "craft-cloud.yaml:2:15: ",
            "craft-cloud.yaml:3:1: unknown key `npm-scripts`: did you mean `npm-script`?",
        ],
    );
    project.write("craft-cloud.yaml", "php-version: '8.2'\n\twebroot: web\n");
    refused(&project, &["craft-cloud.yaml:2:", ": not YAML: "]);
}

#[test]
fn paths_that_lead_nowhere_are_told() {
    let project = craft();
    project.edit("craft-cloud.yaml", "webroot: web", "webroot: public");
    refused(
        &project,
        &[
            "no `public/index.php`",
            "correct `webroot` in `craft-cloud.yaml`",
        ],
    );
    project.edit(
        "craft-cloud.yaml",
        "webroot: public",
        "webroot: web\nnode-path: frontend",
    );
    refused(
        &project,
        &["no `examples/php-app/frontend/package.json`", "node-path"],
    );
    project.edit("craft-cloud.yaml", "node-path: frontend", "");
    project.edit(
        "craft-cloud.yaml",
        "npm-script: build",
        "npm-script: production",
    );
    refused(&project, &["no script `production`", "it has build"]);
}

#[test]
fn a_failing_npm_script_comes_through_with_its_output_and_code() {
    let project = craft();
    project.edit(
        "package.json",
        "vite build",
        "echo no such module >&2; exit 7",
    );
    let done = project.refuses(
        "php-build | image | sync",
        &[
            "the Node.js step fails: correct `examples/php-app/package.json`",
            "its script `build`",
            "no such module",
        ],
    );
    assert_eq!(done.code, 7, "{}", done.stderr());
}

#[test]
fn a_script_that_leaves_no_artifacts_is_told() {
    let project = craft();
    project.edit("package.json", "vite build", "true");
    project.refuses(
        "php-build | assets | sync",
        &["made no `web/dist`", "artifact-path"],
    );
}
