//! `craft-cloud.yaml`: its schema, and what it says once it is valid.
//!
//! Keys, defaults and limits are those of Craft Cloud's documentation:
//! <https://craftcms.com/docs/cloud/config>, `/redirects`, `/static-caching`.

use poniard_sdk::prelude::*;

use crate::document::{self, Node, Value};
use crate::fields::{Fields, Report, single};
use crate::problems::Problems;
use crate::rules;

/// What a `craft-cloud.yaml` says, defaults filled in.
#[object]
#[derive(Clone, Debug, PartialEq)]
pub struct CraftCloud {
    /// Major and minor version of PHP.
    pub php_version: String,
    /// Version of Node.js; empty when there is no Node.js step.
    pub node_version: String,
    /// Directory with package.json and package-lock.json; empty for the repository's root.
    pub node_path: String,
    /// Script of package.json that builds the assets.
    pub npm_script: String,
    /// Directory with composer.json; empty for the repository's root.
    pub app_path: String,
    /// Public directory, relative to `app-path`.
    pub webroot: String,
    /// Directory of static files, relative to the repository's root.
    pub artifact_path: String,
    /// In the order of the file.
    pub redirects: Vec<Redirect>,
    /// In the order of the file.
    pub rewrites: Vec<Rewrite>,
    /// In the order of the file: the first that matches counts.
    pub cache_rules: Vec<CacheRule>,
}

/// A redirect of `craft-cloud.yaml`.
#[object]
#[derive(Clone, Debug, PartialEq)]
pub struct Redirect {
    /// What URLPattern takes: a string, or a JSON object of a URL's parts.
    pub pattern: String,
    /// Template of an address.
    pub destination: String,
    /// HTTP status: 301, 302, 303, 307 or 308.
    pub status: u16,
}

/// A rewrite of `craft-cloud.yaml`.
#[object]
#[derive(Clone, Debug, PartialEq)]
pub struct Rewrite {
    /// What URLPattern takes: a string, or a JSON object of a URL's parts.
    pub pattern: String,
    /// Template of an address.
    pub destination: String,
    /// Headers of the response, as `Name: value`.
    pub headers: Vec<String>,
}

/// A rule for the static cache of `craft-cloud.yaml`.
#[object]
#[derive(Clone, Debug, PartialEq)]
pub struct CacheRule {
    /// What URLPattern takes: a string, or a JSON object of a URL's parts.
    pub pattern: String,
    /// `include` or `exclude`; empty when the query string has no rule.
    pub query_string_mode: String,
    /// Keys of the query string that the mode is about; none when it is about all.
    pub query_string_keys: Vec<String>,
    /// Whether the mode is about all keys, by `keys: all`.
    pub all_query_string_keys: bool,
    /// Cookies that are part of the cache's key.
    pub cookies: Vec<String>,
}

/// Reads `text`; `file` is its name in messages.
pub fn parse(file: &str, text: &str) -> Result<CraftCloud, Problems> {
    let (root, mut problems) =
        document::parse(text).map_err(|problem| Problems::new(file, vec![problem]))?;
    let report = Report::default();
    let read = Fields::of(&report, "", &root).map(|root| read(&report, root));
    problems.extend(report.into_problems());
    match read.flatten() {
        Some(craft) if problems.is_empty() => Ok(craft),
        _ => Err(Problems::new(file, problems)),
    }
}

