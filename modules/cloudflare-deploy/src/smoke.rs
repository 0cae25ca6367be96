//! Waits until a website answers as it should.

use std::time::{Duration, Instant};

use poniard_http::Api;
use poniard_sdk::prelude::*;

use crate::results::Smoke;

/// What is expected of every page.
pub struct Expected {
    pub status: u16,
    pub contains: Option<String>,
    pub within: Duration,
}

const PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(4);
const ATTEMPT: Duration = Duration::from_secs(15);

pub async fn check(url: &str, paths: &[String], expected: &Expected) -> Result<Smoke> {
    ensure!(
        (100..=599).contains(&expected.status),
        "`{}` is no HTTP status",
        expected.status
    );
    let started = Instant::now();
    let mut pause = PAUSE;
    // A broken page must not use up the time of those after it.
    let mut left: Vec<&String> = paths.iter().collect();
    loop {
        let mut failed = Vec::new();
        for path in left {
            let patience = expected.within.saturating_sub(started.elapsed());
            let patience = patience.clamp(Duration::from_secs(1), ATTEMPT);
            let api = Api::new("the website", url)?
                .attempt(patience)
                .patience(patience);
            if let Err(problem) = page(&api, path, expected).await {
                failed.push((path, problem));
            }
        }
        if failed.is_empty() {
            break;
        }
        if started.elapsed() + pause > expected.within {
            let lines: Vec<_> = failed
                .iter()
                .map(|(path, problem)| format!("`{path}`: {problem}"))
                .collect();
            bail!(
                "`{url}` does not answer as expected after {} seconds:\n{}",
                expected.within.as_secs(),
                lines.join("\n")
            );
        }
        left = failed.into_iter().map(|(path, _)| path).collect();
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
    let seconds = started.elapsed().as_secs_f64();
    let pages = match paths.len() {
        1 => "1 page".to_owned(),
        n => format!("{n} pages"),
    };
    Ok(Smoke {
        pages: paths.iter().map(|path| address(url, path)).collect(),
        seconds,
        summary: format!(
            "{pages} of {url} answered with {}, after {seconds:.1} s.",
            expected.status
        ),
    })
}

async fn page(api: &Api, path: &str, expected: &Expected) -> Result<(), String> {
    let request = api.get(&slashed(path)).accept_any();
    let answer = request.send().await.map_err(|error| error.to_string())?;
    if answer.status() != expected.status {
        let to = answer.header("location");
        let to = to.map_or_else(String::new, |to| format!(", to `{to}`"));
        return Err(format!(
            "status {}{to}, not {}",
            answer.status(),
            expected.status
        ));
    }
    match &expected.contains {
        Some(text) if !answer.text().contains(text) => {
            Err(format!("status {}, but no `{text}` in it", answer.status()))
        }
        _ => Ok(()),
    }
}

fn address(url: &str, path: &str) -> String {
    format!("{}{}", url.trim_end_matches('/'), slashed(path))
}

fn slashed(path: &str) -> String {
    format!("/{}", path.trim_start_matches('/'))
}
