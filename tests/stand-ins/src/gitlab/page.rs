//! A merge request as a browser sees it: its notes, each at its address.

use std::fmt::Write as _;

use super::PROJECT_PATH;
use super::call::Answer;
use super::world::World;

/// The Markdown of the notes, as it is.
pub fn merge_request(world: &World, project: &str, iid: &str) -> Result<Answer, Answer> {
    let found = world.merge_requests.iter();
    let mut found = found.filter(|one| one.iid.to_string() == iid);
    let found = found.next().filter(|_| project == PROJECT_PATH);
    let found = found.ok_or_else(Answer::not_found)?;
    let mut page = format!(
        "<!doctype html><meta charset=utf-8><title>!{iid} · {project}</title>\n<h1>!{iid} ({})</h1>\n",
        found.state
    );
    for note in world.notes.iter().filter(|note| note.iid == found.iid) {
        let author = world
            .user(note.author)
            .map_or("ghost", |user| &user.username);
        let body = note.body.replace('&', "&amp;").replace('<', "&lt;");
        let _ = writeln!(
            page,
            "<article id=\"note_{}\"><h2>@{author}</h2><pre>{body}</pre></article>",
            note.id
        );
    }
    Ok(Answer::html(page))
}
