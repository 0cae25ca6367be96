//! Notes on a merge request: <https://docs.gitlab.com/api/notes/#merge-requests>

use serde_json::json;

use super::access;
use super::call::{Answer, Call};
use super::world::{Role, User, World};

const LONGEST: usize = 1_000_000;

pub fn answer(
    world: &mut World,
    call: &Call,
    user: &User,
    iid: &str,
    rest: &[&str],
) -> Result<Answer, Answer> {
    let iid: u64 = iid
        .parse()
        .map_err(|_| Answer::error("noteable_id is invalid"))?;
    if world.merge_request_mut(iid).is_none() {
        return Err(Answer::not_found());
    }
    match (call.method(), rest) {
        ("GET", []) => list(world, call, iid),
        ("POST", []) => create(world, call, user, iid),
        (method, [id]) => {
            let id: u64 = id
                .parse()
                .map_err(|_| Answer::error("note_id is invalid"))?;
            let of_id = |note: &super::Note| note.iid == iid && note.id == id;
            let at = world
                .notes
                .iter()
                .position(of_id)
                .ok_or_else(Answer::not_found)?;
            match method {
                "GET" => {
                    call.only(&[])?;
                    Ok(Answer::new(200, world.shown_note(&world.notes[at])))
                }
                "PUT" => update(world, call, user, at),
                "DELETE" => {
                    call.only(&[])?;
                    may_change(world, user, at)?;
                    world.notes.remove(at);
                    Ok(Answer::no_content())
                }
                _ => Err(Answer::message(405, "405 Method Not Allowed")),
            }
        }
        _ => Err(Answer::not_found()),
    }
}

fn list(world: &World, call: &Call, iid: u64) -> Result<Answer, Answer> {
    call.only(&["sort", "order_by", "activity_filter", "page", "per_page"])?;
    let by_update = call.choice("order_by", &["created_at", "updated_at"])? == "updated_at";
    let mut notes: Vec<_> = world.notes.iter().filter(|note| note.iid == iid).collect();
    notes.sort_by_key(|note| {
        let time = if by_update {
            &note.updated_at
        } else {
            &note.created_at
        };
        (time.clone(), note.id)
    });
    if call.choice("sort", &["desc", "asc"])? == "desc" {
        notes.reverse();
    }
    let notes: Vec<_> = notes
        .into_iter()
        .map(|note| world.shown_note(note))
        .collect();
    call.page(&world.url, &notes)
}

fn create(world: &mut World, call: &Call, user: &User, iid: u64) -> Result<Answer, Answer> {
    call.only(&[
        "body",
        "created_at",
        "internal",
        "merge_request_diff_head_sha",
    ])?;
    access::write(world, user, Role::Reporter)?;
    let (body, closes) = acted_upon(&checked(&call.required("body")?)?);
    if closes && let Some(found) = world.merge_request_mut(iid) {
        found.state = "closed".into();
    }
    if body.is_empty() {
        let summary = ["Closed this merge request."];
        return Ok(Answer::new(
            202,
            json!({ "commands_changes": {}, "summary": summary }),
        ));
    }
    let note = world.add_note(iid, user.id, &body);
    Ok(Answer::new(201, world.shown_note(&note)))
}

fn update(world: &mut World, call: &Call, user: &User, at: usize) -> Result<Answer, Answer> {
    call.only(&["body"])?;
    may_change(world, user, at)?;
    let body = call.required("body")?;
    if body.trim().is_empty() {
        return Err(Answer::error("body is empty"));
    }
    let (body, _) = acted_upon(&checked(&body)?);
    let now = world.now();
    let note = &mut world.notes[at];
    (note.body, note.updated_at) = (body, now);
    Ok(Answer::new(200, world.shown_note(&world.notes[at])))
}

/// One's own notes, and for a Maintainer all.
fn may_change(world: &World, user: &User, at: usize) -> Result<(), Answer> {
    access::write(world, user, Role::Reporter)?;
    if world.notes[at].author != user.id && user.role < Role::Maintainer {
        return Err(Answer::forbidden());
    }
    Ok(())
}

fn checked(body: &str) -> Result<String, Answer> {
    let refused = |why: String| {
        let message = format!("400 Bad request - Note {{:note=>[\"{why}\"]}}");
        Err(Answer::message(400, message))
    };
    if body.trim().is_empty() {
        return refused("can't be blank".into());
    }
    let count = body.chars().count();
    if count > LONGEST {
        return refused(format!(
            "is too long ({count} characters). The maximum is {LONGEST} characters."
        ));
    }
    Ok(body.to_owned())
}

/// Lines outside of code that are the quick action `/close` are carried out and
/// dropped; what is left loses white space at its end.
fn acted_upon(body: &str) -> (String, bool) {
    let (mut code, mut closes, mut kept) = (false, false, Vec::new());
    for line in body.split('\n') {
        if line.starts_with("```") {
            code = !code;
        }
        if !code && line.trim() == "/close" {
            closes = true;
        } else {
            kept.push(line);
        }
    }
    (kept.join("\n").trim_end().to_owned(), closes)
}
