//! Who asks, and what they may do.

use serde_json::json;

use super::call::{Answer, Call};
use super::world::{Role, Scope, User, World};
use super::{PROJECT, PROJECT_PATH};

/// The user of the token: `PRIVATE-TOKEN`, `Authorization: Bearer` or, where
/// GitLab lets jobs ask, `JOB-TOKEN`.
pub fn user(world: &World, call: &Call) -> Result<User, Answer> {
    let unauthorized = || Answer::message(401, "401 Unauthorized");
    let bearer = call.header("authorization");
    let bearer = bearer.and_then(|value| value.strip_prefix("Bearer "));
    let (token, of_job) = match (
        call.header("private-token").or(bearer),
        call.header("job-token"),
    ) {
        (Some(token), None) => (token, false),
        (None, Some(token)) => (token, true),
        _ => return Err(unauthorized()),
    };
    let (user, scope) = world.token(token).ok_or_else(unauthorized)?;
    if of_job != (scope == Scope::Job) || (of_job && !open_to_jobs(call)) {
        return Err(unauthorized());
    }
    let reads = call.method() == "GET";
    match scope {
        Scope::Expired => Err(Answer::new(
            401,
            json!({
                "error": "invalid_token",
                "error_description": "Token is expired. You can either do re-authorization or token refresh.",
            }),
        )),
        Scope::ReadApi if reads => Ok(user),
        Scope::ReadApi | Scope::ReadRepository => Err(Answer::new(
            403,
            json!({
                "error": "insufficient_scope",
                "error_description": "The request requires higher privileges than provided by the access token.",
                "scope": if reads { "api read_api" } else { "api" },
            }),
        )),
        Scope::Api | Scope::Job => Ok(user),
    }
}

/// <https://docs.gitlab.com/ci/jobs/ci_job_token/#job-token-access>
fn open_to_jobs(call: &Call) -> bool {
    match call.segments().as_slice() {
        [
            "api",
            "v4",
            "projects",
            _,
            "deployments" | "environments",
            ..,
        ] => true,
        ["api", "v4", "projects", _, "merge_requests", ..] => call.method() == "GET",
        _ => false,
    }
}

/// A project that the user may not see is not there.
pub fn project(world: &World, user: &User, project: &str) -> Result<(), Answer> {
    let named = project == PROJECT.to_string() || project == PROJECT_PATH;
    let member = world
        .user(user.id)
        .is_some_and(|user| user.role > Role::None);
    if named && member {
        Ok(())
    } else {
        Err(Answer::message(404, "404 Project Not Found"))
    }
}

/// What writes needs a role, and a project that is not archived.
pub fn write(world: &World, user: &User, role: Role) -> Result<(), Answer> {
    if world.archived || user.role < role {
        return Err(Answer::forbidden());
    }
    Ok(())
}

pub fn show(world: &World, call: &Call, user: &User) -> Result<Answer, Answer> {
    if call.method() != "GET" {
        return Err(Answer::message(405, "405 Method Not Allowed"));
    }
    call.only(&[])?;
    let mut shown = world.shown_user(user.id);
    shown["email"] = json!(format!("{}@example.com", user.username));
    shown["bot"] = json!(true);
    Ok(Answer::new(200, shown))
}
