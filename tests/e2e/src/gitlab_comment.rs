//! Notes, statuses and deployments on a GitLab that is strict and that fails.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use stand_ins::Fault;
use stand_ins::gitlab::{COMMIT, Gitlab, PROJECT_PATH, Role, Scope, User};
use test_support::{Finished, Running};

use crate::fixture::module;
use crate::place::{LIMIT, Place, argument, readable};

/// Must be found nowhere.
const TOKEN: &str = "glpat-canary-x7Qv2LmZ";
const JOB_TOKEN: &str = "glcbt-64_canary-x7Qv2LmZ";

/// A GitLab with the merge request !1, and a bot that may write there.
struct Lab {
    place: Place,
    gitlab: Gitlab,
    bot: User,
}

impl Lab {
    fn new() -> Self {
        Self::with(Gitlab::start().expect("a stand-in"))
    }

    fn with(gitlab: Gitlab) -> Self {
        let bot = gitlab.user("project_42_bot", Role::Developer);
        gitlab.token(TOKEN, &bot, Scope::Api);
        gitlab.token(JOB_TOKEN, &bot, Scope::Job);
        gitlab.merge_request();
        let place = Place::new();
        Self { place, gitlab, bot }
    }

    fn command(&self, args: &[&str]) -> Command {
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

    fn call(&self, args: &[&str]) -> Finished {
        run(&mut self.command(args))
    }

    #[track_caller]
    fn succeeds(&self, args: &[&str]) -> String {
        let done = self.call(args);
        assert_eq!(done.code, 0, "{}", done.stderr());
        done.stdout()
    }

    /// Posts to a merge request and gives a field of the result.
    #[track_caller]
    fn post(&self, merge_request: &str, body: &str, more: &[&str], field: &str) -> String {
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
    fn refuses(&self, args: &[&str], words: &[&str]) {
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
    fn texts(&self) -> Vec<String> {
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

    fn asked(&self) -> Vec<String> {
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

fn run(command: &mut Command) -> Finished {
    let done = Running::to_end(command, "", LIMIT).expect("a run");
    readable(&done);
    for output in [done.stdout(), done.stderr()] {
        assert!(!output.contains("canary"), "the token is shown:\n{output}");
    }
    done
}

const POST: [&str; 7] = [
    "post",
    "--gitlab-api-token",
    "env:TOKEN",
    "--merge-request-id",
    "1",
    "--body",
    "Hello",
];

#[test]
fn a_note_is_written_once_and_then_updated_with_three_requests() {
    let lab = Lab::new();
    assert_eq!(lab.post("1", "first", &[], "action"), "CREATED");
    assert_eq!(lab.texts(), ["first"]);
    lab.asked();

    let url = lab.post("1", "second", &[], "url");
    assert_eq!(lab.texts(), ["second"]);
    let note = lab.gitlab.notes(1)[0].id;
    let notes = "/api/v4/projects/42/merge_requests/1/notes";
    let mut asked = lab.asked();
    asked.sort();
    let wanted = [
        format!("GET {notes}"),
        "GET /api/v4/user".to_owned(),
        format!("PUT {notes}/{note}"),
    ];
    assert_eq!(asked, wanted);
    let page = format!(
        "{}/{PROJECT_PATH}/-/merge_requests/1#note_{note}",
        lab.gitlab.url()
    );
    assert_eq!(url, page);

    assert_eq!(lab.post("1", "second\n", &[], "action"), "UNCHANGED");
    assert_eq!(lab.asked().len(), 2);
    assert_eq!(
        lab.post("1", "third", &[], "summary"),
        format!("[Note on !1]({page}) updated.")
    );
}

#[test]
fn only_our_own_notes_are_touched_also_behind_a_hundred_of_others() {
    let lab = Lab::new();
    let alice = lab.gitlab.user("alice", Role::Maintainer);
    let quoted = "<!-- gitlab-comment poniard http://x/-/merge_requests/1 -->\nlook";
    for _ in 0..105 {
        lab.gitlab.note(1, &alice, quoted);
    }
    lab.gitlab
        .note(1, &lab.bot, &format!("as alice wrote:\n{quoted}"));
    assert_eq!(lab.post("1", "ours", &[], "action"), "CREATED");
    assert_eq!(lab.post("1", "ours again", &[], "action"), "UPDATED");
    let notes = lab.gitlab.notes(1);
    assert_eq!(notes.len(), 107);
    assert!(notes[..105].iter().all(|note| note.body == quoted));
    assert!(notes[106].body.ends_with("\nours again"));

    let delete = [
        "delete",
        "--gitlab-api-token",
        "env:TOKEN",
        "--merge-request-id",
        "1",
    ];
    assert_eq!(
        lab.succeeds(&[&delete[..], &["action"]].concat()),
        "DELETED"
    );
    assert_eq!(lab.gitlab.notes(1).len(), 106);
    assert_eq!(
        lab.succeeds(&[&delete[..], &["action"]].concat()),
        "UNCHANGED"
    );
}

#[test]
fn duplicates_go_and_the_oldest_stays() {
    let lab = Lab::new();
    lab.post("1", "a", &[], "action");
    let first = lab.gitlab.notes(1)[0].clone();
    for _ in 0..2 {
        lab.gitlab.note(1, &lab.bot, &first.body);
    }
    let summary = lab.post("1", "b", &[], "summary");
    assert!(
        summary.ends_with("updated. 2 others with this marker are deleted."),
        "{summary}"
    );
    let notes = lab.gitlab.notes(1);
    assert_eq!((notes.len(), notes[0].id), (1, first.id));
}

#[test]
fn modes_do_what_their_names_say_and_markers_keep_notes_apart() {
    let lab = Lab::new();
    let in_mode = |body: &str, mode: &str| lab.post("1", body, &["--mode", mode], "action");
    assert_eq!(in_mode("none yet", "ONLY_UPDATE"), "UNCHANGED");
    assert_eq!(in_mode("one", "ONLY_CREATE"), "CREATED");
    assert_eq!(in_mode("two", "ONLY_CREATE"), "UNCHANGED");
    assert_eq!(lab.texts(), ["one"]);
    assert_eq!(in_mode("three", "ONLY_UPDATE"), "UPDATED");
    assert_eq!(in_mode("more", "APPEND"), "CREATED");
    assert_eq!(in_mode("more", "APPEND"), "CREATED");
    assert_eq!(in_mode("four", "UPSERT"), "UPDATED");
    assert_eq!(lab.texts(), ["four", "more", "more"]);
    assert_eq!(in_mode("five", "RECREATE"), "CREATED");
    assert_eq!(lab.texts(), ["more", "more", "five"]);

    assert_eq!(
        lab.post("1", "other", &["--marker", "lint"], "action"),
        "CREATED"
    );
    lab.succeeds(&[
        "delete",
        "--gitlab-api-token",
        "env:TOKEN",
        "--merge-request-id",
        "1",
        "action",
    ]);
    assert_eq!(lab.texts(), ["other"]);
}

#[test]
fn two_jobs_at_once_end_with_one_note() {
    let lab = Lab::new();
    lab.post("1", "warm", &["--marker", "warm"], "action");
    // Both have looked before either has written.
    let pause = Duration::from_secs(1);
    lab.gitlab
        .faults()
        .add(Fault::slow("POST", "/notes", pause).times(2));
    let start = |body: &str| {
        let mut args = POST;
        args[6] = body;
        Running::start(&mut lab.command(&args), "").expect("a start")
    };
    let jobs = [start("from a"), start("from b")];
    for job in jobs {
        let done = job.finish(LIMIT).expect("an end");
        assert_eq!(done.code, 0, "{}", done.stderr());
    }
    let texts = lab.texts();
    assert_eq!(texts.len(), 2, "{texts:?}");
    assert!(
        ["from a", "from b"].contains(&texts[1].as_str()),
        "{texts:?}"
    );
    let posted = lab
        .asked()
        .iter()
        .filter(|one| one.starts_with("POST"))
        .count();
    assert_eq!(posted, 3, "they did not meet");
}

#[test]
fn faults_on_the_way_leave_one_note() {
    let lab = Lab::new();
    for (round, fault) in [
        Fault::too_many("POST", "/notes", 1),
        Fault::reset("POST", "/notes"),
        Fault::reset_after_taken("POST", "/notes"),
        Fault::answer("POST", "/notes", 502, "<title>502 Bad Gateway</title>"),
        Fault::answer("GET", "/notes", 503, "later"),
        Fault::reset("GET", "/user"),
        Fault::slow("GET", "/notes", Duration::from_millis(500)),
    ]
    .into_iter()
    .enumerate()
    {
        lab.gitlab.faults().add(fault.clone());
        let marker = format!("round-{round}");
        assert_eq!(
            lab.post("1", "x", &["--marker", &marker], "action"),
            "CREATED",
            "{fault:?}"
        );
        assert_eq!(lab.gitlab.faults().left(), 0, "{fault:?}");
        assert_eq!(lab.texts().len(), round + 1, "{fault:?}");
    }
    // Appended notes have no place to be found at, and are not doubled either.
    lab.gitlab
        .faults()
        .add(Fault::reset_after_taken("POST", "/notes"));
    let before = lab.texts().len();
    lab.post("1", "x", &["--mode", "APPEND"], "action");
    assert_eq!(lab.texts().len(), before + 1);
}

#[test]
fn an_update_survives_faults_and_a_deleted_note() {
    let lab = Lab::new();
    lab.post("1", "a", &[], "action");
    lab.gitlab
        .faults()
        .add(Fault::reset_after_taken("PUT", "/notes"));
    assert_eq!(lab.post("1", "b", &[], "action"), "UPDATED");
    // Somebody deletes the note after it was found.
    lab.gitlab.faults().add(Fault::answer(
        "PUT",
        "/notes",
        404,
        r#"{"message":"404 Not found"}"#,
    ));
    assert_eq!(lab.post("1", "c", &[], "action"), "UPDATED");
    assert_eq!(lab.texts(), ["c"]);
}

#[test]
fn what_does_not_pass_is_told_with_what_is_written_and_what_is_not() {
    let lab = Lab::new();
    let down = || {
        Fault::answer(
            "POST",
            "/notes",
            503,
            r#"{"message":"503 Service Unavailable"}"#,
        )
    };
    lab.gitlab.faults().add(down().times(3));
    lab.refuses(
        &POST,
        &[
            "the note is not written: GitLab answered `POST /projects/42/merge_requests/1/notes` with status 503",
            "503 Service Unavailable",
            "try again later",
        ],
    );
    assert!(lab.texts().is_empty());
    assert_eq!(lab.post("1", "x", &[], "action"), "CREATED");

    let first = lab.gitlab.notes(1)[0].clone();
    lab.gitlab.note(1, &lab.bot, &first.body);
    lab.gitlab.faults().add(Fault::answer(
        "DELETE",
        "/notes",
        403,
        r#"{"message":"403 Forbidden"}"#,
    ));
    lab.refuses(
        &POST,
        &[
            "updated. Another note with this marker",
            "could not be deleted",
        ],
    );
    assert_eq!(lab.texts(), ["Hello", "x"]);
}

#[test]
fn tokens_that_may_not_write_are_told_what_to_do_and_never_shown() {
    let lab = Lab::new();
    for (scope, words) in [
        (
            Scope::Expired,
            [
                "status 401: invalid_token: Token is expired.",
                "has not expired",
            ],
        ),
        (
            Scope::ReadApi,
            [
                "status 403: insufficient_scope",
                "give the token the scope `api`",
            ],
        ),
    ] {
        lab.gitlab.token(TOKEN, &lab.bot, scope);
        lab.refuses(&POST, &words);
    }
    let outsider = lab.gitlab.user("mallory", Role::None);
    lab.gitlab.token(TOKEN, &outsider, Scope::Api);
    lab.refuses(
        &POST,
        &["404 Project Not Found", "that the token's user is a member"],
    );

    let mut wrong = lab.command(&POST);
    let done = run(wrong.env("TOKEN", "glpat-canary-wrong"));
    assert!(
        done.stderr()
            .contains("`GET /user` with status 401: 401 Unauthorized; check that the token"),
        "{}",
        done.stderr()
    );

    lab.asked();
    let mut args = POST;
    args[2] = "env:JOB_TOKEN";
    lab.refuses(
        &args,
        &["a job token (`CI_JOB_TOKEN`) cannot write notes: use a project access token"],
    );
    let done = run(lab.command(&POST).env("TOKEN", ""));
    assert!(
        done.stderr().contains("the token is empty"),
        "{}",
        done.stderr()
    );
    assert_eq!(lab.asked(), Vec::<String>::new(), "GitLab was asked");
    assert!(lab.texts().is_empty());
}

#[test]
fn missing_merge_requests_and_archived_projects_are_told() {
    let lab = Lab::new();
    let to = |number: &'static str| {
        let mut args = POST;
        args[4] = number;
        args
    };
    lab.refuses(
        &to("99"),
        &[
            "no merge request `99` (number within the project or instance-wide id)",
            "$CI_MERGE_REQUEST_IID",
        ],
    );
    lab.refuses(
        &to("!99"),
        &["no merge request `!99` (number within the project)"],
    );
    lab.refuses(
        &to(""),
        &["the merge request's number is empty", "merge_request_event"],
    );
    lab.gitlab.archive();
    lab.refuses(
        &POST,
        &["with status 403: 403 Forbidden", "an archived project"],
    );
}

#[test]
fn a_merge_request_is_also_found_by_its_instance_wide_id() {
    let lab = Lab::new();
    for _ in 0..120 {
        lab.gitlab.merge_request();
    }
    // As the story passes `$CI_MERGE_REQUEST_ID`.
    let first = "400000010";
    let summary = lab.post(first, "hi", &[], "summary");
    assert!(
        summary.starts_with("[Note on !1](")
            && summary.contains("(`400000010` is its instance-wide id) created."),
        "{summary}"
    );
    assert_eq!(
        lab.post("id:400000010", "hi again", &[], "merge-request-iid"),
        "1"
    );
    assert_eq!(lab.texts(), ["hi again"]);
    lab.post(first, "more", &["--mode", "APPEND"], "action");
    assert_eq!(lab.texts(), ["hi again", "more"]);
}

#[test]
fn a_number_that_may_mean_two_merge_requests_means_the_open_one_or_is_refused() {
    let lab = Lab::new();
    let other = lab.gitlab.merge_request_with_id(1);
    assert_eq!(lab.post("1", "hi", &[], "merge-request-iid"), "1");
    lab.gitlab.set_state(1, "merged");
    let ambiguous = [
        "post",
        "--gitlab-api-token",
        "env:TOKEN",
        "--merge-request-id",
        "1",
        "--body",
        "x",
        "--marker",
        "new",
    ];
    lab.refuses(
        &ambiguous,
        &[
            "`1` is ambiguous: !1 has this number but is merged, and !2 is open",
            "`id:1`",
        ],
    );
    assert_eq!(
        lab.post("id:1", "hi", &[], "merge-request-iid"),
        other.iid.to_string()
    );
    assert_eq!(
        lab.post("!1", "hi", &["--marker", "new"], "merge-request-iid"),
        "1"
    );
}

#[test]
fn quick_actions_in_a_body_do_nothing() {
    let lab = Lab::new();
    lab.post("1", "log:\n/close\nend", &[], "action");
    assert_eq!(lab.gitlab.state_of(1), "opened");
    assert_eq!(lab.texts(), ["log:\n\\/close\nend"]);
}

#[test]
fn a_long_file_is_cut_at_a_line_and_stays_the_same_note() {
    let lab = Lab::new();
    lab.place
        .write("long.md", "ein Zeile Überlänge\n".repeat(60_000));
    let post = |field: &str| {
        lab.succeeds(&[
            "post-file",
            "--gitlab-api-token",
            "env:TOKEN",
            "--merge-request-id",
            "1",
            "--file",
            "long.md",
            field,
        ])
    };
    assert_eq!(post("action"), "CREATED");
    assert_eq!(post("action"), "UNCHANGED");
    let texts = lab.texts();
    assert_eq!(texts.len(), 1);
    assert!(texts[0].ends_with(
        "\nein Zeile Überlänge\n\n*Cut here: GitLab's notes end at 1,000,000 characters.*"
    ));
}

#[test]
fn what_is_not_given_comes_from_the_pipeline_file_also_below_a_path() {
    let lab = Lab::with(Gitlab::start_at("/gitlab").expect("a stand-in"));
    let url = lab.gitlab.url();
    assert!(url.ends_with("/gitlab"));
    lab.place.write(
        "pipeline.yaml",
        format!("gitlab: {{ url: \"{url}\", project-id: {PROJECT_PATH} }}\n"),
    );
    let module = module("gitlab-comment");
    let args = [&["call", "-m", argument(&module)], &POST[..], &["url"]].concat();
    let done = run(lab.place.command(&args).env("TOKEN", TOKEN));
    assert_eq!(done.code, 0, "{}", done.stderr());
    assert!(
        done.stdout()
            .starts_with(&format!("{url}/{PROJECT_PATH}/-/merge_requests/1#note_")),
        "{}",
        done.stdout()
    );
    assert!(
        lab.asked()
            .iter()
            .any(|one| one.starts_with("POST /gitlab/api/v4/projects/shop%2Fsite/"))
    );
}

#[test]
fn a_status_is_set_and_set_again_without_an_error() {
    let lab = Lab::new();
    let set = |state: &str, field: &str| {
        lab.succeeds(&[
            "status",
            "--gitlab-api-token",
            "env:TOKEN",
            "--sha",
            COMMIT,
            "--state",
            state,
            "--name",
            "preview",
            "--target-url",
            "https://example.com",
            "--ref",
            "main",
            field,
        ])
    };
    assert_eq!(set("running", "action"), "CREATED");
    assert_eq!(set("running", "action"), "UNCHANGED");
    lab.gitlab
        .faults()
        .add(Fault::reset_after_taken("POST", "/statuses"));
    assert_eq!(
        set("SUCCESS", "summary"),
        "Status `preview` of `61049424` is **success**."
    );
    let statuses = lab.gitlab.statuses();
    let last = statuses.last().expect("a status");
    assert_eq!(
        (last.state.as_str(), last.target_url.as_deref()),
        ("success", Some("https://example.com"))
    );

    set("running", "action");
    let status = [
        "status",
        "--gitlab-api-token",
        "env:TOKEN",
        "--name",
        "preview",
        "--ref",
        "main",
    ];
    let of = |sha: &'static str, state: &'static str| {
        [&status[..], &["--sha", sha, "--state", state]].concat()
    };
    lab.refuses(
        &of(COMMIT, "pending"),
        &[
            "Cannot transition status via :enqueue from :running",
            "it is `running`, which cannot become `pending`",
        ],
    );
    let unknown = "0000000000000000000000000000000000000000";
    lab.refuses(
        &of(unknown, "success"),
        &["404 Commit Not Found", "check that the commit is pushed"],
    );
    let reporter = lab.gitlab.user("reporter", Role::Reporter);
    lab.gitlab.token(TOKEN, &reporter, Scope::Api);
    lab.refuses(
        &of(COMMIT, "success"),
        &["403 Forbidden", "Developer for statuses and deployments"],
    );
}

#[test]
fn a_deployment_is_created_and_moved_on() {
    let lab = Lab::new();
    let record = |token: &str, status: &str, more: &[&str], field: &str| {
        let start = [
            "deployment",
            "--gitlab-api-token",
            token,
            "--environment",
            "review/1",
            "--sha",
            COMMIT,
            "--ref",
            "main",
            "--status",
            status,
        ];
        lab.succeeds(&[&start, more, &[field]].concat())
    };
    assert_eq!(record("env:TOKEN", "running", &[], "action"), "CREATED");
    lab.gitlab
        .faults()
        .add(Fault::reset_after_taken("PUT", "/deployments"));
    let url = ["--url", "https://mr-1.example.com"];
    let done = lab.call(&[
        "deployment",
        "--gitlab-api-token",
        "env:TOKEN",
        "--environment",
        "review/1",
        "--sha",
        COMMIT,
        "--ref",
        "main",
        "--status",
        "success",
        url[0],
        url[1],
        "summary",
    ]);
    assert_eq!(done.code, 0, "{}", done.stderr());
    assert_eq!(
        done.stdout(),
        "Deployment #1 of `61049424` to [review/1](https://mr-1.example.com) is **success**."
    );
    assert_eq!(
        lab.gitlab.environments()[0].external_url.as_deref(),
        Some("https://mr-1.example.com")
    );

    // Run again: nothing to do. Once it runs anew, it is another one.
    assert_eq!(
        record("env:JOB_TOKEN", "success", &url, "action"),
        "UNCHANGED"
    );
    lab.gitlab
        .faults()
        .add(Fault::reset_after_taken("POST", "/deployments"));
    assert_eq!(record("env:JOB_TOKEN", "running", &[], "action"), "CREATED");
    assert_eq!(
        record("env:JOB_TOKEN", "failed", &[], "deployment-iid"),
        "2"
    );
    let statuses: Vec<_> = lab
        .gitlab
        .deployments()
        .into_iter()
        .map(|one| one.status)
        .collect();
    assert_eq!(statuses, ["success", "failed"]);
}

#[test]
fn a_token_is_not_in_the_state_directory() {
    let lab = Lab::new();
    lab.place.write("now", "");
    lab.post("1", "hi", &[], "action");
    lab.gitlab
        .faults()
        .add(Fault::answer("GET", "/user", 401, "{}"));
    lab.call(&POST);
    let newer = lab.place.path("now");
    let found = Command::new("find")
        .arg(&lab.place.state)
        .args(["-type", "f", "-newer", argument(&newer), "-size", "-20M"])
        .args(["-exec", "grep", "-lF", TOKEN, "{}", "+"])
        .output()
        .expect("a search");
    assert!(
        found.stdout.is_empty(),
        "found in {}",
        String::from_utf8_lossy(&found.stdout)
    );
    assert!(Path::new(&lab.place.state).exists());
}
