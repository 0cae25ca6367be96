//! Packages that only who has the credentials may download.

use std::fs;
use std::process::Command;

use axum::Router;
use axum::http::{HeaderMap, StatusCode, Uri, header};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use stand_ins::Server;

use crate::place::nonce;

use super::{Project, slim};

/// `packages.json` and an archive, for a user `token` with this password.
fn repository(project: &Project, password: &str) -> Server {
    let dir = project.place.path("private");
    project.place.write(
        "private/package/composer.json",
        r#"{ "name": "private/secrets", "version": "1.0.0", "license": "proprietary", "autoload": { "files": ["said.php"] } }"#,
    );
    project.place.write(
        "private/package/said.php",
        "<?php function said(): string { return 'from a private package'; }",
    );
    let packed = Command::new("tar")
        .args(["-cf", "package.tar", "package"])
        .current_dir(&dir)
        .status();
    assert!(packed.is_ok_and(|status| status.success()), "tar");
    let archive = fs::read(dir.join("package.tar")).expect("an archive");
    let expected = basic(password);
    let files = move |uri: Uri, headers: HeaderMap| async move {
        if headers
            .get(header::AUTHORIZATION)
            .is_none_or(|given| given != expected.as_str())
        {
            return Err(StatusCode::UNAUTHORIZED);
        }
        let host = headers
            .get(header::HOST)
            .and_then(|host| host.to_str().ok())
            .unwrap_or_default();
        match uri.path() {
            "/packages.json" => Ok(format!(
                r#"{{ "packages": {{ "private/secrets": {{ "1.0.0": {{ "name": "private/secrets", "version": "1.0.0", "dist": {{ "type": "tar", "url": "http://{host}/package.tar" }}, "autoload": {{ "files": ["said.php"] }} }} }} }} }}"#
            )
            .into_bytes()),
            "/package.tar" => Ok(archive.clone()),
            _ => Err(StatusCode::NOT_FOUND),
        }
    };
    Server::start(Router::new().fallback(files)).expect("a server")
}

fn basic(password: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("token:{password}")))
}

#[test]
fn private_packages_are_installed_with_credentials_that_stay_secret() {
    let project = slim();
    let password = nonce();
    let server = repository(&project, &password);
    let (url, host) = (server.url(), server.address().to_string());
    project.edit(
        "composer.json",
        r#"{ "packagist.org": false }"#,
        &format!(r#"{{ "type": "composer", "url": "{url}" }}, {{ "packagist.org": false }}"#),
    );
    project.edit(
        "composer.json",
        r#""example/router": "^1.0""#,
        r#""example/router": "^1.0", "private/secrets": "^1.0""#,
    );
    project.edit(
        "composer.json",
        r#""config": {"#,
        r#""config": { "secure-http": false,"#,
    );
    project.edit("public/index.php", "LegacyGreeting::text()", "said()");
    project.write(
        "auth",
        format!(r#"{{"http-basic":{{"{host}":{{"username":"token","password":"{password}"}}}}}}"#),
    );
    project.says(
        "container | from composer:2 | with-secret-variable COMPOSER_AUTH file://./auth | with-directory /app $(host | directory .) | with-exec -- composer update --no-install --ignore-platform-reqs --no-scripts | file composer.lock | export composer.lock",
    );

    let without = project.refuses("php-build | dependencies | sync", &["401"]);
    let with = project.shell(
        "php-build | with-composer-auth file://./auth | smoke --contains 'from a private package'",
    );
    assert_eq!(with.code, 0, "{}", with.stderr());
    for said in [without, with] {
        assert!(!said.stderr().contains(&password) && !said.stdout().contains(&password));
    }
}
