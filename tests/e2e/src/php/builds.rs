//! What is built, and what is not built again.

use std::process::Command;

use serde_json::Value;

use crate::place::nonce;

use super::{Project, craft, ran, slim};

#[test]
fn a_craft_project_becomes_an_image() {
    let project = craft();
    let summary = project.says("php-build | settings | summary");
    for words in [
        "**PHP 8.2** on `bref/php-82:3` (linux/amd64): `php-version` of craft-cloud.yaml",
        "switched on: intl",
        "gd from `bref/extra-gd-php-82:3`",
        "**Node.js 22**: `npm run build`",
    ] {
        assert!(summary.contains(words), "no `{words}` in:\n{summary}");
    }
    project.write(".env", "CRAFT_SECURITY_KEY=secret");
    project.write("node_modules/left/over.js", "");
    let files = project.says(
        "image=$(php-build --revision 0123abc | image)
        $image | with-exec -- find /var/task | stdout
        $image | default-args
        $image | env-variable BREF_RUNTIME
        $image | label org.opencontainers.image.revision
        php-build | image --handler QUEUE | default-args
        php-build | image --handler CONSOLE | env-variable BREF_RUNTIME",
    );
    let lines: Vec<&str> = files.lines().collect();
    for file in [
        "/var/task/vendor/autoload.php",
        "/var/task/web/dist/manifest.json",
        "/var/task/craft",
        "web/index.php",
    ] {
        assert!(lines.contains(&file), "no `{file}` in:\n{files}");
    }
    assert!(files.ends_with("fpm0123abcqueue.php\nconsole"), "{files}");
    assert!(
        !files.contains("node_modules") && !files.contains("/.env"),
        "{files}"
    );
    let name = project.says("php-build | with-branch develop | image | env-variable SITE_NAME");
    assert_eq!(name, "Example (staging)");
    project.refuses(
        "php-build | with-branch feature | image | sync",
        &["branch `feature` belongs to no environment of `pipeline.yaml`"],
    );
}

/// Digests of the image's layers, the base's first.
fn layers(project: &Project) -> Vec<String> {
    project.says(
        "php-build | image | as-tarball --forced-compression Uncompressed | export ../image.tar",
    );
    let read = |digest: &Value| {
        let name = digest.as_str().expect("a digest").replace(':', "/");
        let file = match name.as_str() {
            "index" => "index.json".to_owned(),
            name => format!("blobs/{name}"),
        };
        let tar = ["-xOf", "../image.tar", &file];
        let dir = project.place.path(project.dir);
        let done = Command::new("tar").args(tar).current_dir(dir).output();
        serde_json::from_slice::<Value>(&done.expect("tar").stdout).expect("JSON")
    };
    let index = read(&"index".into());
    let manifest = read(&index["manifests"][0]["digest"]);
    let layers = manifest["layers"].as_array().expect("layers").iter();
    layers.map(|layer| layer["digest"].to_string()).collect()
}

#[test]
fn a_change_of_php_makes_the_last_layer_only_and_one_of_packages_leaves_node_alone() {
    let project = craft();
    let build = "php-build | image | sync";
    project.says(build);
    let before = layers(&project);

    project.edit(
        "src/Pages.php",
        "final class",
        &format!("/* {} */ final class", nonce()),
    );
    let edited = project.shell(build);
    assert_eq!(edited.code, 0, "{}", edited.stderr());
    let after = layers(&project);
    let (last, below) = after.split_last().expect("layers");
    assert!(
        before.starts_with(below) && before.len() == after.len() && !before.contains(last),
        "{before:?} became {after:?}"
    );

    let package = "packages/lambda-runtime/src/FpmRuntime/Main.php";
    project.edit(
        package,
        "final class",
        &format!("/* {} */ final class", nonce()),
    );
    let updated = project.shell(build);
    assert_eq!(updated.code, 0, "{}", updated.stderr());

    if project.place.cli.is_built_here() {
        assert!(!ran(&edited, "composer install"), "{}", edited.stderr());
        assert!(!ran(&edited, "npm"), "{}", edited.stderr());
        assert!(edited.took.as_secs() < 5, "{:?}", edited.took);
        assert!(ran(&updated, "composer install"), "{}", updated.stderr());
        assert!(!ran(&updated, "npm"), "{}", updated.stderr());
    }
}

#[test]
fn the_same_input_gives_the_same_image_whenever_it_is_built_and_whoever_checked_it_out() {
    let checkouts = [("2001-02-03", "go-rwx"), ("2026-10-11", "g+w,o+rX")];
    let digests = checkouts.map(|(day, modes)| {
        let project = craft();
        // Checked out at another time, and by somebody with another umask.
        for change in [&["touch", "-d", day][..], &["chmod", modes]] {
            let mut files = Command::new("find");
            files.args([".", "-exec"]).args(change).args(["{}", "+"]);
            let changed = files.current_dir(project.place.path(project.dir)).status();
            assert!(changed.is_ok_and(|status| status.success()), "{change:?}");
        }
        // No step is taken from a cache: each has another environment.
        let word = nonce();
        let script = format!("php-build | with-env NONCE {word} | image | as-tarball --forced-compression Uncompressed | digest");
        let done = project.shell(&script);
        assert_eq!(done.code, 0, "{}", done.stderr());
        assert!(
            ran(&done, "composer install") && ran(&done, "npm run"),
            "{}",
            done.stderr()
        );
        done.stdout()
    });
    assert_eq!(digests[0], digests[1]);
}

