//! What single values must look like. An error says what is expected and
//! never repeats the value of a secret.

/// Providers of secrets that engines know, as the schemes of their URIs.
pub const PROVIDERS: [&str; 9] = [
    "env",
    "file",
    "cmd",
    "op",
    "vault",
    "libsecret",
    "gcp",
    "aws+sm",
    "aws+ps",
];

/// Any text without line breaks.
pub fn line(text: &str) -> Result<String, String> {
    if text.is_empty() || text.contains(['\n', '\r', '\0']) {
        return Err("expected one line of text".into());
    }
    Ok(text.to_owned())
}

/// An identifier that others assign: letters, digits, `-` and `_`.
pub fn id(text: &str) -> Result<String, String> {
    let ok = |c: char| c.is_ascii_alphanumeric() || "-_".contains(c);
    match !text.is_empty() && text.len() <= 64 && text.chars().all(ok) {
        true => Ok(text.to_owned()),
        false => Err("expected letters, digits, `-` and `_`, at most 64".into()),
    }
}

/// A number, or a path such as `group/project`.
pub fn project_id(text: &str) -> Result<String, String> {
    let numeric = !text.is_empty() && text.chars().all(|c| c.is_ascii_digit());
    let segment = |part: &str| {
        !part.is_empty()
            && part
                .chars()
                .all(|c| c.is_alphanumeric() || "-_.".contains(c))
    };
    let path = text.contains('/') && text.split('/').all(segment);
    match numeric || path {
        true => Ok(text.to_owned()),
        false => Err("expected a number or `group/project`".into()),
    }
}

/// `eu-west-1`, `us-gov-east-1`.
pub fn region(text: &str) -> Result<String, String> {
    let parts: Vec<&str> = text.split('-').collect();
    let word = |part: &&str| !part.is_empty() && part.chars().all(|c| c.is_ascii_lowercase());
    let ok = match parts.as_slice() {
        [names @ .., number] if names.len() >= 2 => {
            names.iter().all(word)
                && number.len() == 1
                && number.chars().all(|c| c.is_ascii_digit())
        }
        _ => false,
    };
    match ok {
        true => Ok(text.to_owned()),
        false => Err(format!(
            "`{text}` is no AWS region: expected the like of `eu-west-1`"
        )),
    }
}

/// An `http` or `https` address, without a slash at its end.
pub fn url(text: &str) -> Result<String, String> {
    let rest = text
        .strip_prefix("https://")
        .or_else(|| text.strip_prefix("http://"))
        .ok_or("expected an address that starts with https:// or http://")?;
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    if host.contains('@') {
        return Err("an address must not hold a user name or password: use `secrets`".into());
    }
    if host.is_empty() || text.contains(char::is_whitespace) {
        return Err("expected an address such as https://example.com".into());
    }
    Ok(text.trim_end_matches('/').to_owned())
}

/// An address in which `{iid}` stands for the number of a merge request.
pub fn url_of_environment(text: &str, merge_requests: bool) -> Result<String, String> {
    let url = url(text)?;
    let rest = url.replace("{iid}", "0");
    if rest.contains(['{', '}']) {
        return Err("only `{iid}` can be filled in".into());
    }
    if rest != url && !merge_requests {
        return Err("`{iid}` needs `merge-requests: true` in the same environment".into());
    }
    Ok(url)
}

/// The name of an environment as GitLab accepts it.
pub fn environment_name(text: &str) -> Result<String, String> {
    let ok = |c: char| c.is_ascii_alphanumeric() || "-_./ ".contains(c);
    let edge = text.starts_with(['/', ' ']) || text.ends_with(['/', ' ']);
    match !text.is_empty() && text.len() <= 255 && !edge && text.chars().all(ok) {
        true => Ok(text.to_owned()),
        false => Err(
            "expected letters, digits, `-`, `_`, `.`, `/` and spaces, no `/` or space at an end"
                .into(),
        ),
    }
}

/// The name of an environment variable.
pub fn variable_name(text: &str) -> Result<String, String> {
    let start = text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    match start && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
        true => Ok(text.to_owned()),
        false => Err("expected a variable's name: letters, digits and `_`, no digit first".into()),
    }
}

