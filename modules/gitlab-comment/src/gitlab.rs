//! A project of a GitLab, and the token that it is asked with.

use std::time::Duration;

use poniard_http::{Api, Request, Response};
use poniard_sdk::prelude::*;
use serde::de::DeserializeOwned;

/// For one request with its repetitions.
const PATIENCE: Duration = Duration::from_secs(60);
/// For each of them.
const ATTEMPT: Duration = Duration::from_secs(25);
/// The most that GitLab gives at once.
const PER_PAGE: usize = 100;

pub struct Token(String);

impl Token {
    pub fn new(token: String) -> Result<Self> {
        ensure!(
            !token.trim().is_empty(),
            "the token is empty: is its variable set for this job? protected variables are only set on protected branches"
        );
        Ok(Self(token.trim().to_owned()))
    }

    /// <https://docs.gitlab.com/ci/jobs/ci_job_token/>
    pub fn can_write_notes(&self) -> Result<()> {
        ensure!(
            !self.is_of_job(),
            "a job token (`CI_JOB_TOKEN`) cannot write notes: use a project access token with the scope `api` and the role Reporter"
        );
        Ok(())
    }

    /// Job tokens have this prefix unless an administrator changes it.
    fn is_of_job(&self) -> bool {
        self.0.starts_with("glcbt-")
    }

    fn header(&self) -> &'static str {
        if self.is_of_job() {
            "JOB-TOKEN"
        } else {
            "PRIVATE-TOKEN"
        }
    }
}

pub struct Project {
    api: Api,
    /// `/projects/42`, or with its path encoded.
    path: String,
}

impl Project {
    pub fn new(url: &str, id: &str, token: Token) -> Result<Self> {
        let url = url.trim().trim_end_matches('/');
        // `$CI_API_V4_URL` is taken as well.
        let url = url.strip_suffix("/api/v4").unwrap_or(url);
        let api = Api::new("GitLab", &format!("{url}/api/v4"))?
            .secret_header(token.header(), &token.0)?
            .patience(PATIENCE)
            .attempt(ATTEMPT)
            .next_step(next_step);
        let id = id.trim().trim_matches('/');
        let is_number = !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_digit());
        let is_path = id.contains('/') && !id.contains("//") && !id.contains(char::is_whitespace);
        ensure!(
            is_number || is_path,
            "`{id}` is no project: pass its number or its path, `group/name`"
        );
        let path = format!("/projects/{}", poniard_http::encode(id));
        Ok(Self { api, path })
    }

    pub fn get(&self, path: &str) -> Request {
        self.api.get(&self.at(path))
    }

    pub fn post(&self, path: &str) -> Request {
        self.api.post(&self.at(path))
    }

    pub fn put(&self, path: &str) -> Request {
        self.api.put(&self.at(path))
    }

    pub fn delete(&self, path: &str) -> Request {
        self.api.delete(&self.at(path))
    }

    /// Number of the user whom the token belongs to.
    pub async fn user(&self) -> Result<u64> {
        #[derive(serde::Deserialize)]
        struct User {
            id: u64,
        }
        Ok(self.api.get("/user").send().await?.json::<User>()?.id)
    }

    /// A page of a list and the number of the next one.
    pub async fn page<T: DeserializeOwned>(
        &self,
        request: Request,
        page: usize,
    ) -> Result<(Vec<T>, Option<usize>), poniard_http::Error> {
        let answer = request.query("per_page", PER_PAGE).query("page", page);
        let answer = answer.send().await?;
        let next = next_page(&answer).filter(|next| *next > page);
        Ok((answer.json()?, next))
    }

    fn at(&self, path: &str) -> String {
        format!("{}{path}", self.path)
    }
}

/// <https://docs.gitlab.com/api/rest/#pagination>: some proxies drop one of the
/// two headers.
fn next_page(answer: &Response) -> Option<usize> {
    if let Some(next) = answer.header("x-next-page") {
        return next.trim().parse().ok();
    }
    let link = answer.link("next")?;
    let query = link.split_once('?')?.1;
    let page = query.split('&').find_map(|pair| pair.strip_prefix("page="));
    page?.parse().ok()
}

fn next_step(status: u16, message: &str) -> Option<String> {
    let step = match status {
        401 => "check that the token is right, has not expired and is of this GitLab",
        403 if message.contains("insufficient_scope") => "give the token the scope `api`",
        403 => {
            "the token's user needs the role Reporter for notes, Developer for statuses and \
             deployments; an archived project and a locked discussion take nothing"
        }
        404 if message.contains("Project") => {
            "check the project's number or path, and that the token's user is a member"
        }
        404 if message.contains("Commit") => "check that the commit is pushed to this project",
        429 => "ask an administrator for a higher limit, or wait",
        _ => return None,
    };
    Some(step.to_owned())
}

/// Refuses what is no commit.
pub fn commit(sha: &str) -> Result<String> {
    let sha = sha.trim().to_ascii_lowercase();
    let ok = matches!(sha.len(), 40 | 64) && sha.bytes().all(|byte| byte.is_ascii_hexdigit());
    ensure!(
        ok,
        "`{sha}` is no commit: pass all 40 digits of its sha, `$CI_COMMIT_SHA`"
    );
    Ok(sha)
}

/// Refuses what GitLab would not make a link of.
pub fn link(url: Option<String>, argument: &str) -> Result<Option<String>> {
    let Some(url) = url.filter(|url| !url.is_empty()) else {
        return Ok(None);
    };
    let rest = url.strip_prefix("https://");
    let rest = rest.or_else(|| url.strip_prefix("http://"));
    ensure!(
        rest.is_some_and(|rest| !rest.is_empty() && !rest.contains(char::is_whitespace)),
        "`--{argument}` is `{url}`: write it as `https://…`"
    );
    ensure!(
        url.len() <= 255,
        "`--{argument}` is longer than GitLab's 255 characters"
    );
    Ok(Some(url))
}
