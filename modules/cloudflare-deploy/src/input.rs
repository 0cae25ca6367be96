//! Checks of what the user passes, before anything outside is touched.

use poniard_sdk::prelude::*;

/// A DNS label holds no more, and `<alias>-<worker>` is one.
const LABEL: usize = 63;

/// What `$CI_JOB_TOKEN` begins with.
const JOB_TOKEN: &str = "glcbt-";

/// The secret as a header can hold it: a file often ends in a line break.
pub async fn token(secret: Secret, name: &str) -> Result<Secret> {
    let text = secret
        .plaintext()
        .await
        .wrap_err_with(|| format!("cannot read `{name}`"))?;
    let trimmed = text.trim();
    ensure!(!trimmed.is_empty(), "`{name}` is empty");
    ensure!(
        trimmed.chars().all(|c| c.is_ascii_graphic()),
        "`{name}` is no token: it has spaces, line breaks or other characters that no header can hold"
    );
    ensure!(
        !trimmed.starts_with(JOB_TOKEN),
        "`{name}` is the token of a GitLab job, which may not write notes: pass an access token with the scope `api`"
    );
    match trimmed == text {
        true => Ok(secret),
        false => Ok(dag().set_secret(format!("cloudflare-deploy-{name}"), trimmed)),
    }
}

pub fn merge_request(id: &str) -> Result<String> {
    let id = id.trim().trim_start_matches('!');
    let number = id.parse::<u64>().ok().filter(|number| *number > 0);
    let number = number.ok_or_else(|| {
        eyre!(
            "`{id}` is no number of a merge request: pass `$CI_MERGE_REQUEST_IID`, which only pipelines of merge requests have"
        )
    })?;
    Ok(number.to_string())
}

pub fn alias(alias: &str, worker: &str) -> Result<()> {
    let inner = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let valid = alias.starts_with(|c: char| c.is_ascii_lowercase())
        && !alias.ends_with('-')
        && alias.chars().all(inner);
    ensure!(
        valid,
        "alias `{alias}` must start with a lower-case letter, have lower-case letters, digits and `-` only, and not end with `-`"
    );
    let label = alias.len() + 1 + worker.len();
    ensure!(
        label <= LABEL,
        "alias `{alias}` and worker `{worker}` make the name `{alias}-{worker}` of {label} characters, {LABEL} are allowed: pass a shorter `--alias`"
    );
    Ok(())
}

/// `NAME=value` as Wrangler takes it: `NAME:value`.
pub fn variable(text: &str) -> Result<String> {
    let (name, value) = text
        .find(['=', ':'])
        .map(|at| (&text[..at], &text[at + 1..]))
        .ok_or_else(|| eyre!("variable `{text}` must be `NAME=value`"))?;
    let valid = |c: char| c.is_ascii_alphanumeric() || c == '_';
    ensure!(
        !name.is_empty()
            && !name.starts_with(|c: char| c.is_ascii_digit())
            && name.chars().all(valid),
        "variable `{name}` must have letters, digits and `_` only, and not start with a digit"
    );
    Ok(format!("{name}:{value}"))
}

/// An exact version: `4` would be whatever was the newest when it was cached.
pub fn wrangler_version(version: &str) -> Result<()> {
    let (numbers, _) = version.split_once('-').unwrap_or((version, ""));
    let parts: Vec<_> = numbers.split('.').collect();
    let number = |part: &&str| !part.is_empty() && part.chars().all(|c| c.is_ascii_digit());
    let plain = |c: char| c.is_ascii_alphanumeric() || ".-".contains(c);
    ensure!(
        parts.len() == 3 && parts.iter().all(number) && version.chars().all(plain),
        "Wrangler version `{version}` must be exact, such as `{}`",
        crate::wrangler::VERSION
    );
    Ok(())
}

pub fn api_url(url: &str) -> Result<String> {
    let rest = url
        .strip_prefix("https://")
        .or_else(|| url.strip_prefix("http://"));
    let host = rest
        .and_then(|rest| rest.split('/').next())
        .unwrap_or_default();
    ensure!(
        !host.is_empty() && !host.contains('@') && !url.contains(['?', '#', ' ']),
        "API address `{}` must be like `https://api.cloudflare.com/client/v4`, without credentials",
        url.rsplit_once('@').map_or(url, |(_, end)| end)
    );
    Ok(url.trim_end_matches('/').to_owned())
}

pub fn account_id(id: &str) -> Result<&str> {
    let id = id.trim();
    ensure!(
        !id.is_empty()
            && id
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || "-_".contains(c)),
        "`{id}` is no id of a Cloudflare account: it is on the overview page of every Worker, 32 hexadecimal digits"
    );
    Ok(id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_alias_and_the_worker_fit_into_one_label() {
        assert!(alias("mr-7", &"w".repeat(58)).is_ok());
        let error = alias("mr-7", &"w".repeat(59)).unwrap_err().to_string();
        assert!(
            error.contains("64 characters") && error.contains("--alias"),
            "{error}"
        );
        for bad in ["", "7", "-a", "a-", "A", "a_b", "a.b", "mr-7 "] {
            assert!(alias(bad, "site").is_err(), "{bad}");
        }
    }

    #[test]
    fn a_merge_request_is_a_number() {
        assert_eq!(merge_request(" !42\n").unwrap(), "42");
        for bad in ["", "0", "-1", "main", "$CI_MERGE_REQUEST_IID", "1;2"] {
            let error = merge_request(bad).unwrap_err().to_string();
            assert!(error.contains("CI_MERGE_REQUEST_IID"), "{error}");
        }
    }

    #[test]
    fn variables_are_given_as_everywhere_and_handed_on_as_wrangler_takes_them() {
        assert_eq!(
            variable("URL=https://a.b/?c=d").unwrap(),
            "URL:https://a.b/?c=d"
        );
        assert_eq!(variable("A:b=c").unwrap(), "A:b=c");
        assert_eq!(variable("EMPTY=").unwrap(), "EMPTY:");
        for bad in ["", "A", "=b", "A B=c", "1A=b", "--x=y"] {
            assert!(variable(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn the_version_of_wrangler_is_exact() {
        assert!(wrangler_version("4.164.0").is_ok());
        assert!(wrangler_version("5.0.0-beta.1").is_ok());
        for bad in ["4", "latest", "^4.1.0", "4.1", "4.1.0 --x", "", "4.1.x"] {
            assert!(wrangler_version(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn an_address_with_credentials_is_refused_without_showing_them() {
        assert_eq!(
            api_url("http://a:1/client/v4/").unwrap(),
            "http://a:1/client/v4"
        );
        let error = api_url("https://user:hunter2@a/").unwrap_err().to_string();
        assert!(!error.contains("hunter2"), "{error}");
        for bad in ["", "a.b", "ftp://a", "https://", "https://a?b"] {
            assert!(api_url(bad).is_err(), "{bad}");
        }
    }
}
