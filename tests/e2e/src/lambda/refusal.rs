//! Errors as AWS writes them, for whoever stands before it.

use serde_json::json;
use stand_ins::Fault;

const CODE: &str = "x-amzn-errortype";

/// The role may not do it.
pub fn denied(method: &str, path: &str) -> Fault {
    let body = json!({ "Message": "not authorized to perform this" });
    Fault::answer(method, path, 403, &body.to_string()).header(CODE, "AccessDeniedException")
}

/// Something else is under way.
pub fn conflict(method: &str, path: &str) -> Fault {
    let body = json!({ "Message": "An update is in progress" });
    Fault::answer(method, path, 409, &body.to_string()).header(CODE, "ResourceConflictException")
}
