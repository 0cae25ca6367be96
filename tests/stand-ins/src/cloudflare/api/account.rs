//! The user, its accounts, and what Wrangler asks of them.

use axum::extract::{Query, State};
use serde_json::{Value, json};

use crate::cloudflare::Shared;
use crate::cloudflare::answer::{Answer, Page, ok, page_of};

pub async fn verify() -> Answer {
    ok(json!({ "id": "ed17574386854bf78a67040be0a770b0", "status": "active" }))
}

pub async fn user(State(shared): State<Shared>) -> Answer {
    ok(json!({
        "id": "7c5dae5552338874e5053f2534d2767a",
        "email": shared.settings.email,
        "suspended": false,
    }))
}

fn account(shared: &Shared) -> Value {
    json!({
        "id": shared.settings.account_id,
        "name": shared.settings.account_name,
        "type": "standard",
    })
}

pub async fn get(State(shared): State<Shared>) -> Answer {
    ok(account(&shared))
}

pub async fn list(State(shared): State<Shared>, Query(page): Query<Page>) -> Answer {
    let (items, info) = page.cut(&[account(&shared)], 20, 50)?;
    page_of(items, info)
}

pub async fn memberships(State(shared): State<Shared>, Query(page): Query<Page>) -> Answer {
    let membership = json!({
        "id": "4536bcfad5faccb111b47003c79917fa",
        "status": "accepted",
        "account": account(&shared),
        "roles": ["Administrator"],
    });
    let (items, info) = page.cut(&[membership], 20, 50)?;
    page_of(items, info)
}

/// Of KV and of durable objects. There are none; Wrangler looks for those of a
/// worker that it deletes.
pub async fn namespaces(Query(page): Query<Page>) -> Answer {
    let (items, info) = page.cut::<Value>(&[], 20, 1000)?;
    page_of(items, info)
}
