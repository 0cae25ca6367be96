//! Where an address leads, as a browser resolves it.

use percent_encoding::percent_decode_str;

/// Where a link on a page leads.
#[derive(Debug, PartialEq)]
pub enum Target {
    /// Another host, a mail address and the like.
    Elsewhere,
    /// A place on the site.
    Here {
        /// Decoded, without the slash at its start; ends with one for a directory.
        path: String,
        /// Decoded; empty when there is none.
        fragment: String,
    },
}

/// Resolves `url` on the page at `page` (`blog/index.html`), or relative to
/// the page's `base`.
pub fn resolve(page: &str, base: Option<&str>, url: &str) -> Target {
    let folder = page.strip_suffix("index.html");
    let own = folder
        .filter(|folder| folder.is_empty() || folder.ends_with('/'))
        .unwrap_or(page);
    match base.map(|base| resolve(page, None, base)) {
        Some(Target::Elsewhere) if !is_absolute(url) => Target::Elsewhere,
        Some(Target::Here { path, .. }) => join(&path, url),
        _ => join(own, url),
    }
}

fn join(from: &str, url: &str) -> Target {
    let url = url.trim_matches(|c: char| c.is_ascii_whitespace());
    if is_absolute(url) {
        return Target::Elsewhere;
    }
    let (rest, fragment) = url.split_once('#').unwrap_or((url, ""));
    let rest = rest.split_once('?').map_or(rest, |(path, _)| path);
    let path = decoded(rest);
    let path = match path.strip_prefix('/') {
        Some(path) => normal(path),
        None if path.is_empty() => from.to_owned(),
        None => {
            let folder = from.rfind('/').map_or("", |end| &from[..=end]);
            normal(&format!("{folder}{path}"))
        }
    };
    Target::Here {
        path,
        fragment: decoded(fragment),
    }
}

/// `https:…`, `mailto:…`, `//host/…`
fn is_absolute(url: &str) -> bool {
    let url = url.trim_start();
    let scheme = |scheme: &str| {
        scheme.starts_with(|c: char| c.is_ascii_alphabetic())
            && scheme
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c))
    };
    url.starts_with("//")
        || url
            .split_once(':')
            .is_some_and(|(before, _)| scheme(before))
}

/// Without `.` and `..`; one above the root stays there.
fn normal(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    let directory =
        path.is_empty() || path.ends_with('/') || path.ends_with("/.") || path.ends_with("..");
    match (parts.join("/"), directory) {
        (path, true) if !path.is_empty() => path + "/",
        (path, _) => path,
    }
}

fn decoded(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(page: &str, url: &str) -> String {
        match resolve(page, None, url) {
            Target::Here { path, fragment } if fragment.is_empty() => path,
            Target::Here { path, fragment } => format!("{path}#{fragment}"),
            Target::Elsewhere => "elsewhere".to_owned(),
        }
    }

    #[test]
    fn addresses_are_resolved_as_by_a_browser() {
        for (page, url, expected) in [
            ("index.html", "/about/", "about/"),
            ("blog/a/index.html", "../b/", "blog/b/"),
            ("blog/a/index.html", "x.png", "blog/a/x.png"),
            ("blog/a.html", "b.html#c", "blog/b.html#c"),
            ("blog/a.html", "#c", "blog/a.html#c"),
            ("blog/a-index.html", "#c", "blog/a-index.html#c"),
            ("blog/a/index.html", "", "blog/a/"),
            ("blog/a/index.html", "?page=2", "blog/a/"),
            ("a/index.html", "../../../x", "x"),
            ("a/b/index.html", "..", "a/"),
            ("a/b/index.html", "/", ""),
            ("index.html", "/a%20b/%C3%A9.png?v=1", "a b/é.png"),
            ("index.html", "/a#%C3%A9", "a#é"),
            ("index.html", " /about/\n", "about/"),
            ("index.html", "/./a//b/", "a/b/"),
        ] {
            assert_eq!(path(page, url), expected, "{url} on {page}");
        }
    }

    #[test]
    fn other_hosts_and_schemes_lead_elsewhere() {
        for url in [
            "https://example.com/",
            "//cdn.example.com/x",
            "mailto:a@b",
            "data:image/png;base64,x",
            "javascript:void(0)",
        ] {
            assert_eq!(path("index.html", url), "elsewhere", "{url}");
        }
        assert_eq!(path("index.html", "/a:b"), "a:b");
    }

    #[test]
    fn a_base_moves_what_is_relative() {
        let at = |base: &str, url: &str| resolve("a/index.html", Some(base), url);
        let here = |path: &str| Target::Here {
            path: path.into(),
            fragment: String::new(),
        };
        assert_eq!(at("/docs/", "x.png"), here("docs/x.png"));
        assert_eq!(at("/docs/", "/x.png"), here("x.png"));
        assert_eq!(at("https://cdn.example.com/", "x.png"), Target::Elsewhere);
    }
}