fn read(report: &Report, mut root: Fields) -> Option<CraftCloud> {
    let php_version = root.text("php-version", php_version);
    if root.node("php-version").is_none() {
        root.missing("php-version");
    }
    let node_version = root.text("node-version", node_version);
    let mut path = |key| root.text(key, path).map(|at| at.value);
    let node_path = path("node-path").unwrap_or_default();
    let app_path = path("app-path").unwrap_or_default();
    let webroot = path("webroot").unwrap_or_else(|| "web".into());
    let artifact_path = path("artifact-path").unwrap_or_else(|| join(&app_path, &webroot));
    let npm_script = root
        .text("npm-script", script)
        .map_or_else(|| "build".into(), |at| at.value);
    let redirects = rules(report, &mut root, "redirects", redirect);
    let rewrites = rules(report, &mut root, "rewrites", rewrite);
    let cache_rules = root
        .map("cache")
        .map(|mut cache| {
            let rules = rules(report, &mut cache, "rules", cache_rule);
            cache.end();
            rules
        })
        .unwrap_or_default();
    root.end();
    Some(CraftCloud {
        php_version: php_version?.value,
        node_version: node_version.map(|at| at.value).unwrap_or_default(),
        node_path,
        npm_script,
        app_path,
        webroot,
        artifact_path,
        redirects,
        rewrites,
        cache_rules,
    })
}

/// The rules of a list, each read by `read`.
fn rules<T>(
    report: &Report,
    fields: &mut Fields,
    key: &'static str,
    read: impl Fn(&Report, Fields) -> Option<T>,
) -> Vec<T> {
    let path = fields.path_of(key);
    let items = fields.items(key).iter().enumerate();
    items
        .filter_map(|(i, node)| read(report, Fields::of(report, &format!("{path}[{i}]"), node)?))
        .collect()
}

fn redirect(report: &Report, mut rule: Fields) -> Option<Redirect> {
    let pattern = pattern(report, &mut rule);
    let destination = destination_of(&mut rule);
    let status = rule.text("status", status).map_or(302, |at| at.value);
    rule.end();
    Some(Redirect {
        pattern: pattern?,
        destination: destination?,
        status,
    })
}

fn rewrite(report: &Report, mut rule: Fields) -> Option<Rewrite> {
    let pattern = pattern(report, &mut rule);
    let destination = destination_of(&mut rule);
    let headers = rule
        .map("headers")
        .map(|map| headers(report, &map))
        .unwrap_or_default();
    rule.end();
    Some(Rewrite {
        pattern: pattern?,
        destination: destination?,
        headers,
    })
}

fn cache_rule(report: &Report, mut rule: Fields) -> Option<CacheRule> {
    let pattern = pattern(report, &mut rule);
    let has_query = rule.node("query-string").is_some();
    let query_string = rule.map("query-string").and_then(|mut query| {
        let mode = query.text("mode", mode);
        let keys = query_keys(&mut query);
        for key in ["mode", "keys"] {
            if query.node(key).is_none() {
                query.missing(key);
            }
        }
        query.end();
        Some((mode?.value, keys))
    });
    let has_cookies = rule.node("cookies").is_some();
    let cookies = rule.texts("cookies", cookie);
    if !has_query && !has_cookies {
        report.note(rule.at(), "a cache rule needs `query-string` or `cookies`");
    }
    rule.end();
    let (query_string_mode, (query_string_keys, all_query_string_keys)) =
        query_string.unwrap_or_default();
    Some(CacheRule {
        pattern: pattern?,
        query_string_mode,
        query_string_keys,
        all_query_string_keys,
        cookies: cookies.into_iter().map(|cookie| cookie.value).collect(),
    })
}

/// Keys of a query string, or whether `all` are meant.
fn query_keys(query: &mut Fields) -> (Vec<String>, bool) {
    let word = query.node("keys").map(|node| &node.value);
    if let Some(Value::Text { .. }) = word {
        let all = |text: &str| match text {
            "all" => Ok(()),
            _ => Err("expected a list such as `[ page ]`, or `all`".into()),
        };
        return (Vec::new(), query.text("keys", all).is_some());
    }
    let keys = query.texts("keys", rules::line);
    (keys.into_iter().map(|key| key.value).collect(), false)
}

/// Parts of a URL that a pattern may constrain (URLPattern's dictionary).
const PARTS: [&str; 9] = [
    "protocol", "username", "password", "hostname", "port", "pathname", "search", "hash", "baseURL",
];

