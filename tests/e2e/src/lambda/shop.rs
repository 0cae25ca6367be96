//! A place whose commands publish to a registry and a cloud of the test.

use std::fs;
use std::process::Command;

use test_support::{Finished, Running, repository};
use toml::{Table, Value};

use super::registry::Registry;
use crate::fixture::module;
use crate::place::{LIMIT, Place, argument};

pub const ACCOUNT: &str = "123456789012";
pub const REGION: &str = "eu-west-1";
pub const KEY: &str = "AKIAIOSFODNN7EXAMPLE";
pub const SECRET: &str = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";

pub struct Shop {
    pub place: Place,
    pub registry: Registry,
    /// Address of AWS.
    pub endpoint: String,
    pub secrets: Vec<(&'static str, String)>,
}

/// What a repository is called by ECR.
pub fn repository_uri() -> String {
    format!("{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/site")
}

/// An image with this text in it, as an expression of the shell.
pub fn image(text: &str) -> String {
    format!("$(container | with-new-file /index.html {text})")
}

/// The repository's settings, with the registry of the test as one without
/// TLS. A Dagger Engine is told so in its `engine.toml`.
pub fn settings(registry: &Registry) -> String {
    let root = repository();
    let text = fs::read_to_string(root.join("poniard.toml")).expect("settings");
    let mut settings: Table = text.parse().expect("settings");
    let images = settings.get_mut("image").and_then(Value::as_array_mut);
    for image in images.expect("recipes") {
        for field in ["script", "inputs"] {
            if let Some(path) = image.get_mut(field) {
                let whole = root.join(path.as_str().expect("a path"));
                *path = Value::from(argument(&whole));
            }
        }
    }
    let insecure = Value::from(vec![Value::from(registry.host())]);
    let registry = Table::from_iter([("insecure".to_owned(), insecure)]);
    settings.insert("registry".into(), registry.into());
    settings.to_string()
}

impl Shop {
    pub fn new(endpoint: String) -> Self {
        let shop = Self {
            place: Place::new(),
            registry: Registry::start(),
            endpoint,
            secrets: vec![
                ("TEST_ACCESS_KEY_ID", KEY.to_owned()),
                ("TEST_SECRET_ACCESS_KEY", SECRET.to_owned()),
            ],
        };
        shop.place.write("poniard.toml", settings(&shop.registry));
        shop
    }

    /// `lambda-publish … | <rest>`, with an access key.
    pub fn command(&self, rest: &str) -> Command {
        let keys = "--access-key-id env://TEST_ACCESS_KEY_ID --secret-access-key env://TEST_SECRET_ACCESS_KEY";
        self.command_with(keys, rest)
    }

    pub fn command_with(&self, credentials: &str, rest: &str) -> Command {
        let script = format!(
            "lambda-publish --region {REGION} --endpoint {} --registry http://{} {credentials} | {rest}",
            self.endpoint,
            self.registry.host()
        );
        let lambda_publish = module("lambda-publish");
        let args = ["-m", argument(&lambda_publish), "-c", &script];
        let mut command = self.place.command(&args);
        command.env("PONIARD_CONFIG", self.place.path("poniard.toml"));
        command.envs(self.secrets.iter().map(|(name, value)| (name, value)));
        command
    }

    pub fn run(&self, rest: &str) -> Finished {
        self.end(&mut self.command(rest))
    }

    /// No secret is ever shown.
    #[track_caller]
    pub fn end(&self, command: &mut Command) -> Finished {
        let done = Running::to_end(command, "", LIMIT).expect("a run");
        let shown = done.stdout() + &done.stderr();
        let secret = |name: &str| !name.ends_with("_ID");
        for (name, value) in self.secrets.iter().filter(|(name, _)| secret(name)) {
            assert!(!shown.contains(value), "`{name}` is shown:\n{shown}");
        }
        done
    }

    /// What a run prints that goes well.
    #[track_caller]
    pub fn prints(&self, rest: &str) -> String {
        let done = self.run(rest);
        assert_eq!(done.code, 0, "`{rest}` fails:\n{}", done.stderr());
        done.stdout().trim_end().to_owned()
    }

    /// One error that says all of `words`.
    #[track_caller]
    pub fn refuses(&self, rest: &str, words: &[&str]) {
        self.refused(&self.run(rest), words);
    }

    #[track_caller]
    pub fn refused(&self, done: &Finished, words: &[&str]) {
        let stderr = done.stderr();
        assert!(
            !done.late && done.code != 0,
            "it succeeds:\n{}{stderr}",
            done.stdout()
        );
        crate::place::readable(done);
        let error = stderr.rsplit_once("Error: ").map(|(_, error)| error);
        let error = error.unwrap_or_default();
        for word in words {
            assert!(error.contains(word), "`{word}` is not said:\n{stderr}");
        }
    }
}
