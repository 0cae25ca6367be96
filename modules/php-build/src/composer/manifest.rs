//! `composer.json` and `composer.lock`, as much of them as builds read.

use std::fmt::Write as _;

use futures::try_join;
use md5::{Digest as _, Md5};
use poniard_sdk::prelude::*;
use poniard_sdk::serde_json::{self, Value, json};

use super::constraint::allows;
use crate::project::{Project, join};

/// Minor versions of PHP that Bref 3 has images of, newest first.
pub const SUPPORTED: [(u32, u32); 4] = [(8, 5), (8, 4), (8, 3), (8, 2)];

/// What of composer.json the lock file depends on, in the order of the alphabet.
const LOCKED: [&str; 11] = [
    "conflict",
    "extra",
    "minimum-stability",
    "name",
    "prefer-stable",
    "provide",
    "replace",
    "repositories",
    "require",
    "require-dev",
    "version",
];

/// The two files of a project's Composer packages.
pub struct Manifest {
    /// Where it was read, for messages.
    pub file: String,
    json: Value,
    lock: Value,
}

impl Manifest {
    /// Reads both files in the directory `app` of the project.
    pub async fn read(project: &Project, app: &str) -> Result<Self> {
        let file = format!("{}{}", project.shown, join(app, "composer.json"));
        let paths = ["composer.json", "composer.lock"].map(|name| join(app, name));
        let (text, lock) = try_join!(project.read(&paths[0]), project.read(&paths[1]))?;
        let Some(text) = text else {
            let entries = project.source.entries().await?;
            let next = match app {
                "" => {
                    "pass the project's directory as `--source`, or set `app-path` in `craft-cloud.yaml`"
                }
                _ => "correct `app-path` in `craft-cloud.yaml`",
            };
            bail!("no `{file}`: {next} (there is {})", entries.join(", "));
        };
        let json = parse(&file, &text)?;
        let lock_file = format!("{}{}", project.shown, join(app, "composer.lock"));
        let Some(lock) = lock else {
            bail!("no `{lock_file}`: run `composer update` and commit the file");
        };
        let vendor = json["config"]["vendor-dir"].as_str().unwrap_or("vendor");
        ensure!(
            vendor.trim_end_matches('/') == "vendor",
            "`config.vendor-dir` of `{file}` is `{vendor}`, and Bref's runtime looks in `vendor`: remove it"
        );
        Ok(Self {
            lock: parse(&lock_file, &lock)?,
            file,
            json,
        })
    }

    /// The PHP version that the project asks for, and where it says so.
    pub fn php_version(&self) -> Result<(String, String)> {
        if let Some(version) = self.json["config"]["platform"]["php"].as_str() {
            let minor: Vec<&str> = version.splitn(3, '.').take(2).collect();
            return Ok((
                minor.join("."),
                format!("`config.platform.php` of {}", self.file),
            ));
        }
        let Some(constraint) = self.json["require"]["php"].as_str() else {
            bail!(
                "`{}` says nothing about PHP: set `config.platform.php`, or `php` in `require`",
                self.file
            );
        };
        let newest = SUPPORTED.iter().find(|&&minor| allows(constraint, minor));
        let Some((major, minor)) = newest else {
            bail!(
                "`{}` requires PHP `{constraint}`: Bref has images of 8.2 to 8.5",
                self.file
            );
        };
        Ok((
            format!("{major}.{minor}"),
            format!("newest that `{constraint}` in {} allows", self.file),
        ))
    }

    /// Whether the lock file certainly is of this composer.json. What JSON of
    /// PHP's would be written in another way here is never certain.
    pub fn is_locked(&self) -> bool {
        self.lock["content-hash"].as_str() == Some(&self.content_hash())
    }

