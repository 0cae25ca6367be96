//! Pages of `docs/`: links lead somewhere, commands run, and functions that are
//! named exist.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value as Json;
use test_support::repository;

use super::script::{Shell, blocks};
use crate::fixture::module;
use crate::git::Published;
use crate::git::http::Server;
use crate::git::modules;
use crate::place::Place;

/// The README and all pages.
fn pages() -> Vec<PathBuf> {
    let root = repository();
    let listed = fs::read_dir(root.join("docs")).expect("docs");
    let mut pages: Vec<_> = listed
        .map(|entry| entry.expect("an entry").path())
        .collect();
    pages.retain(|page| page.extension().is_some_and(|end| end == "md"));
    pages.push(root.join("README.md"));
    assert!(pages.len() > 5, "{pages:?}");
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

/// Whatever looks like a line of the shell that begins with a module.
#[test]
fn functions_that_the_documentation_names_exist() {
    let types = |name: &String| -> Json {
        let text = text(&module(name).join("dagger.types.json"));
        serde_json::from_str(&text).expect("types")
    };
    let known: Vec<(String, Json)> = modules()
        .into_iter()
        .map(|m| (m.clone(), types(&m)))
        .collect();
    let mut found = 0;
    for page in pages() {
        let text = text(&page).replace("\\|", "|");
        for piece in text.split(['\n', '`']) {
            let words: Vec<&str> = piece.split('|').map(str::trim).collect();
            for pair in words.windows(2) {
                let Some((name, types)) = known.iter().find(|(name, _)| name == pair[0]) else {
                    continue;
                };
                let function = pair[1].split(' ').next().unwrap_or_default();
                if !function.starts_with(|c: char| c.is_ascii_lowercase()) {
                    continue;
                }
                let functions = types["objects"][0]["functions"]
                    .as_array()
                    .expect("functions");
                let is_there = functions.iter().any(|known| {
                    let known = known["name"].as_str().unwrap_or_default();
                    known.to_lowercase() == function.replace('-', "")
                });
                assert!(is_there, "{}: `{name}` has no `{function}`", page.display());
                found += 1;
            }
        }
    }
    assert!(found > 10, "only {found} functions are named");
}

#[test]
fn links_of_the_documentation_lead_to_files_and_headings() {
    let mut problems = Vec::new();
    for page in pages() {
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
