//! Tells what came from what was recorded.

use std::io;

use similar::TextDiff;

use crate::case::Case;
use crate::run::Outcome;

/// Lines of a difference that are shown; the rest is cut.
const SHOWN: usize = 24;

/// The differences between the recording and `got`, each ready to be printed;
/// none is well.
pub fn compare(case: &Case, got: &Outcome) -> io::Result<Vec<String>> {
    let mut problems = Vec::new();
    let ignored = case.text("ignore")?;
    let ignored: Vec<&str> = ignored.split_whitespace().collect();
    for (name, value) in [
        ("stdout", &got.stdout),
        ("exit", &got.exit),
        ("tree", &got.tree),
    ] {
        let recorded = case.text(name)?;
        if !ignored.contains(&name) && *value != recorded {
            problems.push(difference(name, &recorded, value));
        }
    }
    for line in case
        .text("stderr.contains")?
        .lines()
        .filter(|line| !got.stderr.contains(line))
    {
        problems.push(format!("stderr lacks `{line}`\n"));
    }
    for line in case
        .text("stderr.lacks")?
        .lines()
        .filter(|line| got.stderr.contains(line))
    {
        problems.push(format!("stderr has `{line}`\n"));
    }
    Ok(problems)
}

/// A report of a case that differs: what it pins, the differences, and the end
/// of stderr.
pub fn report(case: &Case, problems: &[String], got: &Outcome) -> io::Result<String> {
    let mut report = format!("{}\n", case.text("about")?.trim());
    for problem in problems {
        report.push_str(problem);
    }
    if got.stderr.is_empty() {
        report.push_str("stderr is empty\n");
    } else {
        let lines: Vec<&str> = got.stderr.lines().collect();
        report.push_str("stderr ends with:\n");
        for line in &lines[lines.len().saturating_sub(12)..] {
            report.push_str(&format!("  | {line}\n"));
        }
    }
    Ok(report)
}

fn difference(name: &str, recorded: &str, got: &str) -> String {
    let diff = TextDiff::from_lines(recorded, got)
        .unified_diff()
        .context_radius(1)
        .header(&format!("{name} (recorded)"), &format!("{name} (got)"))
        .to_string();
    let mut lines = diff.lines();
    let mut shown: Vec<&str> = lines.by_ref().take(SHOWN).collect();
    let more = format!("… {} more lines", lines.clone().count());
    if lines.next().is_some() {
        shown.push(&more);
    }
    shown.join("\n") + "\n"
}