    /// As Composer makes it: `Composer\Package\Locker::getContentHash()`.
    fn content_hash(&self) -> String {
        let mut relevant = json!({});
        let platform = &self.json["config"]["platform"];
        if !platform.is_null() {
            relevant["config"] = json!({ "platform": platform });
        }
        for key in LOCKED {
            if let Some(value) = self.json.get(key) {
                relevant[key] = value.clone();
            }
        }
        let mut text = String::new();
        for char in relevant.to_string().replace("{}", "[]").chars() {
            match char {
                '/' => text.push_str("\\/"),
                char if char.is_ascii() => text.push(char),
                char => {
                    for unit in char.encode_utf16(&mut [0; 2]) {
                        let _ = write!(text, "\\u{unit:04x}");
                    }
                }
            }
        }
        let digest = Md5::digest(text);
        digest.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// Name of the package.
    pub fn name(&self) -> &str {
        self.json["name"].as_str().unwrap_or_default()
    }

    /// Patterns of what installing reads, relative to the project's root.
    pub fn include(&self, app: &str) -> Vec<String> {
        let files = ["composer.json", "composer.lock", "auth.json"];
        let mut include: Vec<String> = files.iter().map(|file| join(app, file)).collect();
        for repository in self.repositories() {
            if let (Some("path"), Some(url)) =
                (repository["type"].as_str(), repository["url"].as_str())
            {
                include.push(normal(&join(app, url)));
            }
        }
        include
    }

    fn repositories(&self) -> Vec<&Value> {
        match &self.json["repositories"] {
            Value::Array(list) => list.iter().collect(),
            Value::Object(map) => map.values().collect(),
            _ => Vec::new(),
        }
    }

    /// Whether the autoloader is made of files that are not the packages'.
    pub fn autoloads_sources(&self) -> bool {
        let autoload = &self.json["autoload"];
        let config = &self.json["config"];
        !autoload["classmap"].is_null() || config["classmap-authoritative"] == true
    }

    /// Scripts that Composer runs after an installation.
    pub fn scripts(&self) -> Vec<&'static str> {
        let scripts = &self.json["scripts"];
        let known = ["post-autoload-dump", "post-install-cmd"];
        known
            .into_iter()
            .filter(|name| !scripts[name].is_null())
            .collect()
    }

    /// Whether a package, or one that stands for it, will be installed.
    pub fn installs(&self, package: &str) -> bool {
        self.packages().any(|each| each["name"] == package) || self.stands_in(package)
    }

    /// Whether a package comes in the place of `target`, such as a polyfill of
    /// an extension.
    pub fn stands_in(&self, target: &str) -> bool {
        self.packages()
            .any(|each| !each["replace"][target].is_null() || !each["provide"][target].is_null())
    }

    /// All that is required of PHP, of extensions and of Composer: what, in
    /// which versions, and by whom.
    pub fn requirements(&self) -> impl Iterator<Item = (&str, &str, &str)> {
        let own = (self.file.as_str(), &self.json["require"]);
        let packages = self.packages();
        let theirs = packages.map(|each| (each["name"].as_str().unwrap_or("?"), &each["require"]));
        let lists = std::iter::once(own).chain(theirs);
        lists.flat_map(|(who, list)| {
            let list = list.as_object().into_iter().flatten();
            list.filter(|(target, _)| !target.contains('/')).filter_map(
                move |(target, constraint)| Some((target.as_str(), constraint.as_str()?, who)),
            )
        })
    }

    /// Who requires `target`, such as `ext-gd`, with their constraints.
    pub fn requirers(&self, target: &str) -> Vec<String> {
        self.requirements()
            .filter(|(what, _, _)| *what == target)
            .map(|(_, constraint, who)| format!("{who} ({constraint})"))
            .collect()
    }

    /// Those that will be installed.
    fn packages(&self) -> impl Iterator<Item = &Value> {
        self.lock["packages"].as_array().into_iter().flatten()
    }
}

fn parse(file: &str, text: &str) -> Result<Value> {
    let value: Value = serde_json::from_str(text).map_err(|why| {
        let (line, column) = (why.line(), why.column());
        eyre!("`{file}:{line}:{column}` is not JSON: {why}")
    })?;
    ensure!(value.is_object(), "`{file}` must hold a JSON object");
    Ok(value)
}

/// A path without `.` and `..`, as far as it stays within the root.
fn normal(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    parts.join("/")
}