#[test]
fn static_files_are_split_off_below_their_fingerprint() {
    let project = craft();
    let script = "php-build | artifacts | export out";
    project.says(script);
    let manifest = project.read("out/manifest.json");
    let fingerprint = manifest
        .split('"')
        .nth(3)
        .expect("a fingerprint")
        .to_owned();
    assert_eq!(fingerprint.len(), 16, "{manifest}");
    assert!(
        manifest.contains("\"contentType\": \"text/javascript\""),
        "{manifest}"
    );
    let rules = project.read("out/rules.json");
    assert!(rules.contains("\"pattern\": \"/start\""), "{rules}");
    let assets = project.read(&format!("out/{fingerprint}/manifest.json"));
    let name = assets.split('"').nth(5).expect("a name");
    project.read(&format!("out/{fingerprint}/{name}"));

    // And pages look for them there, in an image that has them no more.
    let files = project.says(&format!(
        "site=$(php-build | with-artifacts https://cdn.example.com/site/)
        $site | with-database POSTGRES | smoke --contains 'https://cdn.example.com/site/{fingerprint}/assets/app-'
        $site | image | with-exec -- find /var/task/web -type f | stdout"
    ));
    let mut files: Vec<&str> = files
        .lines()
        .filter(|line| !line.contains(".css"))
        .collect();
    files.sort_unstable();
    assert_eq!(
        files,
        [
            "/var/task/web/dist/manifest.json",
            "/var/task/web/index.php"
        ]
    );

    project.edit("resources/app.js", "ready", "loaded");
    project.says("php-build | artifacts | export out");
    assert_ne!(project.read("out/manifest.json"), manifest);
}

#[test]
fn a_project_without_craft_cloud_yaml_is_built_as_composer_json_says() {
    let project = slim();
    let said = project.says(
        "php-build | settings | summary
        php-build | smoke --path / --contains 'hello from PHP 8.4'
        php-build | smoke --path /cached --contains 'made by a script with apcu'
        php-build | smoke --path /write --contains 'only /tmp'",
    );
    assert!(said.contains("`config.platform.php`"), "{said}");
    assert!(said.contains("**Node.js**: no step"), "{said}");
    assert!(said.contains("**Document root** `public`"), "{said}");
}

#[test]
fn a_plugin_is_tried_with_every_combination_and_one_that_fails_stops_none() {
    let project = Project::copy("tests/e2e/fixtures/plugin");
    let said = project.says(
        "matrix=$(php-build | matrix --php 8.2,8.4 --package 'example/cms:^4.0,example/cms:^5.0' --command 'php tests/run.php')
        $matrix | table
        $matrix | failed
        $matrix | junit",
    );
    for line in [
        "| PHP | example/cms ^4.0 | example/cms ^5.0 |",
        "| 8.2 | ✅ passed | ➖ no versions fit |",
        "| 8.4 | ✅ passed | ❌ failed |",
        "<testsuite name=\"matrix\" tests=\"4\" failures=\"2\">",
        "<failure message=\"failed\">CMS 5 does not work</failure>",
    ] {
        assert!(said.contains(line), "no `{line}` in:\n{said}");
    }
}

#[test]
fn an_application_below_the_root_is_built_where_craft_cloud_yaml_says() {
    let project = craft();
    let place = project.place.path(project.dir);
    let moved = [
        "composer.json",
        "composer.lock",
        "packages",
        "src",
        "web",
        "templates",
        "craft",
        "queue.php",
        "migrations",
        "php",
    ];
    std::fs::create_dir(place.join("cms")).expect("a directory");
    for name in moved {
        std::fs::rename(place.join(name), place.join("cms").join(name)).expect("a move");
    }
    project.edit(
        "craft-cloud.yaml",
        "artifact-path: web/dist",
        "app-path: cms\nartifact-path: cms/web/dist",
    );
    project.edit("vite.config.js", "web/dist", "cms/web/dist");
    let files = project.says(
        "php-build | image | with-exec -- find /var/task -maxdepth 3 | stdout
        php-build | command craft | stdout",
    );
    for file in [
        "/var/task/web/dist/manifest.json",
        "/var/task/vendor/autoload.php",
        "/var/task/craft",
    ] {
        assert!(
            files.lines().any(|line| line == file),
            "no `{file}` in:\n{files}"
        );
    }
    assert!(
        !files.contains("/var/task/cms") && files.contains("pages/list"),
        "{files}"
    );
}
