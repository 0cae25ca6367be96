//! One place for what differs between environments.
//!
//! A file is found ([`source`]), becomes a tree that knows its places
//! ([`document`]), is read key by key ([`fields`], [`rules`], [`pipeline`],
//! [`craft_cloud`]) with every problem noted ([`problems`]), and what it says
//! is what the functions here return.

#![cfg_attr(test, allow(clippy::unwrap_used))]

pub mod branch;
pub mod craft_cloud;
mod document;
pub mod environment;
mod fields;
pub mod pipeline;
pub mod problems;
mod rules;
mod source;

use poniard_sdk::prelude::*;

use craft_cloud::CraftCloud;
use environment::{Environment, listed};
use pipeline::Pipeline;
use source::Source;

const FILE: &str = "pipeline.yaml";
const SCHEMA: &str = include_str!("pipeline.schema.json");

/// One place for what differs between environments: reads `pipeline.yaml`, found upward from the caller's directory.
#[object]
pub struct Config {
    file: Option<File>,
}

// What reads the caller's workspace is kept for one session only: through
// other modules, a longer cache would return what the file said before.
#[functions]
impl Config {
    pub fn new(
        /// File to read instead of the nearest `pipeline.yaml`.
        file: Option<File>,
    ) -> Self {
        Self { file }
    }

    /// Id of the Cloudflare account.
    #[function(cache = "session")]
    pub async fn cloudflare_account_id(&self, workspace: Workspace) -> Result<String> {
        let (name, pipeline) = self.read(&workspace).await?;
        set(
            pipeline.cloudflare_account_id,
            "cloudflare.account-id",
            &name,
        )
    }

    /// Number of the GitLab project, or its path.
    #[function(cache = "session")]
    pub async fn gitlab_project_id(&self, workspace: Workspace) -> Result<String> {
        let (name, pipeline) = self.read(&workspace).await?;
        set(pipeline.gitlab_project_id, "gitlab.project-id", &name)
    }

    /// Address of GitLab, without a slash at its end.
    #[function(cache = "session")]
    pub async fn gitlab_url(&self, workspace: Workspace) -> Result<String> {
        let (name, pipeline) = self.read(&workspace).await?;
        set(pipeline.gitlab_url, "gitlab.url", &name)
    }

    /// Region of AWS.
    #[function(cache = "session")]
    pub async fn aws_region(&self, workspace: Workspace) -> Result<String> {
        let (name, pipeline) = self.read(&workspace).await?;
        set(pipeline.aws_region, "aws.region", &name)
    }

    /// Every environment, in the order of the file.
    #[function(cache = "session")]
    pub async fn environments(&self, workspace: Workspace) -> Result<Vec<Environment>> {
        let (_, pipeline) = self.read(&workspace).await?;
        let all = pipeline.environments.iter();
        Ok(all
            .map(|settings| Environment::new(settings, None))
            .collect())
    }

    /// The environment of a name.
    #[function(cache = "session")]
    pub async fn environment(
        &self,
        /// As in `pipeline.yaml`.
        name: String,
        workspace: Workspace,
    ) -> Result<Environment> {
        let (file, pipeline) = self.read(&workspace).await?;
        match pipeline.environment(&name) {
            Some(settings) => Ok(Environment::new(settings, None)),
            None => {
                let names = pipeline
                    .environments
                    .iter()
                    .map(|settings| settings.name.as_str());
                bail!(
                    "no environment `{name}` in `{file}`: it has {}",
                    listed(names)
                )
            }
        }
    }

    /// The environment that a branch belongs to: an exact name wins, then the narrowest pattern.
    #[function(cache = "session")]
    pub async fn for_branch(
        &self,
        /// Name of the branch, without `refs/heads/`.
        branch: String,
        workspace: Workspace,
    ) -> Result<Environment> {
        let (file, pipeline) = self.read(&workspace).await?;
        match chosen(&pipeline, &branch, &file)? {
            Some(settings) => Ok(Environment::new(settings, None)),
            None => {
                let patterns = pipeline
                    .environments
                    .iter()
                    .flat_map(|settings| &settings.branches);
                bail!(
                    "branch `{branch}` belongs to no environment of `{file}`: known are {}",
                    listed(patterns.map(String::as_str))
                )
            }
        }
    }

    /// Whether a branch belongs to an environment.
    #[function(cache = "session")]
    pub async fn has_environment(
        &self,
        /// Name of the branch, without `refs/heads/`.
        branch: String,
        workspace: Workspace,
    ) -> Result<bool> {
        let (file, pipeline) = self.read(&workspace).await?;
        Ok(chosen(&pipeline, &branch, &file)?.is_some())
    }

    /// The environment of merge requests, its address filled in for one of them.
    #[function(cache = "session")]
    pub async fn for_merge_request(
        &self,
        /// Number of the merge request within its project: `$CI_MERGE_REQUEST_IID`.
        iid: u32,
        workspace: Workspace,
    ) -> Result<Environment> {
        ensure!(
            iid > 0,
            "0 is no merge request's number: pass `$CI_MERGE_REQUEST_IID`"
        );
        let (file, pipeline) = self.read(&workspace).await?;
        match pipeline.for_merge_requests() {
            Some(settings) => Ok(Environment::new(settings, Some(iid))),
            None => bail!("no environment of `{file}` has `merge-requests: true`"),
        }
    }

    /// What a `craft-cloud.yaml` says, every field checked.
    #[function(cache = "session")]
    pub async fn craft_cloud(
        &self,
        /// File to read instead of the nearest `craft-cloud.yaml`.
        file: Option<File>,
        workspace: Workspace,
    ) -> Result<CraftCloud> {
        let source = Source::find(&workspace, file.as_ref(), "craft-cloud.yaml").await?;
        Ok(craft_cloud::parse(&source.name, &source.text)?)
    }

    /// Fails with every problem of `pipeline.yaml`, each with its line and column.
    #[function(check, cache = "session")]
    pub async fn validate(&self, workspace: Workspace) -> Result<()> {
        self.read(&workspace).await.map(drop)
    }

    /// JSON Schema of `pipeline.yaml`, for editors.
    pub fn schema(&self) -> File {
        let name = "pipeline.schema.json";
        dag().directory().with_new_file(name, SCHEMA).file(name)
    }
}

impl Config {
    /// The name of the file, and what it says.
    async fn read(&self, workspace: &Workspace) -> Result<(String, Pipeline)> {
        let source = Source::find(workspace, self.file.as_ref(), FILE).await?;
        let pipeline = pipeline::parse(&source.name, &source.text)?;
        Ok((source.name, pipeline))
    }
}

fn set(value: Option<String>, key: &str, file: &str) -> Result<String> {
    value.ok_or_else(|| eyre!("`{key}` is not set in `{file}`"))
}

fn chosen<'a>(
    pipeline: &'a Pipeline,
    branch: &str,
    file: &str,
) -> Result<Option<&'a pipeline::Settings>> {
    ensure!(
        !branch.is_empty(),
        "the branch is empty: pipelines of merge requests have no `$CI_COMMIT_BRANCH`, use `for-merge-request`"
    );
    pipeline.for_branch(branch).map_err(|rivals| {
        let ((first, first_of), (second, second_of)) = (rivals.first, rivals.second);
        eyre!(
            "branch `{branch}` belongs to `{first_of}` by `{first}` and to `{second_of}` by `{second}`: \
             make one of them narrower in `{file}`"
        )
    })
}

#[cfg(test)]
#[path = "../../readme.rs"]
mod readme;
#[cfg(test)]
mod tests;
