//! What the functions return. Numbers of GitLab are texts: those of gitlab.com
//! are larger than GraphQL's `Int`.

use poniard_sdk::prelude::*;

/// What to do when the note is there already, or is not.
#[enumeration]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Update it in place, or create it.
    Upsert,
    /// Always create another one.
    Append,
    /// Create a new one at the end, then delete the old one.
    Recreate,
    /// Create it; leave one that is there as it is.
    OnlyCreate,
    /// Update it; create none.
    OnlyUpdate,
}

/// What was done with a note.
#[enumeration]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    Created,
    Updated,
    Unchanged,
    Deleted,
}

/// A note on a merge request. Texts are empty when there is none.
#[object]
pub struct Comment {
    /// Number of the note.
    pub note_id: String,
    /// Address of the note.
    pub url: String,
    /// What was done with it.
    pub action: Action,
    /// Number of the merge request within its project.
    pub merge_request_iid: String,
    /// Its text, marker included.
    pub body: String,
    /// What was done, in Markdown.
    pub summary: String,
}

/// A status of a commit.
#[object]
pub struct CommitStatus {
    /// Number of the status.
    pub status_id: String,
    /// The commit.
    pub sha: String,
    /// What it is about.
    pub name: String,
    /// pending, running, success, failed, canceled or skipped.
    pub state: String,
    /// Branch or tag that its pipeline belongs to.
    pub r#ref: String,
    /// Where it leads to.
    pub target_url: String,
    /// A few words about the state.
    pub description: String,
    /// CREATED when GitLab took the state, UNCHANGED when it was set already.
    pub action: Action,
    /// What was done, in Markdown.
    pub summary: String,
}

/// A deployment of a commit to an environment.
#[object]
pub struct Deployment {
    /// Number of the deployment.
    pub deployment_id: String,
    /// Its number within the project, as GitLab shows it.
    pub deployment_iid: String,
    /// running, success, failed or canceled.
    pub status: String,
    /// Name of the environment.
    pub environment: String,
    /// The commit.
    pub sha: String,
    /// Branch or tag.
    pub r#ref: String,
    /// Address of the environment.
    pub url: String,
    /// What was done with it.
    pub action: Action,
    /// What was done, in Markdown.
    pub summary: String,
}
