//! Composer: the manifests ([`manifest`]), what they ask of PHP ([`platform`],
//! [`constraint`]), and the installation.

mod constraint;
pub mod manifest;
pub mod platform;

use poniard_sdk::prelude::*;

use crate::project::join;
use platform::COMPOSER;

const CACHE: &str = "/var/cache/composer";

/// A container with Composer that runs without asking, with its cache of downloads.
pub fn container(image: &Container) -> Container {
    image
        .with_env_variable("COMPOSER_ALLOW_SUPERUSER", "1")
        .with_env_variable("COMPOSER_NO_INTERACTION", "1")
        .with_env_variable("COMPOSER_NO_AUDIT", "1")
        .with_env_variable("COMPOSER_CACHE_DIR", CACHE)
        // Packages of path repositories become files: a link would lead out of
        // what is copied.
        .with_env_variable("COMPOSER_MIRROR_PATH_REPOS", "1")
        .with_mounted_cache(CACHE, dag().cache_volume("php-build-composer"))
}

/// Installs what the lock file says, at the path that it will have in Lambda.
pub fn install(composer: &Container, manifests: Directory, app: &str) -> Container {
    composer
        .with_directory("/var/task", manifests)
        .with_workdir(join("/var/task", app))
        .with_exec(vec![
            "composer",
            "install",
            "--no-dev",
            "--no-scripts",
            "--no-progress",
            "--prefer-dist",
            "--optimize-autoloader",
            // Checked against the image that it will run on.
            "--ignore-platform-reqs",
        ])
}

/// Runs the project's scripts with the PHP and the extensions of its image.
pub fn run_scripts(image: &Container, phar: File, scripts: &[&str]) -> Container {
    let composer = container(image)
        .with_env_variable("COMPOSER_HOME", "/tmp/composer")
        .with_mounted_file(COMPOSER, phar);
    scripts.iter().fold(composer, |composer, script| {
        composer.with_exec(vec!["php", COMPOSER, "run-script", "--no-dev", script])
    })
}
