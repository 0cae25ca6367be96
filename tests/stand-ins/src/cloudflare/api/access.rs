//! Who asks, and for which account.

use axum::extract::{Request, State};
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::Response;

use crate::cloudflare::answer::Refusal;
use crate::cloudflare::{Shared, names};

pub async fn check(
    State(shared): State<Shared>,
    request: Request,
    next: Next,
) -> Result<Response, Refusal> {
    let path = request.uri().path().to_owned();
    let token = bearer(request.headers())?;
    let account = path
        .strip_prefix("/accounts/")
        .map(|rest| rest.split('/').next().unwrap_or_default());

    // Files come with the token of their upload session, which is checked there.
    if path.ends_with("/workers/assets/upload") {
        return Ok(next.run(request).await);
    }
    let access = shared.settings.access(token);
    match (account, access) {
        (Some(_), Access::None) => return Err(Refusal::authentication()),
        (None, Access::None) if path == "/user/tokens/verify" => {
            return Err(Refusal::not_verified());
        }
        (None, Access::None) => return Err(Refusal::invalid_token()),
        (Some(id), _) if !names::is_account(id) => {
            return Err(Refusal::new(
                StatusCode::NOT_FOUND,
                7003,
                format!(
                    "Could not route to /client/v4{path}, perhaps your object identifier is invalid?"
                ),
            ));
        }
        (Some(id), _) if id != shared.settings.account_id => return Err(Refusal::authentication()),
        (Some(_), Access::Read) if request.method() != Method::GET => {
            return Err(Refusal::authentication());
        }
        _ => {}
    }
    Ok(next.run(request).await)
}

/// What a token may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    None,
    Read,
    Write,
}

pub fn bearer(headers: &HeaderMap) -> Result<&str, Refusal> {
    headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.strip_prefix("Bearer "))
        .filter(|token| !token.is_empty())
        .ok_or_else(Refusal::malformed_header)
}