/// A string as it is, a mapping of a URL's parts as compact JSON.
fn pattern(report: &Report, rule: &mut Fields) -> Option<String> {
    let Some(node) = rule.node("pattern") else {
        rule.missing("pattern");
        return None;
    };
    if let Value::Text { text, .. } = &node.value {
        return Some(text.clone());
    }
    let path = rule.path_of("pattern");
    let mut parts = Fields::of(report, &path, node)?;
    let mut object = poniard_sdk::serde_json::Map::new();
    for part in PARTS {
        if let Some(text) = parts.text(part, |text| Ok(text.to_owned())) {
            object.insert(part.into(), text.value.into());
        }
    }
    if parts.entries().is_empty() {
        report.note(
            node.at,
            format!("`{path}` matches nothing in particular: name a part, such as `pathname`"),
        );
    }
    parts.end();
    Some(poniard_sdk::serde_json::Value::Object(object).to_string())
}

fn destination_of(rule: &mut Fields) -> Option<String> {
    if rule.node("destination").is_none() {
        rule.missing("destination");
    }
    rule.text("destination", destination).map(|at| at.value)
}

fn headers(report: &Report, map: &Fields) -> Vec<String> {
    let read = |(key, node): &(document::Key, Node)| {
        if !is_token(&key.name) {
            report.note(
                key.at,
                format!("`{}` is no header's name", map.path_of(&key.name)),
            );
        }
        let path = map.path_of(&key.name);
        let text = single(report, &path, node)?;
        let value = rules::line(text).map_err(|why| format!("`{path}`: {why}"));
        Some(format!("{}: {}", key.name, report.check(node.at, value)?))
    };
    map.entries().iter().filter_map(read).collect()
}

/// What HTTP allows as the name of a header or a cookie.
fn is_token(name: &str) -> bool {
    let ok = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
    !name.is_empty() && name.chars().all(ok)
}

fn cookie(name: &str) -> Result<String, String> {
    match is_token(name) {
        true => Ok(name.to_owned()),
        false => Err("expected the name of a cookie, without blanks, `=` or `;`".into()),
    }
}

fn php_version(text: &str) -> Result<String, String> {
    match version(text).as_deref() {
        Some([8, minor]) if *minor >= 1 => Ok(text.to_owned()),
        Some([major, _]) if *major > 8 => Ok(text.to_owned()),
        Some([_, _]) => Err(format!("PHP {text} is too old: at least 8.1")),
        _ => Err("expected major and minor version, such as '8.3'".into()),
    }
}

fn node_version(text: &str) -> Result<String, String> {
    match version(text).as_deref() {
        Some([major] | [major, _]) if *major >= 16 => Ok(text.to_owned()),
        Some([_] | [_, _]) => Err(format!("Node.js {text} is too old: at least 16")),
        _ => Err("expected a major version, such as '22'".into()),
    }
}

fn version(text: &str) -> Option<Vec<u32>> {
    text.split('.').map(|part| part.parse().ok()).collect()
}

/// A directory of the repository: relative, without `..`, no slash at an end.
fn path(text: &str) -> Result<String, String> {
    let inner = text.trim_end_matches('/');
    if text.starts_with('/') || inner.split('/').any(|part| part == "..") {
        return Err(
            "expected a path within the repository, without `..` or a `/` at its start".into(),
        );
    }
    let parts = inner.split('/').filter(|part| !matches!(*part, "" | "."));
    Ok(parts.collect::<Vec<_>>().join("/"))
}

fn join(parent: &str, child: &str) -> String {
    match (parent, child) {
        ("", child) => child.to_owned(),
        (parent, "") => parent.to_owned(),
        (parent, child) => format!("{parent}/{child}"),
    }
}

fn script(text: &str) -> Result<String, String> {
    let ok = |c: char| c.is_ascii_alphanumeric() || "-_:.".contains(c);
    match !text.is_empty() && text.chars().all(ok) {
        true => Ok(text.to_owned()),
        false => {
            Err("expected the name of one script of package.json; a command is not allowed".into())
        }
    }
}

