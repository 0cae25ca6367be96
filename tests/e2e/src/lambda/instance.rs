//! An instance of a function: the image that was published, in a container of the
//! CLI under test, asks for its one event by Lambda's Runtime API.
//! <https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html>

use std::process::Command;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::Path;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use axum::routing::{get, post};
use rustix::process::Signal;
use stand_ins::Server;
use test_support::Running;

use super::shop::Shop;
use crate::place::{GRACE, LIMIT, nonce};

/// Starts instances.
pub struct Instances {
    command: Box<dyn Fn(&str) -> Command + Send + Sync>,
    registry: String,
}

/// What became of an invocation.
pub struct Outcome {
    pub payload: String,
    pub failed: bool,
    pub log: String,
}

const RUNTIME: &str = "/2018-06-01/runtime";

impl Instances {
    /// Of images in the registry of the shop.
    pub fn of(shop: &Shop) -> Self {
        let plain = shop.place.command(&[]);
        let program = plain.get_program().to_owned();
        let directory = shop.place.path("");
        let variables: Vec<_> = plain
            .get_envs()
            .map(|(name, value)| (name.to_owned(), value.map(ToOwned::to_owned)))
            .collect();
        let settings = shop.place.path("poniard.toml");
        let command = move |script: &str| {
            let mut command = Command::new(&program);
            for (name, value) in &variables {
                match value {
                    Some(value) => command.env(name, value),
                    None => command.env_remove(name),
                };
            }
            command
                .args(["-M", "-c", script])
                .current_dir(&directory)
                .env("PONIARD_CONFIG", &settings);
            command
        };
        Self {
            command: Box::new(command),
            registry: shop.registry.host(),
        }
    }

    /// One event for a new instance, which is ended after its answer.
    pub fn invoke(&self, image: &str, version: &str, event: &[u8]) -> Outcome {
        let (_, digest) = image.rsplit_once('@').expect("a digest");
        let request = nonce();
        let (says, said) = channel();
        let event = String::from_utf8_lossy(event).into_owned();
        let api = Server::start(runtime_api(&request, event, says)).expect("a server");
        let variables = [
            ("AWS_LAMBDA_RUNTIME_API", api.address().to_string()),
            ("AWS_LAMBDA_FUNCTION_NAME", "site".to_owned()),
            ("AWS_LAMBDA_FUNCTION_VERSION", version.to_owned()),
            ("AWS_LAMBDA_LOG_STREAM_NAME", request),
            ("LAMBDA_TASK_ROOT", "/var/task".to_owned()),
            ("LAMBDA_RUNTIME_DIR", "/var/runtime".to_owned()),
        ];
        let variables = variables
            .map(|(name, value)| format!("with-env-variable {name} '{value}' | "))
            .concat();
        let script = format!(
            "container | from {}/site@{digest} | {variables}with-user 993:990 | with-mounted-temp /tmp | with-exec --use-entrypoint '' | sync",
            self.registry
        );
        let running = Running::start(&mut (self.command)(&script), "").expect("a start");
        let deadline = Instant::now() + LIMIT;
        let outcome = loop {
            match said.recv_timeout(Duration::from_millis(50)) {
                Ok(outcome) => break Some(outcome),
                Err(RecvTimeoutError::Timeout) if Instant::now() < deadline && !running.ended() => {
                }
                Err(_) => break said.try_recv().ok(),
            }
        };
        let _ = running.signal(Signal::TERM);
        let done = running.finish(GRACE).expect("an end");
        let (payload, failed) = outcome.unwrap_or_else(|| {
            let why = r#"{"errorType":"Runtime.ExitError","errorMessage":"Runtime exited"}"#;
            (why.to_owned(), true)
        });
        Outcome {
            payload,
            failed,
            log: written(&done.stderr()),
        }
    }
}

/// What the image wrote, out of what the CLI shows of it: `#3 | a line`.
fn written(shown: &str) -> String {
    let lines = shown.lines().filter_map(|line| line.split_once(" | "));
    lines.map(|(_, line)| format!("{line}\n")).collect()
}

/// Gives its event to the first who asks, and says how that ended.
fn runtime_api(request: &str, event: String, says: Sender<(String, bool)>) -> Router {
    let headers = [
        ("content-type", "application/json".to_owned()),
        ("lambda-runtime-aws-request-id", request.to_owned()),
        ("lambda-runtime-deadline-ms", "4102444800000".to_owned()),
        (
            "lambda-runtime-invoked-function-arn",
            "arn:aws:lambda:eu-west-1:123456789012:function:site".to_owned(),
        ),
    ];
    let event = Arc::new(Mutex::new(Some(event)));
    let next = move || async move {
        let event = event.lock().unwrap_or_else(PoisonError::into_inner).take();
        match event {
            Some(event) => (headers, event).into_response(),
            // An instance is frozen until there is another.
            None => std::future::pending().await,
        }
    };
    let own = request.to_owned();
    let ends = move |failed: bool| {
        let (own, says) = (own.clone(), says.clone());
        move |Path(request): Path<String>, body: String| async move {
            if request != own {
                return StatusCode::BAD_REQUEST;
            }
            let _ = says.send((body, failed));
            StatusCode::ACCEPTED
        }
    };
    let init_fails = {
        let ends = ends(true);
        let own = request.to_owned();
        move |body: String| ends(Path(own), body)
    };
    let invocation = format!("{RUNTIME}/invocation");
    Router::new()
        .route(&format!("{invocation}/next"), get(next))
        .route(
            &format!("{invocation}/{{request}}/response"),
            post(ends(false)),
        )
        .route(&format!("{invocation}/{{request}}/error"), post(ends(true)))
        .route(&format!("{RUNTIME}/init/error"), post(init_fails))
}
