//! Builds websites with Bun.
//!
//! [`project`] finds the website and what installing it reads, [`manifest`]
//! knows `package.json`; a container installs from the manifests alone, so
//! that an edited page does not install anything again, and then runs a script
//! over the whole source. [`links`] checks what came out.

#![cfg_attr(test, allow(clippy::unwrap_used))]

mod links;
mod manifest;
mod project;

use std::pin::pin;

use futures::{StreamExt, TryStreamExt, stream};
use poniard_sdk::api::{
    ContainerAsServiceOptsBuilder, ContainerExistsOptsBuilder, ContainerWithFileOptsBuilder,
    ContainerWithMountedCacheOptsBuilder, ExistsType,
};
use poniard_sdk::prelude::*;

use links::Site;
use project::{Project, join, listed};

/// Where the project's root is in the container.
const APP: &str = "/app";
const PACKAGES: &str = "/var/cache/bun";
/// What builds write unless told otherwise.
const OUTPUT: &str = "dist";
const SERVER: &str = include_str!("serve.js");

/// Builds websites with Bun.
#[object]
pub struct BunWebsite {
    container: Container,
}

#[functions]
impl BunWebsite {
    pub fn new(
        /// Tag of the image `oven/bun`.
        #[arg(default = "1")]
        version: String,
        /// Container to build in instead, with `bun` on its PATH.
        container: Option<Container>,
    ) -> Self {
        let container =
            container.unwrap_or_else(|| dag().container().from(format!("oven/bun:{version}")));
        // Nobody is there to answer questions, the output becomes part of logs and
        // errors, and nobody asked to be counted.
        let container = container
            .with_env_variable("CI", "1")
            .with_env_variable("NO_COLOR", "1")
            .with_env_variable("ASTRO_TELEMETRY_DISABLED", "1")
            .with_env_variable("NEXT_TELEMETRY_DISABLED", "1")
            .with_env_variable("DO_NOT_TRACK", "1");
        Self { container }
    }

    /// A copy with an executable that the build needs.
    pub fn with_tool(
        self,
        /// Where it belongs, such as `/usr/local/bin/hugo`.
        path: String,
        /// The executable.
        file: File,
    ) -> Result<Self> {
        let opts = ContainerWithFileOptsBuilder::default()
            .permissions(0o755_isize)
            .build()?;
        Ok(Self {
            container: self.container.with_file_opts(path, file, opts),
        })
    }

    /// A copy with the diagram tool D2, out of the image `terrastruct/d2`.
    pub fn with_d2(
        self,
        /// Tag of the image, such as `v0.7.1`; the newest when omitted.
        version: Option<String>,
    ) -> Result<Self> {
        let image = version.map_or_else(
            || "terrastruct/d2".to_owned(),
            |tag| format!("terrastruct/d2:{tag}"),
        );
        let binary = dag().container().from(image).file("/usr/local/bin/d2");
        self.with_tool("/usr/local/bin/d2".into(), binary)
    }

    /// A copy with an environment variable set.
    pub fn with_env(self, name: String, value: String) -> Self {
        Self {
            container: self.container.with_env_variable(name, value),
        }
    }

    /// A copy with a secret in an environment variable, such as the token of a private registry.
    pub fn with_secret(
        self,
        /// Name of the variable.
        name: String,
        secret: Secret,
    ) -> Self {
        Self {
            container: self.container.with_secret_variable(name, secret),
        }
    }

    /// The project with its dependencies installed, as `bun.lock` says.
    pub async fn install(
        &self,
        /// The project, instead of the one at the caller's directory or above.
        source: Option<Directory>,
        workspace: Workspace,
    ) -> Result<Container> {
        let project = Project::find(&workspace, source, OUTPUT).await?;
        self.installed(&project)
    }

    /// What a script of package.json builds.
    pub async fn build(
        &self,
        /// The project, instead of the one at the caller's directory or above.
        source: Option<Directory>,
        /// Script of package.json to run.
        #[arg(default = "build")]
        script: String,
        /// Directory that the script writes, relative to package.json.
        #[arg(default = OUTPUT)]
        output: String,
        workspace: Workspace,
    ) -> Result<Directory> {
        let output = relative(&output)?;
        let project = Project::find(&workspace, source, &output).await?;
        project.manifest.need_script(&script)?;
        let built = self.script(&project, &["bun", "run", &script])?;
        let place = join(&join(APP, &project.path), &output);
        let opts = ContainerExistsOptsBuilder::default()
            .expected_type(ExistsType::DirectoryType)
            .build()?;
        if !built.exists_opts(place.as_str(), opts).await? {
            let there = built.directory(join(APP, &project.path)).entries().await?;
            bail!(
                "`bun run {script}` made no directory `{output}`: there are {}; pass `--output`",
                listed(&there)
            );
        }
        let directory = built.directory(place);
        ensure!(
            !directory.entries().await?.is_empty(),
            "`bun run {script}` left `{output}` empty"
        );
        Ok(directory)
    }

    /// The project after a script of package.json ran.
    pub async fn run(
        &self,
        /// Script of package.json.
        script: String,
        /// The project, instead of the one at the caller's directory or above.
        source: Option<Directory>,
        workspace: Workspace,
    ) -> Result<Container> {
        let project = Project::find(&workspace, source, OUTPUT).await?;
        project.manifest.need_script(&script)?;
        self.script(&project, &["bun", "run", &script])
    }