fn mode(text: &str) -> Result<String, String> {
    match text {
        "include" | "exclude" => Ok(text.to_owned()),
        _ => Err("expected `include` or `exclude`".into()),
    }
}

fn status(text: &str) -> Result<u16, String> {
    match text.parse() {
        Ok(status @ (301 | 302 | 303 | 307 | 308)) => Ok(status),
        _ => Err("expected 301, 302, 303, 307 or 308".into()),
    }
}

/// What `{…}` in a destination may start with.
const VARIABLES: [&str; 5] = [
    "request",
    "matches",
    "cdnBaseUrl",
    "assetBaseUrl",
    "artifactBaseUrl",
];

fn destination(text: &str) -> Result<String, String> {
    if !["/", "{", "https://", "http://"]
        .iter()
        .any(|start| text.starts_with(start))
    {
        return Err("expected an address: `https://…`, `/…` or `{…}`".into());
    }
    let mut rest = text;
    while let Some(open) = rest.find(['{', '}']) {
        let inner = rest[open..]
            .strip_prefix('{')
            .and_then(|inner| inner.split_once('}'));
        let Some((variable, after)) = inner else {
            return Err("a `{` or `}` without its other half".into());
        };
        let root = variable.split('.').next().unwrap_or_default();
        if !VARIABLES.contains(&root) {
            return Err(format!(
                "`{{{variable}}}` is unknown: expected one of {}",
                VARIABLES.join(", ")
            ));
        }
        rest = after;
    }
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(text: &str) -> Vec<String> {
        let problems = parse("craft-cloud.yaml", text).unwrap_err().to_string();
        problems
            .lines()
            .filter(|line| !line.ends_with("`:"))
            .map(str::to_owned)
            .collect()
    }

    #[test]
    fn defaults_are_those_of_the_documentation() {
        let craft = parse("craft-cloud.yaml", "php-version: '8.2'").unwrap();
        assert_eq!(craft.node_version, "");
        assert_eq!(
            (craft.npm_script.as_str(), craft.webroot.as_str()),
            ("build", "web")
        );
        assert_eq!(
            (craft.app_path.as_str(), craft.artifact_path.as_str()),
            ("", "web")
        );
        let craft = parse(
            "craft-cloud.yaml",
            "php-version: 8.10\napp-path: ./cms/\nwebroot: public",
        )
        .unwrap();
        assert_eq!(craft.php_version, "8.10");
        assert_eq!(craft.artifact_path, "cms/public");
    }

    #[test]
    fn every_key_is_read() {
        let craft = parse(
            "craft-cloud.yaml",
            r#"
php-version: '8.3'
node-version: '22'
node-path: buildchain
npm-script: build:prod
artifact-path: cms/web/dist
app-path: cms
webroot: web
redirects:
  - pattern: { hostname: www.example.com, pathname: '/:path+' }
    destination: 'https://example.com/{matches.pathname.groups.path}'
    status: 301
  - { pattern: /old, destination: /new }
rewrites:
  - pattern: { pathname: '/dist/js/*' }
    destination: '{artifactBaseUrl}/{request.uri}'
    headers: { Access-Control-Allow-Origin: 'https://example.com' }
cache:
  rules:
    - { pattern: /search, query-string: { mode: include, keys: [q, page] } }
    - { pattern: /referral, cookies: [AD_SOURCE, ad.network] }
    - { pattern: '/', query-string: { mode: exclude, keys: all } }
"#,
        )
        .unwrap();
        assert_eq!(
            craft.redirects[0].pattern,
            r#"{"hostname":"www.example.com","pathname":"/:path+"}"#
        );
        assert_eq!(
            (craft.redirects[0].status, craft.redirects[1].status),
            (301, 302)
        );
        assert_eq!(
            craft.rewrites[0].headers,
            ["Access-Control-Allow-Origin: https://example.com"]
        );
        assert_eq!(craft.cache_rules[0].query_string_mode, "include");
        assert_eq!(craft.cache_rules[0].query_string_keys, ["q", "page"]);
        assert_eq!(craft.cache_rules[1].cookies, ["AD_SOURCE", "ad.network"]);
        let all: Vec<bool> = craft
            .cache_rules
            .iter()
            .map(|rule| rule.all_query_string_keys)
            .collect();
        assert_eq!(all, [false, false, true]);
        assert_eq!(craft.artifact_path, "cms/web/dist");
    }

    #[test]
    fn every_problem_is_reported_at_its_place() {
        let list = problems(
            r#"node-version: latest
npm-script: npx vite build
app-path: ../cms
redirects:
  - pattern: {}
    destination: example.com
    status: 200
  - destination: '/{path}'
cache:
  rules:
    - pattern: /
      session: [A]
phpversion: '8.2'
"#,
        );
        assert_eq!(
            list,
            [
                "craft-cloud.yaml:1:1: `php-version` is missing",
                "craft-cloud.yaml:1:15: `node-version`: expected a major version, such as '22'",
                "craft-cloud.yaml:2:13: `npm-script`: expected the name of one script of package.json; a command is not allowed",
                "craft-cloud.yaml:3:11: `app-path`: expected a path within the repository, without `..` or a `/` at its start",
                "craft-cloud.yaml:5:14: `redirects[0].pattern` matches nothing in particular: name a part, such as `pathname`",
                "craft-cloud.yaml:6:18: `redirects[0].destination`: expected an address: `https://…`, `/…` or `{…}`",
                "craft-cloud.yaml:7:13: `redirects[0].status`: expected 301, 302, 303, 307 or 308",
                "craft-cloud.yaml:8:5: `redirects[1].pattern` is missing",
                "craft-cloud.yaml:8:18: `redirects[1].destination`: `{path}` is unknown: expected one of request, matches, cdnBaseUrl, assetBaseUrl, artifactBaseUrl",
                "craft-cloud.yaml:11:7: a cache rule needs `query-string` or `cookies`",
                "craft-cloud.yaml:12:7: unknown key `session` in `cache.rules[0]` (allowed: pattern, query-string, cookies)",
                "craft-cloud.yaml:13:1: unknown key `phpversion`: did you mean `php-version`? (allowed: php-version, node-version, node-path, app-path, webroot, artifact-path, npm-script, redirects, rewrites, cache)",
            ]
        );
    }

    #[test]
    fn a_cache_rule_takes_a_list_of_keys_or_all_and_names_of_cookies() {
        let said = |rule: &str| {
            let rule = format!("php-version: 8.5\ncache: {{ rules: [{{ pattern: /, {rule} }}] }}");
            problems(&rule)
        };
        assert_eq!(
            said("query-string: { mode: include, keys: every }"),
            [
                "craft-cloud.yaml:2:69: `cache.rules[0].query-string.keys`: expected a list such as `[ page ]`, or `all`"
            ]
        );
        assert_eq!(
            said("query-string: { keys: all }"),
            ["craft-cloud.yaml:2:46: `cache.rules[0].query-string.mode` is missing"]
        );
        assert_eq!(
            said("cookies: ['a=b']"),
            [
                "craft-cloud.yaml:2:42: `cache.rules[0].cookies[0]`: expected the name of a cookie, without blanks, `=` or `;`"
            ]
        );
    }

    #[test]
    fn versions_too_old_are_refused() {
        assert!(problems("php-version: '7.4'")[0].ends_with("PHP 7.4 is too old: at least 8.1"));
        assert!(
            problems("php-version: 8")[0]
                .ends_with("expected major and minor version, such as '8.3'")
        );
        assert!(problems("php-version: 8.2.1")[0].contains("expected major and minor"));
        assert!(
            problems("php-version: 8.2\nnode-version: 14")[0].contains("Node.js 14 is too old")
        );
    }
}
