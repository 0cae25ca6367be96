//! Which notes are written, updated, moved and left alone, and what is in them.

use stand_ins::gitlab::{PROJECT_PATH, Role};

use super::lab::Lab;

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
