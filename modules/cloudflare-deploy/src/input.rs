//! Checks of what the user passes, before anything outside is touched.

use poniard_sdk::prelude::*;

/// A DNS label holds no more, and `<alias>-<worker>` is one.
const LABEL: usize = 63;

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
        !name.is_empty() && !name.starts_with(|c: char| c.is_ascii_digit()) && name.chars().all(valid),
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
    let host = rest.and_then(|rest| rest.split('/').next()).unwrap_or_default();
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
        !id.is_empty() && id.chars().all(|c| c.is_ascii_alphanumeric() || "-_".contains(c)),
        "`{id}` is no id of a Cloudflare account: it is on the overview page of every Worker, 32 hexadecimal digits"
    );
    Ok(id)
}
