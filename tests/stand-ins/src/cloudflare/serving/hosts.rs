//! Which version a host name leads to.
//!
//! `<worker>.<subdomain>.workers.dev` is what is deployed, `<prefix>-<worker>.…`
//! a version by the first eight digits of its identifier or by its alias. Each
//! may be followed by `.localhost`, which resolves to this machine.

use std::sync::Arc;

use axum::http::HeaderMap;
use uuid::Uuid;

use crate::cloudflare::state::{State, Version, Worker};

/// The label before the account's domain, if the host is below it.
pub fn label<'a>(host: &'a str, domain: &str) -> Option<&'a str> {
    let host = host.strip_suffix(".localhost").unwrap_or(host);
    host.strip_suffix(domain)?
        .strip_suffix('.')
        .filter(|label| !label.is_empty())
}

pub fn version(state: &mut State, label: &str, headers: &HeaderMap) -> Option<Arc<Version>> {
    if let Some(worker) = state
        .workers
        .get_mut(label)
        .filter(|worker| worker.subdomain.enabled)
    {
        return deployed(worker, headers);
    }
    state
        .workers
        .values()
        .filter(|worker| worker.subdomain.previews_enabled)
        .find_map(|worker| {
            let prefix = label.strip_suffix(&worker.name)?.strip_suffix('-')?;
            preview(worker, prefix)
        })
}

fn preview(worker: &Worker, prefix: &str) -> Option<Arc<Version>> {
    if let Some(id) = worker.aliases.get(prefix) {
        return worker.version(*id).cloned();
    }
    let mut versions = worker.versions.iter();
    versions
        .find(|version| prefix.len() == 8 && version.id.to_string().starts_with(prefix))
        .cloned()
}

/// One of the deployed versions: the one that the request asks for, else each
/// in its share of any hundred requests in a row. The real one draws lots; here
/// a test can count.
fn deployed(worker: &mut Worker, headers: &HeaderMap) -> Option<Arc<Version>> {
    let shares = worker.live()?.versions.clone();
    let asked =
        wanted(headers, &worker.name).filter(|id| shares.iter().any(|(share, _)| share == id));
    if let Some(id) = asked {
        return worker.version(id).cloned();
    }
    let (first, percentage) = *shares.first()?;
    let count = worker.visits as f64;
    worker.visits += 1;
    let whole = |visits: f64| (visits * percentage / 100.0).floor();
    let id = match shares.get(1) {
        Some((second, _)) if whole(count + 1.0) == whole(count) => *second,
        _ => first,
    };
    worker.version(id).cloned()
}

/// `Cloudflare-Workers-Version-Overrides: site="<version id>"`
fn wanted(headers: &HeaderMap, worker: &str) -> Option<Uuid> {
    let overrides = headers
        .get("cloudflare-workers-version-overrides")?
        .to_str()
        .ok()?;
    overrides.split(',').find_map(|pair| {
        let (name, id) = pair.trim().split_once('=')?;
        let id = id.trim_matches('"');
        (name == worker).then(|| Uuid::parse_str(id).ok())?
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_is_found_with_and_without_localhost() {
        let domain = "me.workers.dev";
        assert_eq!(label("site.me.workers.dev", domain), Some("site"));
        assert_eq!(
            label("mr-1-site.me.workers.dev.localhost", domain),
            Some("mr-1-site")
        );
        assert_eq!(label("me.workers.dev", domain), None);
        assert_eq!(label("127.0.0.1", domain), None);
    }
}
