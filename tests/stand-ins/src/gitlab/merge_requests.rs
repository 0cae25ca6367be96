//! Merge requests of the project, and the project.

use serde_json::json;

use super::call::{Answer, Call};
use super::world::World;
use super::{PROJECT, PROJECT_PATH};

pub fn project(world: &World, call: &Call) -> Result<Answer, Answer> {
    call.only(&["statistics", "license", "with_custom_attributes"])?;
    Ok(Answer::new(
        200,
        json!({
            "id": PROJECT,
            "name": "site",
            "path_with_namespace": PROJECT_PATH,
            "default_branch": "main",
            "visibility": "private",
            "archived": world.archived,
            "web_url": format!("{}/{PROJECT_PATH}", world.url),
        }),
    ))
}

/// <https://docs.gitlab.com/api/merge_requests/#list-project-merge-requests>
pub fn list(world: &World, call: &Call) -> Result<Answer, Answer> {
    call.only(&[
        "state", "order_by", "sort", "view", "scope", "iids", "page", "per_page",
    ])?;
    let state = call.choice("state", &["all", "opened", "closed", "locked", "merged"])?;
    call.choice("order_by", &["created_at", "updated_at", "title"])?;
    call.choice("view", &["", "simple"])?;
    let mut found: Vec<_> = world.merge_requests.iter().collect();
    found.retain(|one| state == "all" || one.state == state);
    if call.choice("sort", &["desc", "asc"])? == "desc" {
        found.reverse();
    }
    let found: Vec<_> = found
        .into_iter()
        .map(|one| world.shown_merge_request(one))
        .collect();
    call.page(&world.url, &found)
}

pub fn show(world: &World, call: &Call, iid: &str) -> Result<Answer, Answer> {
    call.only(&[
        "include_diverged_commits_count",
        "include_rebase_in_progress",
        "render_html",
    ])?;
    let iid: u64 = iid
        .parse()
        .map_err(|_| Answer::error("merge_request_iid is invalid"))?;
    let found = world.merge_requests.iter().find(|one| one.iid == iid);
    let found = found.ok_or_else(Answer::not_found)?;
    Ok(Answer::new(200, world.shown_merge_request(found)))
}
