//! Two jobs at once, and a GitLab that fails on the way.

use std::time::Duration;

use stand_ins::Fault;
use test_support::Running;

use super::lab::{Lab, POST};
use crate::place::LIMIT;

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
