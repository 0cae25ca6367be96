//! The steps of a build: packages and static files beside each other, then the
//! image of both.

use futures::try_join;
use poniard_sdk::prelude::*;

use crate::PhpBuild;
use crate::artifacts;
use crate::assets::Step;
use crate::composer;
use crate::image::{self, Function, Handler};
use crate::plan::Plan;
use crate::project::join;
use crate::settings::Settings;

impl PhpBuild {
    /// Composer's packages: the directory `vendor`.
    pub(crate) fn installed(&self, plan: &Plan) -> Result<Directory> {
        let app = &plan.settings.app_path;
        let from = match plan.manifest.autoloads_sources() {
            true => plan.project.source.clone(),
            false => plan.project.part(&plan.manifest.include(app))?,
        };
        let composer = self.with_variables(&composer::container(&self.composer()));
        let composer = self.with_auth(&composer);
        let installed = composer::install(&composer, from, app);
        Ok(installed.directory(join("/var/task", &join(app, "vendor"))))
    }

    /// What the Node.js step builds, if there is one.
    pub(crate) async fn built_assets(&self, plan: &Plan) -> Result<Option<Directory>> {
        let step = Step::read(&plan.project, &plan.settings).await?;
        self.output(step.as_ref(), &plan.settings).await
    }

    async fn output(
        &self,
        step: Option<&Step<'_>>,
        settings: &Settings,
    ) -> Result<Option<Directory>> {
        let Some(step) = step else {
            return Ok(None);
        };
        let image = format!("node:{}", settings.node_version);
        let mut node = self.with_variables(&dag().container().from(image));
        for (name, secret) in self.secret_names.iter().zip(&self.secrets) {
            node = node.with_secret_variable(name.as_str(), secret.clone());
        }
        Ok(Some(step.output(&node, self.assets_read_php).await?))
    }

    /// The image.
    pub(crate) async fn whole(
        &self,
        plan: &Plan,
        handler: Handler,
        file: Option<&str>,
    ) -> Result<Container> {
        let (settings, project) = (&plan.settings, &plan.project);
        ensure!(
            plan.manifest.installs("bref/bref"),
            "`bref/bref` is not among the packages, and nothing runs on Lambda without it: run `composer require bref/bref` (Craft CMS: `craftcms/cloud`)"
        );
        let (function, step) = try_join!(
            Function::find(project, settings, handler, file),
            Step::read(project, settings)
        )?;
        // None waits for another.
        let base = image::with_extensions(&plan.base, settings);
        let packages = image::with_packages(&base, self.installed(plan)?)?;
        let (packages, assets) = try_join!(
            async { Ok(packages.sync().await?) },
            self.output(step.as_ref(), settings)
        )?;
        let mut source = image::without_left_out(&project.source)?;
        if let Some(output) = assets {
            source = source.with_directory(settings.artifact_path.as_str(), output);
        }
        let mut variables = self.image_variables.clone();
        if !self.artifact_url.is_empty() {
            let laid = artifacts::laid_out(plan, &source).await?;
            let fingerprint = artifacts::fingerprint(&laid).await?;
            let url = &self.artifact_url;
            variables.push(format!("CRAFT_CLOUD_ARTIFACT_BASE_URL={url}/{fingerprint}"));
            source = artifacts::without(&source, &settings.artifact_path)?;
        }
        if !settings.app_path.is_empty() {
            source = source.directory(settings.app_path.as_str());
        }
        let mut whole = image::with_task(&packages, source)?;
        let scripts = plan.manifest.scripts();
        if !scripts.is_empty() {
            let phar = self.composer().file("/usr/bin/composer");
            let composer = self.with_variables(&whole);
            whole = image::settled(&composer::run_scripts(&composer, phar, &scripts), &base)?;
        }
        let whole = with_variables(&whole, &variables);
        let whole = function.laid_on(&whole);
        let notes = [
            ("title", plan.manifest.name()),
            ("base.name", settings.bref_image.as_str()),
            ("revision", self.revision.as_str()),
            ("source", self.repository.as_str()),
        ];
        Ok(image::with_labels(&whole, &notes))
    }

    pub(crate) fn with_auth(&self, composer: &Container) -> Container {
        match &self.composer_auth {
            Some(auth) => composer.with_secret_variable("COMPOSER_AUTH", auth.clone()),
            None => composer.clone(),
        }
    }

    /// `container` with what the user set for the steps of a build.
    pub(crate) fn with_variables(&self, container: &Container) -> Container {
        with_variables(container, &self.variables)
    }
}

/// `container` with variables as `NAME=value`.
fn with_variables(container: &Container, variables: &[String]) -> Container {
    let pairs = variables.iter().filter_map(|pair| pair.split_once('='));
    pairs.fold(container.clone(), |container, (name, value)| {
        container.with_env_variable(name, value)
    })
}
