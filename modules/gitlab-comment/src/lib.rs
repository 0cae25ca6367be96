//! Talk back to GitLab.
//!
//! A [`gitlab::Project`] is where requests go. A note is written ([`body`]),
//! found again by its marker and kept single ([`notes`]) on a merge request that
//! may be named by either of its two numbers ([`merge_request`]). [`status`] and
//! [`deployment`] are one function each. What they return is in [`results`].

#![cfg_attr(test, allow(clippy::unwrap_used))]

mod body;
mod deployment;
mod gitlab;
mod merge_request;
mod notes;
pub mod results;
mod status;

use poniard_sdk::prelude::*;

use body::Marker;
use gitlab::{Project, Token};
use results::{Comment, CommitStatus, Deployment, Mode};

mod deps {
    poniard_sdk::dependencies!();
}
use deps::Dependencies;

const MARKER: &str = "poniard";

/// Talk back to GitLab: sticky notes on merge requests, commit statuses, deployments.
#[object]
pub struct GitlabComment {
    url: Option<String>,
    project_id: Option<String>,
}

#[functions]
impl GitlabComment {
    pub fn new(
        /// Address of GitLab, `$CI_SERVER_URL`; by default `gitlab.url` of `pipeline.yaml`.
        url: Option<String>,
        /// Number or path of the project, `$CI_PROJECT_ID`; by default `gitlab.project-id` of `pipeline.yaml`.
        project_id: Option<String>,
    ) -> Self {
        Self { url, project_id }
    }

    /// Writes a note on a merge request: by default one that stays, and is updated in place by the next call.
    #[function(cache = "never")]
    pub async fn post(
        &self,
        /// Access token with the scope `api`; a job token cannot write notes.
        gitlab_api_token: Secret,
        /// Number within the project, `$CI_MERGE_REQUEST_IID`; the instance-wide `$CI_MERGE_REQUEST_ID` also works.
        merge_request_id: String,
        /// Markdown. What GitLab would take for a quick action stays text.
        body: String,
        /// Tells this note from others of the same user on the same merge request.
        #[arg(default = MARKER)]
        marker: String,
        /// What to do when the note is there already, or is not.
        #[arg(default = Mode::Upsert)]
        mode: Mode,
    ) -> Result<Comment> {
        let marker = Marker::new(&marker)?;
        let text = body::text(&body)?;
        let number = merge_request::Number::parse(&merge_request_id)?;
        let project = self.project(&gitlab_api_token, true).await?;
        notes::post(&project, number, &marker, &text, mode).await
    }

    /// Writes a note from a file, as `post` does.
    #[function(cache = "never")]
    pub async fn post_file(
        &self,
        /// Access token with the scope `api`; a job token cannot write notes.
        gitlab_api_token: Secret,
        /// Number within the project, `$CI_MERGE_REQUEST_IID`; the instance-wide `$CI_MERGE_REQUEST_ID` also works.
        merge_request_id: String,
        /// File of Markdown.
        file: File,
        /// Tells this note from others of the same user on the same merge request.
        #[arg(default = MARKER)]
        marker: String,
        /// What to do when the note is there already, or is not.
        #[arg(default = Mode::Upsert)]
        mode: Mode,
    ) -> Result<Comment> {
        let body = file.contents().await.wrap_err("cannot read the file")?;
        self.post(gitlab_api_token, merge_request_id, body, marker, mode)
            .await
    }

    /// Deletes the notes of a marker, appended ones too.
    #[function(cache = "never")]
    pub async fn delete(
        &self,
        /// Access token with the scope `api`; a job token cannot write notes.
        gitlab_api_token: Secret,
        /// Number within the project, `$CI_MERGE_REQUEST_IID`; the instance-wide `$CI_MERGE_REQUEST_ID` also works.
        merge_request_id: String,
        /// The marker that the notes were written with.
        #[arg(default = MARKER)]
        marker: String,
    ) -> Result<Comment> {
        let marker = Marker::new(&marker)?;
        let number = merge_request::Number::parse(&merge_request_id)?;
        let project = self.project(&gitlab_api_token, true).await?;
        notes::delete(&project, number, &marker).await
    }

    /// Sets a status of a commit, as an external job of its pipeline. Setting the same state again is no error.
    #[function(cache = "never")]
    pub async fn status(
        &self,
        /// Access token with the scope `api`, of a Developer.
        gitlab_api_token: Secret,
        /// The commit, `$CI_COMMIT_SHA`.
        sha: String,
        /// pending, running, success, failed, canceled or skipped; `$CI_JOB_STATUS` is one of them.
        state: String,
        /// What the status is about: the name of the job that GitLab shows.
        name: String,
        /// Where the job leads to when it is clicked on.
        target_url: Option<String>,
        /// A few words about the state, at most 255 characters.
        description: Option<String>,
        /// Branch or tag that the pipeline belongs to; by default one that has the commit.
        r#ref: Option<String>,
    ) -> Result<CommitStatus> {
        let wanted = status::Wanted::new(&sha, &state, &name, target_url, description, r#ref)?;
        let project = self.project(&gitlab_api_token, false).await?;
        status::set(&project, wanted).await
    }

    /// Records a deployment of a commit to an environment: the first call creates it, later ones for the same commit move it on.
    #[function(cache = "never")]
    pub async fn deployment(
        &self,
        /// Access token with the scope `api`, of a Developer, or a job token.
        gitlab_api_token: Secret,
        /// Name of the environment; one that does not exist is created.
        environment: String,
        /// The commit, `$CI_COMMIT_SHA`.
        sha: String,
        /// Branch or tag that is deployed, `$CI_COMMIT_REF_NAME`.
        r#ref: String,
        /// running, success, failed or canceled.
        status: String,
        /// Address of what is deployed; it becomes the environment's.
        url: Option<String>,
        /// The ref is a tag.
        #[arg(default = false)]
        tag: bool,
    ) -> Result<Deployment> {
        let wanted = deployment::Wanted::new(&environment, &sha, &r#ref, &status, url, tag)?;
        let project = self.project(&gitlab_api_token, false).await?;
        deployment::record(&project, &wanted).await
    }
}

impl GitlabComment {
    /// Everything is checked before GitLab is asked: `notes` says that notes
    /// will be written.
    async fn project(&self, token: &Secret, notes: bool) -> Result<Project> {
        let token = Token::new(token.plaintext().await.wrap_err("cannot read the token")?)?;
        if notes {
            token.can_write_notes()?;
        }
        let url = match &self.url {
            Some(url) => url.clone(),
            None => (dag().config().gitlab_url().await)
                .wrap_err("cannot tell which GitLab: pass `--url`, or set it in `pipeline.yaml`")?,
        };
        let id = match &self.project_id {
            Some(id) => id.clone(),
            None => (dag().config().gitlab_project_id().await).wrap_err(
                "cannot tell which project: pass `--project-id`, or set it in `pipeline.yaml`",
            )?,
        };
        Project::new(&url, &id, token)
    }
}

#[cfg(test)]
#[path = "../../readme.rs"]
mod readme;
#[cfg(test)]
mod tests;
