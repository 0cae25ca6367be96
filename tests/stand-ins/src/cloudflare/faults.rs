//! What goes wrong with the real API, in its words.

use crate::Fault;

fn body(code: u32, message: &str) -> String {
    format!(
        r#"{{"success":false,"errors":[{{"code":{code},"message":"{message}"}}],"messages":[],"result":null}}"#
    )
}

/// Status 429 with `Retry-After`, code 971.
pub fn too_many(method: &str, path: &str, retry_after: u64) -> Fault {
    let body = body(
        971,
        "Please wait and consider throttling your request speed",
    );
    Fault::answer(method, path, 429, &body).header("retry-after", &retry_after.to_string())
}

/// Status 500, code 10013.
pub fn unknown_error(method: &str, path: &str) -> Fault {
    let body = body(
        10013,
        "An unknown error has occurred. If this error persists, please file a report in workers-sdk (https://github.com/cloudflare/workers-sdk/issues) or reach out to your account team.",
    );
    Fault::answer(method, path, 500, &body)
}

/// Status 502 with a page of HTML, as from the edge in front of the API.
pub fn bad_gateway(method: &str, path: &str) -> Fault {
    let page = "<html><head><title>502 Bad Gateway</title></head><body>cloudflare</body></html>";
    Fault::answer(method, path, 502, page).header("content-type", "text/html")
}
