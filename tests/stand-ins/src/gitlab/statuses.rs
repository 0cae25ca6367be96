//! Statuses of commits: <https://docs.gitlab.com/api/commits/#commit-status>

use serde_json::json;

use super::access;
use super::call::{Answer, Call};
use super::world::{Role, Status, User, World};

pub fn set(world: &mut World, call: &Call, user: &User, sha: &str) -> Result<Answer, Answer> {
    call.only(&[
        "state",
        "ref",
        "name",
        "context",
        "target_url",
        "description",
        "coverage",
        "pipeline_id",
    ])?;
    access::write(world, user, Role::Developer)?;
    call.required("state")?;
    let states = [
        "pending", "running", "success", "failed", "canceled", "skipped",
    ];
    let state = call.choice("state", &states)?;
    if !world.has_commit(sha) {
        return Err(Answer::message(404, "404 Commit Not Found"));
    }
    let target_url = call.text("target_url")?;
    if target_url
        .as_ref()
        .is_some_and(|url| !url.starts_with("http"))
    {
        let why = json!({ "target_url": ["is blocked: Only allowed schemes are http, https"] });
        return Err(Answer::message(400, why));
    }
    let name = call.text("name")?.or(call.text("context")?);
    let name = name.unwrap_or_else(|| "default".into());
    let git_ref = call.text("ref")?.unwrap_or_else(|| "main".into());
    let description = call.text("description")?;

    // One that is over is not moved: there will be a new one.
    let active = world.statuses.iter().rposition(|one| {
        let same = one.sha == sha && one.name == name && one.git_ref == git_ref;
        same && ["pending", "running"].contains(&one.state.as_str())
    });
    if let Some(at) = active {
        let from = world.statuses[at].state.clone();
        refuse_transition(&from, &state)?;
        let status = &mut world.statuses[at];
        status.state = state;
        status.target_url = target_url.or(status.target_url.take());
        status.description = description.or(status.description.take());
        return Ok(Answer::new(201, world.shown_status(&world.statuses[at])));
    }
    let created_at = world.now();
    let status = Status {
        id: world.new_id(),
        sha: sha.to_owned(),
        git_ref,
        name,
        state,
        target_url,
        description,
        author: user.id,
        created_at,
    };
    world.statuses.push(status.clone());
    Ok(Answer::new(201, world.shown_status(&status)))
}

fn refuse_transition(from: &str, to: &str) -> Result<(), Answer> {
    let event = match to {
        "pending" => "enqueue",
        "running" if from == "running" => "run",
        _ => return Ok(()),
    };
    Err(Answer::message(
        400,
        format!(
            "Cannot transition status via :{event} from :{from} (Reason(s): Status cannot transition via \"{event}\")"
        ),
    ))
}

pub fn list(world: &World, call: &Call, sha: &str) -> Result<Answer, Answer> {
    call.only(&[
        "ref",
        "stage",
        "name",
        "pipeline_id",
        "order_by",
        "sort",
        "all",
        "page",
        "per_page",
    ])?;
    if !world.has_commit(sha) {
        return Err(Answer::message(404, "404 Commit Not Found"));
    }
    let (name, git_ref) = (call.text("name")?, call.text("ref")?);
    let all = call.boolean("all")?.unwrap_or_default();
    let mut found: Vec<&Status> = world.statuses.iter().collect();
    found.retain(|one| {
        one.sha == sha
            && name.as_ref().is_none_or(|name| *name == one.name)
            && git_ref
                .as_ref()
                .is_none_or(|git_ref| *git_ref == one.git_ref)
    });
    let latest = |one: &&Status| {
        let newer = |other: &&Status| {
            other.id > one.id && other.name == one.name && other.git_ref == one.git_ref
        };
        all || !found.iter().any(newer)
    };
    let shown: Vec<_> = found.iter().copied().filter(latest).collect();
    let shown: Vec<_> = shown
        .into_iter()
        .map(|one| world.shown_status(one))
        .collect();
    call.page(&world.url, &shown)
}
