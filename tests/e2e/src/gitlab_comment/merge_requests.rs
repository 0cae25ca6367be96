//! Where a note goes: numbers, ids and what the pipeline's variables say.

use stand_ins::gitlab::{Gitlab, PROJECT_PATH};

use super::lab::{Lab, POST, TOKEN, run};
use crate::fixture::module;
use crate::place::argument;

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
    let ambiguous = [&POST[..], &["--marker", "new"]].concat();
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
