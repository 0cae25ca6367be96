//! Lambda images of PHP and Craft CMS projects on Bref.
//!
//! [`project`] finds the files, [`settings`] reads what they ask for,
//! [`composer`] checks and installs the packages, [`assets`] runs Node.js, and
//! [`image`] lays all of it on Bref's base.

#![cfg_attr(test, allow(clippy::unwrap_used))]

mod assets;
mod composer;
mod deps {
    poniard_sdk::dependencies!();
}
mod image;
mod project;
mod settings;

use poniard_sdk::api::QueryContainerOptsBuilder;
use poniard_sdk::prelude::*;

use composer::manifest::Manifest;
use image::Handler;
use project::{Project, join};
use settings::Settings;

/// Lambda images of PHP and Craft CMS projects on Bref.
#[object]
pub struct PhpBuild {
    source: Option<Directory>,
    config: Option<File>,
    platform: Option<Platform>,
    bref_version: String,
    composer_version: String,
    revision: String,
}

/// A project that was read and checked.
struct Plan {
    project: Project,
    settings: Settings,
    manifest: Manifest,
    base: Container,
}

// What asks `config` is kept for one session only: through other modules, a
// longer cache would return what the file said before.
#[functions]
impl PhpBuild {
    pub fn new(
        /// The project, instead of the one at the caller's directory or above.
        source: Option<Directory>,
        /// A `craft-cloud.yaml`; without one, composer.json's platform decides.
        config: Option<File>,
        /// Platform of the images, such as `linux/arm64`; that of the engine when omitted.
        platform: Option<Platform>,
        /// Tag of Bref's images.
        #[arg(default = "3")]
        bref_version: String,
        /// Tag of the image `composer`.
        #[arg(default = "2")]
        composer_version: String,
        /// Commit that the sources are of, for the labels of images.
        revision: Option<String>,
    ) -> Self {
        Self {
            source,
            config,
            platform,
            bref_version,
            composer_version,
            revision: revision.unwrap_or_default(),
        }
    }

    /// What a build will use, and why.
    #[function(cache = "session")]
    pub async fn settings(&self, workspace: Workspace) -> Result<Settings> {
        Ok(self.plan(&workspace).await?.settings)
    }

    /// Bref's image for the configured PHP version, with the extensions that the project needs.
    #[function(cache = "session")]
    pub async fn base(&self, workspace: Workspace) -> Result<Container> {
        let plan = self.plan(&workspace).await?;
        image::with_extensions(&plan.base, &plan.settings)
    }

    /// Composer's packages, as `composer.lock` says, without those for development.
    #[function(cache = "session")]
    pub async fn dependencies(&self, workspace: Workspace) -> Result<Directory> {
        let plan = self.plan(&workspace).await?;
        self.installed(&plan)
    }

    /// What the Node.js step builds: the directory of static files.
    #[function(cache = "session")]
    pub async fn assets(&self, workspace: Workspace) -> Result<Directory> {
        let plan = self.plan(&workspace).await?;
        match self.built(&plan).await? {
            Some(built) => assets::output(&built, &plan.settings).await,
            None => bail!("no Node.js step: set `node-version` in `craft-cloud.yaml`"),
        }
    }

    /// The image for Lambda.
    #[function(cache = "session")]
    pub async fn image(
        &self,
        /// What the function is for.
        #[arg(default = Handler::Web)]
        handler: Handler,
        /// Handler instead of the usual one, relative to composer.json.
        file: Option<String>,
        workspace: Workspace,
    ) -> Result<Container> {
        let plan = self.plan(&workspace).await?;
        self.whole(&plan, handler, file.as_deref()).await
    }
}

impl PhpBuild {
    /// Reads the project and checks it against the base image.
    async fn plan(&self, workspace: &Workspace) -> Result<Plan> {
        let project = Project::find(workspace, self.source.as_ref(), self.config.as_ref()).await?;
        let platform = match &self.platform {
            Some(platform) => platform.clone(),
            None => dag().default_platform().await?,
        };
        let (settings, manifest) = Settings::read(&project, &self.bref_version, &platform).await?;
        let base = self.container(&settings.bref_image, &platform)?;
        let manifests = project.part(&manifest.include(&settings.app_path))?;
        let composer = self.composer().file("/usr/bin/composer");
        let check =
            composer::platform::check(&base, composer, manifests, &settings.app_path).await?;
        let additions = check.additions(&manifest, &settings.bref_image)?;
        Ok(Plan {
            settings: settings.with(additions, &self.bref_version)?,
            project,
            manifest,
            base,
        })
    }

    fn container(&self, image: &str, platform: &Platform) -> Result<Container> {
        let opts = QueryContainerOptsBuilder::default()
            .platform(platform.clone())
            .build()?;
        Ok(dag().container_opts(opts).from(image))
    }

    fn composer(&self) -> Container {
        dag()
            .container()
            .from(format!("composer:{}", self.composer_version))
    }

    fn installed(&self, plan: &Plan) -> Result<Directory> {
        let app = &plan.settings.app_path;
        let from = match plan.manifest.autoloads_sources() {
            true => plan.project.without(&[])?,
            false => plan.project.part(&plan.manifest.include(app))?,
        };
        let installed = composer::install(&composer::container(&self.composer()), from, app);
        Ok(installed.directory(join("/var/task", &join(app, "vendor"))))
    }

    /// The project after its Node.js step, if it has one.
    async fn built(&self, plan: &Plan) -> Result<Option<Container>> {
        if plan.settings.node_version.is_empty() {
            return Ok(None);
        }
        let node = dag()
            .container()
            .from(format!("node:{}", plan.settings.node_version));
        Ok(Some(
            assets::built(&plan.project, &plan.settings, &node, false).await?,
        ))
    }

    async fn whole(&self, plan: &Plan, handler: Handler, file: Option<&str>) -> Result<Container> {
        let settings = &plan.settings;
        let vendor = self.installed(plan)?;
        let mut source = plan.project.without(&image::LEFT_OUT)?;
        if let Some(built) = self.built(plan).await? {
            let output = assets::output(&built, settings).await?;
            source = source.with_directory(settings.artifact_path.as_str(), output);
        }
        if !settings.app_path.is_empty() {
            source = source.directory(settings.app_path.as_str());
        }
        let base = image::with_extensions(&plan.base, settings)?;
        let whole = image::with_application(&base, vendor, source);
        let whole = image::with_handler(&whole, settings, handler, file)?;
        let origin = [("revision", self.revision.clone())];
        Ok(image::with_labels(
            &whole,
            plan.manifest.name(),
            settings,
            &origin,
        ))
    }
}
