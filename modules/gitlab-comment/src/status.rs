//! A status of a commit.

use poniard_sdk::prelude::*;
use poniard_sdk::serde_json::{Map, Value, json};
use serde::Deserialize;

use crate::gitlab::{Project, commit, link};
use crate::results::{Action, CommitStatus};

const STATES: [&str; 6] = [
    "pending", "running", "success", "failed", "canceled", "skipped",
];

/// What the status shall be.
pub struct Wanted {
    sha: String,
    state: String,
    name: String,
    target_url: Option<String>,
    description: Option<String>,
    git_ref: Option<String>,
}

/// <https://docs.gitlab.com/api/commits/#set-commit-pipeline-status>
#[derive(Deserialize)]
struct Status {
    id: u64,
    sha: String,
    name: String,
    status: String,
    r#ref: Option<String>,
    target_url: Option<String>,
    description: Option<String>,
}

impl Wanted {
    pub fn new(
        sha: &str,
        state: &str,
        name: &str,
        target_url: Option<String>,
        description: Option<String>,
        git_ref: Option<String>,
    ) -> Result<Self> {
        let state = state.trim().to_ascii_lowercase();
        ensure!(
            STATES.contains(&state.as_str()),
            "`{state}` is no state of a commit: use {}",
            STATES.join(", ")
        );
        ensure!(
            !name.trim().is_empty() && name.chars().count() <= 255,
            "`--name` is what GitLab shows: write 1 to 255 characters"
        );
        let given = |text: Option<String>| text.filter(|text| !text.is_empty());
        let description = given(description);
        ensure!(
            description
                .as_ref()
                .is_none_or(|text| text.chars().count() <= 255),
            "`--description` is longer than GitLab's 255 characters"
        );
        Ok(Self {
            sha: commit(sha)?,
            state,
            name: name.trim().to_owned(),
            target_url: link(target_url, "target-url")?,
            description,
            git_ref: given(git_ref),
        })
    }

    fn parameters(&self) -> Value {
        let mut parameters = Map::new();
        parameters.insert("state".into(), json!(self.state));
        parameters.insert("name".into(), json!(self.name));
        let optional = [
            ("target_url", &self.target_url),
            ("description", &self.description),
            ("ref", &self.git_ref),
        ];
        for (name, value) in optional {
            if let Some(value) = value {
                parameters.insert(name.into(), json!(value));
            }
        }
        Value::Object(parameters)
    }
}

pub async fn set(project: &Project, wanted: Wanted) -> Result<CommitStatus> {
    // Set twice, a state is refused or the same: it can be sent again.
    let request = project.post(&format!("/statuses/{}", wanted.sha));
    let answer = request.json(&wanted.parameters()).repeatable().send().await;
    match answer {
        Ok(answer) => Ok(shown(answer.json()?, Action::Created)),
        Err(error) => match refused_from(error.message()) {
            Some(state) if state == wanted.state => {
                Ok(shown(current(project, &wanted).await?, Action::Unchanged))
            }
            Some(state) => {
                let step = format!("it is `{state}`, which cannot become `{}`", wanted.state);
                Err(error.with_next_step(step).into())
            }
            None => Err(error.into()),
        },
    }
}

/// The state that GitLab would not leave: `Cannot transition status via :run
/// from :running (Reason(s): …)`.
fn refused_from(message: &str) -> Option<&str> {
    let (_, rest) = message.split_once("Cannot transition status via ")?;
    let (_, rest) = rest.split_once("from :")?;
    rest.split(|c: char| !c.is_ascii_lowercase()).next()
}

async fn current(project: &Project, wanted: &Wanted) -> Result<Status> {
    let list = project.get(&format!("/repository/commits/{}/statuses", wanted.sha));
    let mut list = list.query("name", &wanted.name);
    if let Some(git_ref) = &wanted.git_ref {
        list = list.query("ref", git_ref);
    }
    let (statuses, _) = project.page::<Status>(list, 1).await?;
    let mut statuses = statuses
        .into_iter()
        .filter(|one| one.status == wanted.state);
    statuses.next_back().ok_or_else(|| {
        eyre!(
            "GitLab says that the status `{}` is `{}` already, and does not list it",
            wanted.name,
            wanted.state
        )
    })
}

fn shown(status: Status, action: Action) -> CommitStatus {
    let Status {
        id,
        sha,
        name,
        status: state,
        ..
    } = status;
    let short = sha.get(..8).unwrap_or(&sha);
    let already = match action {
        Action::Unchanged => " already",
        _ => "",
    };
    CommitStatus {
        status_id: id.to_string(),
        summary: format!("Status `{name}` of `{short}` is{already} **{state}**."),
        sha,
        name,
        state,
        r#ref: status.r#ref.unwrap_or_default(),
        target_url: status.target_url.unwrap_or_default(),
        description: status.description.unwrap_or_default(),
        action,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_state_that_gitlab_would_not_leave_is_read_from_its_message() {
        let message = "Cannot transition status via :run from :running (Reason(s): Status cannot transition via \"run\")";
        assert_eq!(refused_from(message), Some("running"));
        assert_eq!(
            refused_from("Cannot transition status via :enqueue from :pending"),
            Some("pending")
        );
        assert_eq!(refused_from("state does not have a valid value"), None);
    }
}
