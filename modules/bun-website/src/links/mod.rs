//! Finds links that lead nowhere and pages that show nothing.
//!
//! [`page`] reads a page, [`target`] resolves its links, and a [`Site`] knows
//! which of them are there.

mod page;
mod target;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use page::Page;
use target::{Target, resolve};

/// What was built: its files and the pages among them.
#[derive(Default)]
pub struct Site {
    files: BTreeSet<String>,
    pages: BTreeMap<String, Page>,
}

/// What a check of a site found.
#[derive(Debug, Default)]
pub struct Findings {
    pub pages: usize,
    /// Links within the site.
    pub links: usize,
    /// One line for each problem.
    pub problems: Vec<String>,
}

pub fn is_page(path: &str) -> bool {
    path.ends_with(".html") || path.ends_with(".htm")
}

impl Site {
    /// `files`: every path, without a slash at its start.
    pub fn new(files: impl IntoIterator<Item = String>) -> Self {
        Self {
            files: files.into_iter().collect(),
            pages: BTreeMap::new(),
        }
    }

    pub fn add_page(&mut self, path: &str, html: &str) {
        self.pages.insert(path.to_owned(), page::read(html));
    }

    /// Checks every page. A link is left out when its path is in `ignored`,
    /// where a `*` at the end stands for anything: `/api/*`.
    pub fn check(&self, ignored: &[String]) -> Findings {
        let mut findings = Findings {
            pages: self.pages.len(),
            ..Findings::default()
        };
        for (path, page) in &self.pages {
            if page.empty {
                findings.problems.push(format!("{path}: the page is empty"));
            }
            for link in &page.links {
                let Target::Here { path: to, fragment } =
                    resolve(path, page.base.as_deref(), &link.url)
                else {
                    continue;
                };
                if ignored.iter().any(|pattern| is_ignored(pattern, &to)) {
                    continue;
                }
                findings.links += 1;
                if let Some(why) = self.problem(&to, &fragment) {
                    let (element, attribute, url) = (&link.element, link.attribute, &link.url);
                    let line = link.line;
                    findings.problems.push(format!(
                        "{path}:{line}: <{element} {attribute}=\"{url}\">: {why}"
                    ));
                }
            }
        }
        findings
    }

    fn problem(&self, path: &str, fragment: &str) -> Option<String> {
        let Some(file) = self.file(path) else {
            return Some(format!("no `{}` in the site", shown(path)));
        };
        let page = self.pages.get(file)?;
        // `#top` and `#:~:text=` are the browser's, `#/…` and `#!…` a script's.
        let special = ["", "top"].contains(&fragment) || fragment.starts_with([':', '/', '!']);
        if special || page.anchors.contains(fragment) {
            return None;
        }
        Some(format!("`{file}` has no element with the id `{fragment}`"))
    }

    /// The file that a host of static sites serves for a path.
    fn file(&self, path: &str) -> Option<&str> {
        let bare = path.trim_end_matches('/');
        let index = format!("{bare}/index.html");
        let page = format!("{bare}.html");
        let candidates = match bare {
            "" => ["index.html", "index.htm", "index.html"],
            // A slash too many is redirected, so `/about/` finds about.html.
            _ if path.ends_with('/') => [index.as_str(), page.as_str(), index.as_str()],
            _ => [bare, page.as_str(), index.as_str()],
        };
        candidates
            .iter()
            .find_map(|path| self.files.get(*path))
            .map(String::as_str)
    }
}

impl fmt::Display for Findings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            pages,
            links,
            problems,
        } = self;
        match problems.len() {
            0 => write!(f, "{pages} pages, {links} links: all lead somewhere"),
            1 => write!(f, "1 problem in {pages} pages:\n{}", problems[0]),
            n => write!(f, "{n} problems in {pages} pages:\n{}", problems.join("\n")),
        }
    }
}

fn is_ignored(pattern: &str, path: &str) -> bool {
    let pattern = pattern.trim_start_matches('/');
    match pattern.strip_suffix('*') {
        Some(start) => path.starts_with(start),
        None => pattern == path,
    }
}

fn shown(path: &str) -> String {
    match path {
        "" => "index.html".to_owned(),
        path if path.ends_with('/') => format!("{path}index.html"),
        path => path.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(files: &[(&str, &str)], ignored: &[&str]) -> Findings {
        let mut site = Site::new(files.iter().map(|(path, _)| (*path).to_owned()));
        for (path, html) in files.iter().filter(|(path, _)| is_page(path)) {
            site.add_page(path, html);
        }
        let ignored: Vec<_> = ignored
            .iter()
            .map(|pattern| (*pattern).to_owned())
            .collect();
        site.check(&ignored)
    }

    #[test]
    fn a_site_whose_links_lead_somewhere_passes() {
        let findings = check(
            &[
                (
                    "index.html",
                    r#"<a href="/about/#team">a</a><a href="b">b</a><img src="i.png"><a href="https://x.example/none">x</a>"#,
                ),
                (
                    "about/index.html",
                    r##"<h2 id="team">T</h2><a href="../">up</a><a href="#top">top</a><a href="/doc.pdf#page=2">pdf</a>"##,
                ),
                (
                    "b.html",
                    r#"<a href="/b/">me</a><a href="/about">about</a><a href="?q=1">q</a>"#,
                ),
                ("i.png", ""),
                ("doc.pdf", ""),
            ],
            &[],
        );
        assert_eq!(findings.problems, Vec::<String>::new());
        assert_eq!(findings.to_string(), "3 pages, 9 links: all lead somewhere");
    }

    #[test]
    fn every_problem_is_listed_with_its_page_and_line() {
        let findings = check(
            &[
                ("404.html", " "),
                (
                    "index.html",
                    "<p>\n<a href=\"/abuot/\">a</a>\n<img src=\"x.png\" srcset=\"y.png 2x\">",
                ),
                (
                    "about/index.html",
                    r##"<a href="#team">a</a><a href="/#none">b</a>"##,
                ),
            ],
            &[],
        );
        assert_eq!(
            findings.to_string(),
            r##"6 problems in 3 pages:
404.html: the page is empty
about/index.html:1: <a href="#team">: `about/index.html` has no element with the id `team`
about/index.html:1: <a href="/#none">: `index.html` has no element with the id `none`
index.html:2: <a href="/abuot/">: no `abuot/index.html` in the site
index.html:3: <img src="x.png">: no `x.png` in the site
index.html:3: <img srcset="y.png">: no `y.png` in the site"##
        );
    }

    #[test]
    fn ignored_paths_are_left_out() {
        let site = [(
            "index.html",
            r#"<a href="/api/x">a</a><a href="/old">b</a><a href="/older">c</a>"#,
        )];
        assert_eq!(check(&site, &["/api/*", "/old"]).problems.len(), 1);
        assert_eq!(check(&site, &["/api/*", "/old*"]).problems.len(), 0);
    }

    #[test]
    fn a_file_is_not_a_page_of_the_same_name_in_other_letters() {
        let site = [
            ("index.html", r#"<a href="/About/">a</a>"#),
            ("about/index.html", "x"),
        ];
        assert_eq!(check(&site, &[]).problems.len(), 1);
    }
}
