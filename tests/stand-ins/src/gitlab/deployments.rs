//! Deployments: <https://docs.gitlab.com/api/deployments/>

use serde_json::json;

use super::access;
use super::call::{Answer, Call};
use super::environments;
use super::world::{Deployment, Role, User, World};

const WRITTEN: [&str; 4] = ["running", "success", "failed", "canceled"];

pub fn answer(
    world: &mut World,
    call: &Call,
    user: &User,
    rest: &[&str],
) -> Result<Answer, Answer> {
    match (call.method(), rest) {
        ("GET", []) => list(world, call),
        ("POST", []) => create(world, call, user),
        (method, [id]) => {
            let id: u64 = id
                .parse()
                .map_err(|_| Answer::error("deployment_id is invalid"))?;
            let at = world.deployments.iter().position(|one| one.id == id);
            let at = at.ok_or_else(Answer::not_found)?;
            match method {
                "GET" => Ok(Answer::new(
                    200,
                    world.shown_deployment(&world.deployments[at]),
                )),
                "PUT" => update(world, call, user, at),
                _ => Err(Answer::message(405, "405 Method Not Allowed")),
            }
        }
        _ => Err(Answer::not_found()),
    }
}

fn list(world: &World, call: &Call) -> Result<Answer, Answer> {
    call.only(&[
        "order_by",
        "sort",
        "updated_after",
        "updated_before",
        "environment",
        "status",
        "page",
        "per_page",
    ])?;
    call.choice(
        "order_by",
        &["id", "iid", "created_at", "updated_at", "ref"],
    )?;
    let (environment, status) = (call.text("environment")?, call.text("status")?);
    let mut found: Vec<_> = world.deployments.iter().collect();
    found.retain(|one| {
        let name = world
            .environments
            .iter()
            .find(|of| of.id == one.environment);
        let name = name.map(|of| of.name.clone());
        (environment.is_none() || environment == name)
            && status.as_ref().is_none_or(|status| *status == one.status)
    });
    if call.choice("sort", &["asc", "desc"])? == "desc" {
        found.reverse();
    }
    let found: Vec<_> = found
        .into_iter()
        .map(|one| world.shown_deployment(one))
        .collect();
    call.page(&world.url, &found)
}

fn create(world: &mut World, call: &Call, user: &User) -> Result<Answer, Answer> {
    call.only(&["environment", "sha", "ref", "tag", "status"])?;
    access::write(world, user, Role::Developer)?;
    let (name, sha) = (call.required("environment")?, call.required("sha")?);
    let git_ref = call.required("ref")?;
    let tag = call
        .boolean("tag")?
        .ok_or_else(|| Answer::error("tag is missing"))?;
    call.required("status")?;
    let status = call.choice("status", &WRITTEN)?;
    if !world.has_commit(&sha) {
        let why = json!({ "sha": ["The commit does not exist"] });
        return Err(Answer::message(400, why));
    }
    let environment = environments::named(world, &name);
    let same = world
        .deployments
        .iter()
        .rfind(|one| one.environment == environment);
    if let Some(last) = same
        && (&last.sha, &last.git_ref, last.tag, &last.status) == (&sha, &git_ref, tag, &status)
    {
        return Ok(Answer::new(201, world.shown_deployment(last)));
    }
    let created_at = world.now();
    let deployment = Deployment {
        id: world.new_id(),
        iid: 1 + u64::try_from(world.deployments.len()).unwrap_or_default(),
        sha,
        git_ref,
        tag,
        status,
        environment,
        user: user.id,
        updated_at: created_at.clone(),
        created_at,
    };
    world.deployments.push(deployment.clone());
    Ok(Answer::new(201, world.shown_deployment(&deployment)))
}

fn update(world: &mut World, call: &Call, user: &User, at: usize) -> Result<Answer, Answer> {
    call.only(&["status"])?;
    access::write(world, user, Role::Developer)?;
    call.required("status")?;
    let status = call.choice("status", &WRITTEN)?;
    let from = &world.deployments[at].status;
    let (event, moves) = match status.as_str() {
        "running" => ("run", from == "created"),
        "success" => ("succeed", *from != status),
        "failed" => ("drop", *from != status),
        _ => ("cancel", *from != status),
    };
    if !moves {
        let why = json!({ "status": [format!("cannot transition via \"{event}\"")] });
        return Err(Answer::message(400, why));
    }
    let now = world.now();
    let deployment = &mut world.deployments[at];
    (deployment.status, deployment.updated_at) = (status, now);
    Ok(Answer::new(
        200,
        world.shown_deployment(&world.deployments[at]),
    ))
}
