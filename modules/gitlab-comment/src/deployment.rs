//! A deployment of a commit to an environment.

use std::time::Duration;

use poniard_http::Error;
use poniard_sdk::prelude::*;
use poniard_sdk::serde_json::{Value, json};
use serde::Deserialize;

use crate::gitlab::{Project, commit, link};
use crate::results::{Action, Deployment};

const STATUSES: [&str; 4] = ["running", "success", "failed", "canceled"];
/// How often one is created when nobody knows whether it was taken.
const ATTEMPTS: u32 = 3;

/// What the deployment shall be.
pub struct Wanted {
    environment: String,
    sha: String,
    git_ref: String,
    status: String,
    url: Option<String>,
    tag: bool,
}

/// <https://docs.gitlab.com/api/deployments/>
#[derive(Clone, Deserialize)]
struct Known {
    id: u64,
    iid: u64,
    status: String,
    sha: String,
    r#ref: String,
    environment: Environment,
    /// The job of GitLab CI that made it; GitLab moves these itself.
    #[serde(default)]
    deployable: Value,
}

#[derive(Clone, Deserialize)]
struct Environment {
    id: u64,
    name: String,
    external_url: Option<String>,
}

impl Wanted {
    pub fn new(
        environment: &str,
        sha: &str,
        git_ref: &str,
        status: &str,
        url: Option<String>,
        tag: bool,
    ) -> Result<Self> {
        let status = status.trim().to_ascii_lowercase();
        ensure!(
            STATUSES.contains(&status.as_str()),
            "`{status}` is no status of a deployment: use {}",
            STATUSES.join(", ")
        );
        // https://docs.gitlab.com/ci/yaml/#environmentname
        let fits = |c: char| c.is_ascii_alphanumeric() || "-_/$ {}.".contains(c);
        ensure!(
            (1..=255).contains(&environment.len())
                && environment.chars().all(fits)
                && !environment.starts_with('/')
                && !environment.ends_with('/'),
            "`{environment}` is no name of an environment: use letters, digits, spaces and `-_/$.{{}}`"
        );
        ensure!(
            !git_ref.trim().is_empty(),
            "`--ref` is empty: pass `$CI_COMMIT_REF_NAME`"
        );
        Ok(Self {
            environment: environment.to_owned(),
            sha: commit(sha)?,
            git_ref: git_ref.trim().to_owned(),
            status,
            url: link(url, "url")?,
            tag,
        })
    }

    /// A deployment that is over does not run again: that is a new one.
    fn can_follow(&self, status: &str) -> bool {
        match self.status.as_str() {
            "running" => status == "created",
            wanted => status != wanted && status != "blocked",
        }
    }
}

pub async fn record(project: &Project, wanted: &Wanted) -> Result<Deployment> {
    let last = last(project, wanted).await?;
    let (known, action) = match last {
        Some(last) if last.status == wanted.status => (last, Action::Unchanged),
        Some(last) if wanted.can_follow(&last.status) => {
            (advance(project, wanted, last.id).await?, Action::Updated)
        }
        last => {
            let after = last.map_or(0, |last| last.id);
            (create(project, wanted, after).await?, Action::Created)
        }
    };
    let url = match &wanted.url {
        Some(url) if known.environment.external_url.as_deref() != Some(url) => {
            set_url(project, &known, url).await?;
            url.clone()
        }
        _ => known.environment.external_url.clone().unwrap_or_default(),
    };
    Ok(shown(known, url, action))
}

/// The newest deployment of this commit to this environment that is ours to
/// move, among the newest hundred.
async fn last(project: &Project, wanted: &Wanted) -> Result<Option<Known>> {
    let list = project.get("/deployments");
    let list = list.query("environment", &wanted.environment);
    let list = list.query("order_by", "id").query("sort", "desc");
    let (all, _) = project.page::<Known>(list, 1).await?;
    let mut ours = all.into_iter();
    Ok(ours.find(|one| one.sha == wanted.sha && one.deployable.is_null()))
}

/// Moved twice, because the first answer was lost, it is refused as done.
async fn advance(project: &Project, wanted: &Wanted, id: u64) -> Result<Known> {
    let path = format!("/deployments/{id}");
    let request = project.put(&path).json(&json!({ "status": wanted.status }));
    match request.send().await {
        Ok(answer) => Ok(answer.json()?),
        Err(error) if error.status() == Some(400) => {
            let known: Known = project.get(&path).send().await?.json()?;
            ensure!(known.status == wanted.status, error);
            Ok(known)
        }
        Err(error) => Err(error.into()),
    }
}

async fn create(project: &Project, wanted: &Wanted, after: u64) -> Result<Known> {
    let body = json!({
        "environment": wanted.environment,
        "sha": wanted.sha,
        "ref": wanted.git_ref,
        "tag": wanted.tag,
        "status": wanted.status,
    });
    let mut pause = Duration::from_millis(500);
    for attempt in 1.. {
        let error: Error = match project.post("/deployments").json(&body).send().await {
            Ok(answer) => return Ok(answer.json()?),
            Err(error) => error,
        };
        if !error.maybe_taken() {
            return Err(error.into());
        }
        tokio::time::sleep(pause).await;
        pause *= 2;
        match last(project, wanted).await {
            Ok(Some(taken)) if taken.id > after => return Ok(taken),
            Ok(_) if attempt < ATTEMPTS => {}
            Ok(_) => return Err(eyre!(error).wrap_err("the deployment is not recorded")),
            Err(_) => {
                return Err(
                    eyre!(error).wrap_err("nobody knows whether the deployment is recorded")
                );
            }
        }
    }
    bail!("the deployment is not recorded")
}

async fn set_url(project: &Project, known: &Known, url: &str) -> Result<()> {
    let (id, name) = (known.environment.id, &known.environment.name);
    let request = project.put(&format!("/environments/{id}"));
    let request = request.json(&json!({ "external_url": url }));
    request.send().await.map(drop).wrap_err_with(|| {
        let (iid, status) = (known.iid, &known.status);
        format!(
            "deployment #{iid} is {status}, but the address of the environment `{name}` is not set"
        )
    })
}

fn shown(known: Known, url: String, action: Action) -> Deployment {
    let (iid, status, name) = (known.iid, known.status, known.environment.name);
    let short = known.sha.get(..8).unwrap_or(&known.sha);
    let place = match url.as_str() {
        "" => format!("`{name}`"),
        url => format!("[{name}]({url})"),
    };
    Deployment {
        summary: format!("Deployment #{iid} of `{short}` to {place} is **{status}**."),
        deployment_id: known.id.to_string(),
        deployment_iid: iid.to_string(),
        status,
        environment: name,
        sha: known.sha,
        r#ref: known.r#ref,
        url,
        action,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deployment_moves_on_and_does_not_run_again() {
        let wanted = |status: &str| {
            Wanted::new("production", &"a".repeat(40), "main", status, None, false).unwrap()
        };
        for (from, to, moves) in [
            ("created", "running", true),
            ("running", "success", true),
            ("running", "failed", true),
            ("failed", "success", true),
            ("success", "running", false),
            ("failed", "running", false),
            ("blocked", "success", false),
        ] {
            assert_eq!(wanted(to).can_follow(from), moves, "{from} to {to}");
        }
    }
}
