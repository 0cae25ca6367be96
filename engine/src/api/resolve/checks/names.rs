//! Names of checks and the like, and the patterns that choose among them.

use eyre::Result;

use crate::api::model::kebab;
use crate::graph::task::Task;
use crate::store::pattern::Pattern;

/// As the command line writes it: `module:some-check`.
pub fn shown(path: &[String]) -> String {
    words(path).join(":")
}

fn words(path: &[String]) -> Vec<String> {
    path.iter().map(|part| kebab(part)).collect()
}

/// Those that a pattern names; all without patterns.
///
/// `own` tries the name without its first part, that of the module, too.
pub fn chosen(tasks: Vec<Task>, patterns: &[String], own: bool) -> Result<Vec<Task>> {
    if patterns.is_empty() {
        return Ok(tasks);
    }
    filtered(tasks, patterns, own, true)
}

/// Those that no pattern names.
pub fn others(tasks: Vec<Task>, patterns: &[String]) -> Result<Vec<Task>> {
    filtered(tasks, patterns, true, false)
}

fn filtered(tasks: Vec<Task>, patterns: &[String], own: bool, wanted: bool) -> Result<Vec<Task>> {
    let patterns: Vec<Wanted> = patterns
        .iter()
        .map(|text| Wanted::parse(text))
        .collect::<Result<_>>()?;
    let named = |path: &[String]| !path.is_empty() && patterns.iter().any(|p| p.names(path));
    let fits = |task: &Task| named(&task.path) || own && named(task.path.get(1..).unwrap_or(&[]));
    Ok(tasks
        .into_iter()
        .filter(|task| fits(task) == wanted)
        .collect())
}

/// A pattern: a name, which means all below it as well, or one with `*` or `**`.
struct Wanted {
    words: Vec<String>,
    pattern: Option<Pattern>,
}

impl Wanted {
    fn parse(text: &str) -> Result<Self> {
        let words: Vec<_> = text.split(':').map(kebab).collect();
        // Names are compared like paths: `*` stands for one part.
        let pattern = Pattern::parse(&words.join("/"))?;
        Ok(Self { words, pattern })
    }

    fn names(&self, path: &[String]) -> bool {
        let path = words(path);
        path.starts_with(&self.words)
            || self
                .pattern
                .as_ref()
                .is_some_and(|pattern| pattern.matches(&path.join("/")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(pattern: &str, path: &str) -> bool {
        let path: Vec<_> = path.split(':').map(str::to_owned).collect();
        Wanted::parse(pattern).expect("a pattern").names(&path)
    }

    #[test]
    fn a_name_means_all_below_it_and_a_star_one_part() {
        for (pattern, path, want) in [
            ("go", "go:lint", true),
            ("go:lint", "go:lint", true),
            ("go:lint", "go:lintAll", false),
            ("go:l*", "go:lintAll", true),
            ("*:lint", "go:lint", true),
            ("*", "go:lint", false),
            ("**", "go:lint", true),
            ("go:**", "go:test:unit", true),
            ("go:test", "go:test:unit", true),
            ("runAll", "run-all", true),
            ("run-all", "runAll", true),
            ("lint", "go:lint", false),
        ] {
            assert_eq!(names(pattern, path), want, "{pattern} {path}");
        }
    }
}
