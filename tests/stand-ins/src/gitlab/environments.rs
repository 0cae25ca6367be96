//! Environments: <https://docs.gitlab.com/api/environments/>

use super::access;
use super::call::{Answer, Call};
use super::world::{Environment, Role, User, World};

pub fn answer(
    world: &mut World,
    call: &Call,
    user: &User,
    rest: &[&str],
) -> Result<Answer, Answer> {
    match (call.method(), rest) {
        ("GET", []) => {
            call.only(&["name", "search", "states", "page", "per_page"])?;
            let name = call.text("name")?;
            let found = world.environments.iter();
            let found = found.filter(|one| name.as_ref().is_none_or(|name| *name == one.name));
            let found: Vec<_> = found.map(World::shown_environment).collect();
            call.page(&world.url, &found)
        }
        (method, [id]) => {
            let id: u64 = id
                .parse()
                .map_err(|_| Answer::error("environment_id is invalid"))?;
            let at = world.environments.iter().position(|one| one.id == id);
            let at = at.ok_or_else(Answer::not_found)?;
            match method {
                "GET" => {}
                "PUT" => {
                    call.only(&["name", "external_url", "tier"])?;
                    access::write(world, user, Role::Developer)?;
                    let url = call.text("external_url")?;
                    world.environments[at].external_url = url;
                }
                _ => return Err(Answer::message(405, "405 Method Not Allowed")),
            }
            Ok(Answer::new(
                200,
                World::shown_environment(&world.environments[at]),
            ))
        }
        _ => Err(Answer::not_found()),
    }
}

/// The environment of a name; it is made when there is none.
pub fn named(world: &mut World, name: &str) -> u64 {
    if let Some(found) = world.environments.iter().find(|one| one.name == name) {
        return found.id;
    }
    let id = world.new_id();
    world.environments.push(Environment {
        id,
        name: name.to_owned(),
        external_url: None,
    });
    id
}
