//! A project that was read and checked: nothing is installed or built before.

use futures::try_join;
use poniard_sdk::api::QueryContainerOptsBuilder;
use poniard_sdk::prelude::*;

use crate::PhpBuild;
use crate::composer::manifest::Manifest;
use crate::composer::platform::Base;
use crate::project::Project;
use crate::settings::Settings;

/// What all functions that build begin with.
pub struct Plan {
    pub project: Project,
    pub settings: Settings,
    pub manifest: Manifest,
    /// Bref's image, without the extensions that it lacks.
    pub base: Container,
}

impl PhpBuild {
    /// Reads the project and checks it against the base image.
    pub(crate) async fn plan(&self, workspace: &Workspace) -> Result<Plan> {
        let (project, platform) = try_join!(self.project(workspace), self.base_platform())?;
        let config = project.config.clone();
        let (project, said) = try_join!(project.load(), Settings::said(config.as_ref()))?;
        let (settings, manifest) = said
            .completed(&project, &self.bref_version, &platform)
            .await?;
        let base = self.container(&settings.bref_image, &platform)?;
        let looked = Base::look(&base, &project, &manifest, &settings.app_path).await?;
        let additions = looked
            .additions(
                &manifest,
                &self.composer_version,
                self.composer(),
                &settings.bref_image,
            )
            .await?;
        Ok(Plan {
            settings: settings.with(additions, &self.bref_version)?,
            project,
            manifest,
            base,
        })
    }

    /// The project, its files not loaded yet.
    pub(crate) async fn project(&self, workspace: &Workspace) -> Result<Project> {
        Project::find(workspace, self.source.as_ref(), self.config.as_ref()).await
    }

    pub(crate) async fn base_platform(&self) -> Result<Platform> {
        Ok(match &self.platform {
            Some(platform) => platform.clone(),
            None => dag().default_platform().await?,
        })
    }

    pub(crate) fn container(&self, image: &str, platform: &Platform) -> Result<Container> {
        let opts = QueryContainerOptsBuilder::default()
            .platform(platform.clone())
            .build()?;
        Ok(dag().container_opts(opts).from(image))
    }

    pub(crate) fn composer(&self) -> Container {
        dag()
            .container()
            .from(format!("composer:{}", self.composer_version))
    }
}
