//! Pages of `docs/`: all are listed, links lead somewhere, and commands run.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use test_support::repository;

use super::script::{Shell, blocks};
use crate::fixture::module;
use crate::git::Published;
use crate::git::http::Server;
use crate::git::modules;
use crate::place::Place;

/// All pages of this repository; those of the website in `examples` have links of
/// their own, and a check of their own.
pub fn tracked() -> Vec<PathBuf> {
    let root = repository();
    let done = Command::new("git")
        .args(["ls-files", "-z", "--", "*.md"])
        .current_dir(&root)
        .output()
        .expect("git runs");
    let listed = String::from_utf8(done.stdout).expect("names");
    let pages: Vec<_> = listed
        .split_terminator('\0')
        .filter(|page| !page.starts_with("examples/website/src"))
        .map(|page| root.join(page))
        .collect();
    assert!(pages.len() > 20, "{pages:?}");
    pages
}

fn text(page: &Path) -> String {
    fs::read_to_string(page).expect("a page")
}

/// Runs the commands of a page; gives how many results it shows.
fn follow(page: &str) -> usize {
    let published = Published::new();
    let server = Server::start(published.root());
    let place = Place::new();
    let shell = Shell::new(
        &place,
        server.variables_for("https://git.example.com/platform/"),
    );
    shell.follow(&blocks(&text(&repository().join(page))), || {})
}

#[test]
fn the_page_of_the_modules_lists_them_all_and_its_commands_run() {
    let row = |name: &String| {
        let readme = text(&module(name).join("README.md"));
        let does = readme.lines().nth(2).expect("a sentence").to_owned();
        format!("| [`{name}`](../modules/{name}/README.md) | {does} |\n")
    };
    let mut names = modules();
    names.sort();
    let rows: String = names.iter().map(row).collect();
    let path = repository().join("docs/modules.md");
    let page = text(&path);
    let (before, rest) = page.split_once("the_modules -->\n").expect("a start");
    let (_, after) = rest.split_once("<!-- /modules").expect("an end");
    let wanted = format!(
        "{before}the_modules -->\n\n| module | does |\n|---|---|\n{rows}\n<!-- /modules{after}"
    );
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs::write(&path, &wanted).expect("written");
    }
    let page = text(&path);
    assert!(
        page == wanted,
        "UPDATE_DOCS=1 cargo test -p e2e the_modules"
    );
    follow("docs/modules.md");
}

#[test]
fn the_commands_of_the_way_from_typescript_run() {
    assert_eq!(follow("docs/migration.md"), 1);
}

#[test]
fn the_commands_of_the_page_on_poniard_run() {
    assert_eq!(follow("docs/poniard.md"), 2);
}

#[test]
fn the_commands_of_the_page_on_traces_run() {
    assert_eq!(follow("docs/trace.md"), 0);
}

/// `sh` promises that a test runs the block; `console` is for what needs credentials,
/// a registry or another machine, or changes this one.
#[test]
fn a_page_has_no_commands_that_no_test_runs() {
    const RUN: [&str; 6] = [
        "docs/install.md",
        "docs/migration.md",
        "docs/modules.md",
        "docs/poniard.md",
        "docs/sdk.md",
        "docs/trace.md",
    ];
    let root = repository();
    for path in tracked() {
        let page = path.strip_prefix(&root).expect("a page of the repository");
        let page = page.display().to_string();
        let is_ours = page.starts_with("docs/") || !page.contains('/');
        if !is_ours || RUN.contains(&page.as_str()) {
            continue;
        }
        for block in blocks(&text(&path)) {
            assert!(
                !["sh", "rust"].contains(&block.kind.as_str()),
                "{page}: {block:?}"
            );
        }
    }
}

/// A page that nothing leads to is never read.
#[test]
fn the_index_of_the_documentation_lists_every_page() {
    let root = repository();
    let index = text(&root.join("docs/README.md"));
    for page in tracked() {
        let Ok(page) = page.strip_prefix(root.join("docs")) else {
            continue;
        };
        let page = page.display().to_string();
        let link = format!("]({page})");
        assert!(page == "README.md" || index.contains(&link), "{page}");
    }
    assert!(text(&root.join("README.md")).contains("](docs/README.md)"));
}

#[test]
fn links_of_the_documentation_lead_to_files_and_headings() {
    let mut problems = Vec::new();
    for page in tracked() {
        let text = text(&page);
        for part in text.split("](").skip(1) {
            let target = part.split(')').next().unwrap_or_default();
            if target.contains("://") {
                continue;
            }
            let (file, heading) = target.split_once('#').unwrap_or((target, ""));
            let path = if file.is_empty() {
                page.clone()
            } else {
                page.parent().expect("a folder").join(file)
            };
            let is_there = path.exists() && (heading.is_empty() || has_heading(&path, heading));
            if !is_there {
                problems.push(format!("{}: {target}", page.display()));
            }
        }
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

fn has_heading(page: &Path, anchor: &str) -> bool {
    let text = fs::read_to_string(page).unwrap_or_default();
    text.lines()
        .filter(|line| line.starts_with('#'))
        .any(|line| {
            let kept = line.trim_start_matches('#').trim().to_lowercase();
            let kept: String = kept
                .chars()
                .filter(|c| c.is_alphanumeric() || " -_".contains(*c))
                .collect();
            kept.replace(' ', "-") == anchor
        })
}