/// Where a secret is, as a URI. `env:NAME` is taken for `env://NAME`.
pub fn secret_uri(text: &str) -> Result<String, String> {
    let (scheme, rest) = text.split_once(':').unwrap_or(("", text));
    let rest = match rest.strip_prefix("//") {
        Some(rest) => rest,
        None if ["env", "file", "cmd"].contains(&scheme) => rest,
        None => return Err(plaintext()),
    };
    // Any other scheme is more likely a password within an address than a
    // provider, so its text stays out of the message.
    if !PROVIDERS.contains(&scheme) {
        return Err(plaintext());
    }
    if rest.is_empty() {
        return Err(format!("`{scheme}://` names no secret"));
    }
    Ok(format!("{scheme}://{rest}"))
}

fn plaintext() -> String {
    let schemes = PROVIDERS.map(|p| format!("{p}://")).join(", ");
    format!(
        "this looks like a plaintext (not shown): write where the secret is, as one of {schemes}"
    )
}

/// The name of a Lambda function, or its ARN.
pub fn lambda_function(text: &str) -> Result<String, String> {
    let name = text.rsplit(':').next().unwrap_or_default();
    let arn = text.starts_with("arn:") && text.matches(':').count() == 6;
    match (arn || !text.contains(':')) && id(name).is_ok() {
        true => Ok(text.to_owned()),
        false => Err(
            "expected a function's name (letters, digits, `-`, `_`, at most 64) or its ARN".into(),
        ),
    }
}

/// A Lambda alias: not a number, which would be a version.
pub fn lambda_alias(text: &str) -> Result<String, String> {
    match id(text).is_ok() && !text.chars().all(|c| c.is_ascii_digit()) {
        true => Ok(text.to_owned()),
        false => Err("expected letters, digits, `-` and `_`, not only digits".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_addresses() {
        for (text, uri) in [
            ("env://TOKEN", "env://TOKEN"),
            ("env:TOKEN", "env://TOKEN"),
            ("cmd://pass show site", "cmd://pass show site"),
            ("op://vault/item/field", "op://vault/item/field"),
            (
                "vault://kv/site.token?ttl=1h",
                "vault://kv/site.token?ttl=1h",
            ),
            ("aws+sm://prod/site", "aws+sm://prod/site"),
        ] {
            assert_eq!(secret_uri(text).as_deref(), Ok(uri));
        }
    }

    #[test]
    fn a_plaintext_secret_is_refused_without_showing_it() {
        for text in [
            "hunter2",
            "postgres://app:hunter2@db/app",
            "token:hunter2",
            "op:hunter2",
            "",
        ] {
            let error = secret_uri(text).unwrap_err();
            assert!(error.contains("plaintext"), "{error}");
            assert!(!error.contains("hunter2"), "{error}");
        }
        assert!(
            secret_uri("env://")
                .unwrap_err()
                .contains("names no secret")
        );
    }

    #[test]
    fn addresses_are_http_and_hold_no_password() {
        assert_eq!(
            url("https://gitlab.com/").as_deref(),
            Ok("https://gitlab.com")
        );
        assert_eq!(
            url("http://127.0.0.1:8080/git").as_deref(),
            Ok("http://127.0.0.1:8080/git")
        );
        for bad in [
            "gitlab.com",
            "ftp://x",
            "https://",
            "https:///x",
            "https://a b",
        ] {
            assert!(url(bad).is_err(), "{bad}");
        }
        let error = url("https://me:hunter2@gitlab.com").unwrap_err();
        assert!(
            error.contains("password") && !error.contains("hunter2"),
            "{error}"
        );
    }

    #[test]
    fn only_environments_of_merge_requests_have_an_iid() {
        assert!(url_of_environment("https://mr-{iid}.example.com", true).is_ok());
        assert!(url_of_environment("https://mr-{iid}.example.com", false).is_err());
        assert!(url_of_environment("https://{branch}.example.com", true).is_err());
    }

    #[test]
    fn regions_projects_and_lambda_names_have_their_shapes() {
        for ok in ["eu-west-1", "us-gov-east-1", "ap-southeast-3"] {
            assert!(region(ok).is_ok(), "{ok}");
        }
        for bad in [
            "eu-west",
            "EU-WEST-1",
            "eu_west_1",
            "frankfurt",
            "eu-west-1a",
        ] {
            assert!(region(bad).is_err(), "{bad}");
        }
        for ok in ["42", "group/project", "a/b/c.d"] {
            assert!(project_id(ok).is_ok(), "{ok}");
        }
        for bad in ["", "project", "/x", "a//b", "4 2"] {
            assert!(project_id(bad).is_err(), "{bad}");
        }
        assert!(lambda_function("arn:aws:lambda:eu-west-1:123456789012:function:site").is_ok());
        assert!(lambda_function("site:live").is_err());
        assert!(lambda_alias("7").is_err());
        assert!(lambda_alias("live").is_ok());
    }
}