    /// Runs the script `test` of package.json, or Bun's own test runner without one.
    #[function(check)]
    pub async fn test(&self, workspace: Workspace) -> Result<()> {
        let project = Project::find(&workspace, None, OUTPUT).await?;
        let command: &[&str] = match project.manifest.has_script("test") {
            true => &["bun", "run", "test"],
            false => &["bun", "test"],
        };
        self.script(&project, command)?.sync().await?;
        Ok(())
    }

    /// Runs the script `lint` of package.json.
    #[function(check)]
    pub async fn lint(&self, workspace: Workspace) -> Result<()> {
        let project = Project::find(&workspace, None, OUTPUT).await?;
        project.manifest.need_script("lint")?;
        self.script(&project, &["bun", "run", "lint"])?
            .sync()
            .await?;
        Ok(())
    }

    /// Fails with every link, image and anchor within the site that leads nowhere, and every empty page.
    pub async fn check(
        &self,
        /// What was built.
        dist: Directory,
        /// Paths that something else answers, such as `/api/*`.
        ignore: Option<Vec<String>>,
    ) -> Result<String> {
        let files = dist.glob("**").await?;
        let files: Vec<_> = files
            .into_iter()
            .filter(|path| !path.ends_with('/'))
            .collect();
        let pages: Vec<_> = files
            .iter()
            .filter(|path| links::is_page(path))
            .cloned()
            .collect();
        ensure!(
            !pages.is_empty(),
            "no page in the directory: it has {}",
            listed(&files)
        );
        let mut site = Site::new(files);
        let dist = &dist;
        let read = stream::iter(pages).map(|path| async move {
            let html = dist.file(path.as_str()).contents().await?;
            Ok::<_, poniard_sdk::eyre::Report>((path, html))
        });
        let mut read = pin!(read.buffered(16));
        while let Some((path, html)) = read.try_next().await? {
            site.add_page(&path, &html);
        }
        let findings = site.check(&ignore.unwrap_or_default());
        ensure!(findings.problems.is_empty(), "{findings}");
        Ok(findings.to_string())
    }

    /// Serves a built site: index.html for directories, 404.html for what is missing.
    pub fn serve(
        &self,
        /// What was built.
        dist: Directory,
        /// Port to listen on.
        #[arg(default = 8080)]
        port: u16,
    ) -> Result<Service> {
        ensure!(
            port > 0,
            "port 0 cannot be reached: pass one from 1 to 65535"
        );
        let port_text = port.to_string();
        let command = vec!["bun", "/srv/serve.js", "/srv/site", port_text.as_str()];
        let opts = ContainerAsServiceOptsBuilder::default()
            .args(command)
            .build()?;
        let server = self
            .container
            .with_new_file("/srv/serve.js", SERVER)
            .with_mounted_directory("/srv/site", dist)
            .with_exposed_port(isize::try_from(port)?);
        Ok(server.as_service_opts(opts))
    }
}

impl BunWebsite {
    /// Installs from the manifests alone: an edited page changes none of them.
    fn installed(&self, project: &Project) -> Result<Container> {
        let installed = self
            .container
            .with_env_variable("BUN_INSTALL_CACHE_DIR", PACKAGES)
            .with_mounted_cache(PACKAGES, dag().cache_volume("bun-packages"))
            .with_directory(APP, project.manifests.clone())
            .with_workdir(APP)
            .with_exec(vec!["bun", "ci"]);
        Ok(installed
            .with_directory(APP, project.source.clone())
            .with_workdir(join(APP, &project.path)))
    }

    /// Runs a command in the installed project. What tools keep between builds
    /// is kept by content, so builds may share it; each has it for itself
    /// while it runs.
    fn script(&self, project: &Project, command: &[&str]) -> Result<Container> {
        let modules = join(&join(APP, &project.path), "node_modules");
        let mut container = self.installed(project)?;
        for folder in [".cache", ".astro/assets"] {
            let volume = dag().cache_volume(volume(project, folder));
            let opts = ContainerWithMountedCacheOptsBuilder::default()
                .sharing(CacheSharingMode::Private)
                .build()?;
            container = container.with_mounted_cache_opts(join(&modules, folder), volume, opts);
        }
        Ok(container.with_exec(command.to_vec()))
    }
}

/// The name of a project's cache volume.
fn volume(project: &Project, folder: &str) -> String {
    let words = [project.manifest.name(), &project.path, folder];
    let clean = |word: &str| word.replace(|c: char| !c.is_ascii_alphanumeric(), "-");
    format!("bun-website-{}", words.map(clean).join("-"))
}

/// A directory below package.json, without a slash at its end.
fn relative(output: &str) -> Result<String> {
    let inner = output.trim_start_matches("./").trim_end_matches('/');
    let plain = !inner.is_empty()
        && inner
            .split('/')
            .all(|part| !["", ".", ".."].contains(&part));
    ensure!(
        plain,
        "output `{output}` must be a directory below package.json, such as `dist`"
    );
    Ok(inner.to_owned())
}

#[cfg(test)]
#[path = "../../readme.rs"]
mod readme;
#[cfg(test)]
mod tests;
