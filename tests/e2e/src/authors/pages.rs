//! Pages of `docs/`: links lead somewhere, commands are those that there are.

use std::fs;

use test_support::repository;

#[test]
fn links_of_the_documentation_lead_to_files_and_headings() {
    let root = repository();
    let mut problems = Vec::new();
    let mut pages = vec![root.join("README.md")];
    for entry in fs::read_dir(root.join("docs")).expect("docs") {
        pages.push(entry.expect("an entry").path());
    }
    pages.retain(|page| page.extension().is_some_and(|end| end == "md"));
    assert!(pages.len() > 5, "{pages:?}");
    for page in pages {
        let text = fs::read_to_string(&page).expect("a page");
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

fn has_heading(page: &std::path::Path, anchor: &str) -> bool {
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
