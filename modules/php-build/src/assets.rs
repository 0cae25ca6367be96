//! The Node.js step: packages from the manifests alone, so that an edited page
//! installs nothing, then the script over the source.

use poniard_sdk::api::ContainerExistsOptsBuilder;
use poniard_sdk::prelude::*;
use poniard_sdk::serde_json::{self, Value};

use crate::project::{Project, join};
use crate::settings::Settings;

const SITE: &str = "/site";
const CACHE: &str = "/var/cache/npm";
/// What installing reads in any project.
const INSTALLED_FROM: [&str; 3] = ["package.json", "package-lock.json", ".npmrc"];
/// Scripts that npm runs while it installs.
const LIFECYCLE: [&str; 4] = ["preinstall", "install", "postinstall", "prepare"];
/// Of no concern to Node.js: an edit of these does not build the assets again.
/// Templates stay, tools read class names in them.
const PHP: [&str; 7] = [
    "**/*.php",
    "!**/*.blade.php",
    "!**/templates/**/*.php",
    "**/composer.json",
    "**/composer.lock",
    "**/auth.json",
    "craft-cloud.yaml",
];

/// A step that can be run: its manifests are there, and the script in them.
pub struct Step<'a> {
    project: &'a Project,
    settings: &'a Settings,
    manifest: Value,
}

impl<'a> Step<'a> {
    /// The step of the project, if it has one.
    pub async fn read(project: &'a Project, settings: &'a Settings) -> Result<Option<Self>> {
        if settings.node_version.is_empty() {
            return Ok(None);
        }
        let manifest = manifest(project, settings).await?;
        Ok(Some(Self {
            project,
            settings,
            manifest,
        }))
    }

    /// The directory of static files that the script makes.
    pub async fn output(&self, node: &Container, reads_php: bool) -> Result<Directory> {
        // Run before anything is asked: each question would upload the files again.
        let built = self.built(node, reads_php)?.sync().await;
        let built = built.wrap_err_with(|| {
            let (at, script) = (self.manifest_file(), &self.settings.npm_script);
            format!("the Node.js step fails: correct `{at}`, its lock file or what its script `{script}` runs")
        })?;
        let place = join(SITE, &self.settings.artifact_path);
        let opts = ContainerExistsOptsBuilder::default().build()?;
        ensure!(
            built.exists_opts(place.as_str(), opts).await?,
            "`npm run {}` made no `{}`: correct `artifact-path` in `craft-cloud.yaml`, or what the script writes",
            self.settings.npm_script,
            self.settings.artifact_path
        );
        Ok(built.directory(place))
    }

    /// package.json, as messages call it.
    fn manifest_file(&self) -> String {
        let (project, settings) = (self.project, self.settings);
        format!(
            "{}{}",
            project.shown,
            join(&settings.node_path, "package.json")
        )
    }

    /// The project after its script ran.
    fn built(&self, node: &Container, reads_php: bool) -> Result<Container> {
        let at = |file: &str| join(&self.settings.node_path, file);
        let exclude: &[&str] = if reads_php { &[] } else { &PHP };
        let source = self.project.without(exclude)?;
        let scripts = &self.manifest["scripts"];
        let manifests = match LIFECYCLE.iter().any(|name| !scripts[*name].is_null()) {
            // A script that runs with the installation may read any file.
            true => source.clone(),
            false => {
                let mut include: Vec<String> = INSTALLED_FROM.map(at).into();
                let folders = workspaces(&self.manifest);
                include.extend(folders.map(|folder| at(&format!("{folder}/package.json"))));
                self.project.part(&include)?
            }
        };
        let folder = join(SITE, &self.settings.node_path);
        Ok(node
            .with_env_variable("CI", "1")
            .with_env_variable("NO_COLOR", "1")
            .with_env_variable("DO_NOT_TRACK", "1")
            .with_env_variable("NPM_CONFIG_UPDATE_NOTIFIER", "false")
            .with_env_variable("NPM_CONFIG_CACHE", CACHE)
            // What npm compiles of itself is for the next command as well; below
            // `/tmp` it would be compiled, and be in a layer, each time.
            .with_env_variable("NODE_COMPILE_CACHE", join(CACHE, "_compiled"))
            .with_mounted_cache(CACHE, dag().cache_volume("php-build-npm"))
            .with_directory(SITE, manifests)
            .with_workdir(folder)
            .with_exec(vec!["npm", "clean-install", "--no-audit", "--no-fund"])
            .with_directory(SITE, source)
            // Not before: npm would leave out what only the build needs.
            .with_env_variable("NODE_ENV", "production")
            .with_exec(vec!["npm", "run", self.settings.npm_script.as_str()]))
    }
}

/// Directories of a monorepo's packages, as patterns.
fn workspaces(manifest: &Value) -> impl Iterator<Item = &str> {
    let list = match &manifest["workspaces"] {
        Value::Object(map) => map.get("packages"),
        list => Some(list),
    };
    let list = list.and_then(Value::as_array).into_iter().flatten();
    list.filter_map(Value::as_str)
        .map(|pattern| pattern.trim_start_matches("./").trim_end_matches('/'))
}

/// package.json, with the script that is to be run.
async fn manifest(project: &Project, settings: &Settings) -> Result<Value> {
    let at = |file: &str| format!("{}{}", project.shown, join(&settings.node_path, file));
    let shown = at("package.json");
    let Some(text) = project
        .read(&join(&settings.node_path, "package.json"))
        .await?
    else {
        bail!(
            "no `{shown}`, and `node-version` is set: correct `node-path` in `craft-cloud.yaml`, or remove `node-version`"
        );
    };
    let manifest: Value = serde_json::from_str(&text).map_err(|why| {
        eyre!(
            "`{shown}:{}:{}` is not JSON: {why}",
            why.line(),
            why.column()
        )
    })?;
    let scripts = manifest["scripts"].as_object();
    let names: Vec<&str> = scripts
        .into_iter()
        .flatten()
        .map(|(name, _)| name.as_str())
        .collect();
    ensure!(
        names.contains(&settings.npm_script.as_str()),
        "no script `{}` in `{shown}`: it has {}; set `npm-script` in `craft-cloud.yaml`",
        settings.npm_script,
        if names.is_empty() {
            "none".to_owned()
        } else {
            names.join(", ")
        }
    );
    let lock = join(&settings.node_path, "package-lock.json");
    ensure!(
        project.source.exists(lock).await?,
        "no `{}`: run `npm install` and commit the file",
        at("package-lock.json")
    );
    Ok(manifest)
}
