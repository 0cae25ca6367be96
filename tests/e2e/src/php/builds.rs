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
    let files = project.says(&format!(
        "image=$(php-build --revision 0123abc | image)
        $image | {TARBALL}
        $image | with-exec -- find /var/task | stdout
        $image | default-args
        $image | env-variable BREF_RUNTIME
        $image | label org.opencontainers.image.revision
        php-build | image --handler QUEUE | default-args
        php-build | image --handler CONSOLE | env-variable BREF_RUNTIME"
    ));
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
    let manifest = manifest(&project);
    for (name, value) in [
        ("title", "example/php-app"),
        ("base.name", "bref/php-82:3"),
        ("revision", "0123abc"),
    ] {
        let name = format!("org.opencontainers.image.{name}");
        assert_eq!(manifest["annotations"][&name], value, "{manifest}");
    }
    // No tools, downloads or packages for development are in packages and sources.
    let layers = manifest["layers"].as_array().expect("layers");
    let bytes = layers.iter().rev().map(|layer| layer["size"].as_u64());
    let bytes: Vec<u64> = bytes.take(2).map(|size| size.expect("a size")).collect();
    assert!(bytes.iter().sum::<u64>() < 500_000, "{bytes:?}");
    let name = project.says("php-build | with-branch develop | image | env-variable SITE_NAME");
    assert_eq!(name, "Example (staging)");
    project.refuses(
        "php-build | with-branch feature | image | sync",
        &["branch `feature` belongs to no environment of `pipeline.yaml`"],
    );
}

/// What follows an image that [`manifest`] is to read.
const TARBALL: &str = "as-tarball --forced-compression Uncompressed | export ../image.tar";

/// The manifest of the only image that was exported.
fn manifest(project: &Project) -> Value {
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
    assert_eq!(index["manifests"].as_array().map(Vec::len), Some(1));
    read(&index["manifests"][0]["digest"])
}

/// Digests of the image's layers, the base's first.
fn layers(project: &Project) -> Vec<String> {
    project.says(&format!("php-build | image | {TARBALL}"));
    let manifest = manifest(project);
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
    project.write(
        "craft-cloud.yaml",
        project.read("craft-cloud.yaml")
            + "cache: { rules: [{ pattern: /, query-string: { mode: exclude, keys: all } }] }\n",
    );
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
    let rules: Value = serde_json::from_str(&rules).expect("JSON");
    assert_eq!(rules["redirects"][0]["pattern"], "/start");
    assert_eq!(rules["cacheRules"][0]["queryStringMode"], "exclude");
    assert_eq!(rules["cacheRules"][0]["queryStringKeys"], "all");
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
    project.refuses(
        "php-build | smoke --setup 'echo not today; exit 4'",
        &[
            "the set-up command `echo not today; exit 4` failed with code 4:\n  not today",
            "Nothing was requested",
        ],
    );
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
fn combinations_are_tried_at_once_with_one_cache_of_downloads() {
    let project = Project::copy("tests/e2e/fixtures/plugin");
    // Each says in the cache that it is there, and waits for the other.
    let here = format!("$COMPOSER_CACHE_DIR/{}", nonce());
    let command = format!(
        "touch {here}-$(php -r \"echo PHP_MINOR_VERSION;\"); for time in $(seq 150); do ls {here}-2 {here}-4 && exit 0; sleep 0.2; done; exit 1"
    );
    let table = project.says(&format!(
        "php-build | matrix --php 8.2,8.4 --command '{command}' | table"
    ));
    for line in ["| 8.2 | ✅ passed |", "| 8.4 | ✅ passed |"] {
        assert!(table.contains(line), "no `{line}` in:\n{table}");
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
    let tools = ["package.json", "package-lock.json", "vite.config.js"];
    for (folder, names) in [("cms", &moved[..]), ("buildchain", &tools)] {
        std::fs::create_dir(place.join(folder)).expect("a directory");
        for name in names {
            std::fs::rename(place.join(name), place.join(folder).join(name)).expect("a move");
        }
    }
    std::fs::rename(place.join("cms/web"), place.join("cms/public")).expect("a move");
    for (from, to) in [
        ("webroot: web", "webroot: public\napp-path: cms"),
        ("artifact-path: web/dist", "artifact-path: cms/public/dist"),
        (
            "npm-script: build",
            "npm-script: bundle\nnode-path: buildchain",
        ),
    ] {
        project.edit("craft-cloud.yaml", from, to);
    }
    project.edit("buildchain/package.json", "\"build\"", "\"bundle\"");
    project.edit(
        "buildchain/vite.config.js",
        "web/dist",
        "../cms/public/dist",
    );
    project.edit("buildchain/vite.config.js", "resources/", "../resources/");
    let files = project.says(
        "image=$(php-build | image)
        $image | with-exec -- find /var/task -maxdepth 3 | stdout
        $image | default-args
        php-build | command craft | stdout",
    );
    for file in [
        "/var/task/public/dist/manifest.json",
        "/var/task/vendor/autoload.php",
        "/var/task/craft",
    ] {
        assert!(
            files.lines().any(|line| line == file),
            "no `{file}` in:\n{files}"
        );
    }
    assert!(
        !files.contains("/var/task/cms")
            && files.contains("public/index.php")
            && files.contains("pages/list"),
        "{files}"
    );
}
