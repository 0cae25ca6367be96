//! A GitLab with a merge request, and a bot that may write there.

use std::process::Command;

use stand_ins::gitlab::{Gitlab, Role, Scope, User};
use test_support::{Finished, Running};

use crate::fixture::module;
use crate::place::{LIMIT, Place, argument, readable};

/// Must be found nowhere.
pub const TOKEN: &str = "glpat-canary-x7Qv2LmZ";
pub const JOB_TOKEN: &str = "glcbt-64_canary-x7Qv2LmZ";

/// A GitLab with the merge request !1, and a bot that may write there.
pub struct Lab {
    pub place: Place,
    pub gitlab: Gitlab,
    pub bot: User,
}

impl Lab {
    pub fn new() -> Self {
        Self::with(Gitlab::start().expect("a stand-in"))
    }

    pub fn with(gitlab: Gitlab) -> Self {
        let bot = gitlab.user("project_42_bot", Role::Developer);
        gitlab.token(TOKEN, &bot, Scope::Api);
        gitlab.token(JOB_TOKEN, &bot, Scope::Job);
        gitlab.merge_request();
        let place = Place::new();
        Self { place, gitlab, bot }
    }

    pub fn command(&self, args: &[&str]) -> Command {
        let (module, url) = (module("gitlab-comment"), self.gitlab.url());
        let start = [
            "call",
            "-m",
            argument(&module),
            "--url",
            &url,
            "--project-id",
            "42",
        ];
        let mut command = self.place.command(&[&start, args].concat());
        command.env("TOKEN", TOKEN).env("JOB_TOKEN", JOB_TOKEN);
        command
    }

    pub fn call(&self, args: &[&str]) -> Finished {
        run(&mut self.command(args))
    }

    #[track_caller]
    pub fn succeeds(&self, args: &[&str]) -> String {
        let done = self.call(args);
        assert_eq!(done.code, 0, "{}", done.stderr());
        done.stdout()
    }

    /// Posts to a merge request and gives a field of the result.
    #[track_caller]
    pub fn post(&self, merge_request: &str, body: &str, more: &[&str], field: &str) -> String {
        let start = [
            "post",
            "--gitlab-api-token",
            "env:TOKEN",
            "--merge-request-id",
            merge_request,
            "--body",
            body,
        ];
        self.succeeds(&[&start, more, &[field]].concat())
    }

    #[track_caller]
    pub fn refuses(&self, args: &[&str], words: &[&str]) {
        let done = self.call(args);
        let stderr = done.stderr();
        assert_ne!(done.code, 0, "it succeeds: {}", done.stdout());
        let errors = stderr.lines().filter(|line| line.starts_with("Error: "));
        assert_eq!(errors.count(), 1, "not one error:\n{stderr}");
        for word in words {
            assert!(stderr.contains(word), "`{word}` is not said:\n{stderr}");
        }
    }

    /// Texts of the bot's notes on !1, without their first lines.
    pub fn texts(&self) -> Vec<String> {
        let notes = self.gitlab.notes(1);
        let ours = notes.iter().filter(|note| note.author == self.bot.id);
        ours.map(|note| {
            note.body
                .split_once('\n')
                .map_or("", |(_, text)| text)
                .to_owned()
        })
        .collect()
    }

    pub fn asked(&self) -> Vec<String> {
        let asked = self.gitlab.requests();
        self.gitlab.forget_requests();
        asked
            .iter()
            .map(|one| {
                one.to_string()
                    .split('?')
                    .next()
                    .unwrap_or_default()
                    .to_owned()
            })
            .collect()
    }
}

pub fn run(command: &mut Command) -> Finished {
    let done = Running::to_end(command, "", LIMIT).expect("a run");
    readable(&done);
    for output in [done.stdout(), done.stderr()] {
        assert!(!output.contains("canary"), "the token is shown:\n{output}");
    }
    done
}

pub const POST: [&str; 7] = [
    "post",
    "--gitlab-api-token",
    "env:TOKEN",
    "--merge-request-id",
    "1",
    "--body",
    "Hello",
];
