//! What became of each combination.

use std::fmt::Write as _;

use poniard_sdk::prelude::*;

use super::Cell;

/// What became of a combination.
#[enumeration]
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Outcome {
    /// The command succeeded.
    Passed,
    /// The command failed.
    Failed,
    /// Composer finds no versions that go together.
    Unresolved,
    /// It could not be tried.
    Error,
}

/// A combination that was tried.
#[object]
#[derive(Clone, Debug)]
pub struct Row {
    /// Version of PHP.
    pub php: String,
    /// Package without its constraint; several with blanks between.
    pub package: String,
    /// Constraint of the package.
    pub version: String,
    pub outcome: Outcome,
    /// The end of what was written.
    pub log: String,
}

/// A plugin against versions.
#[object]
#[derive(Clone, Debug)]
pub struct Matrix {
    /// In the order of the arguments.
    pub rows: Vec<Row>,
    /// How many did not pass.
    pub failed: u32,
    /// One line a version of PHP, one column a package, as Markdown.
    pub table: String,
    /// JUnit XML, as CI systems read it.
    pub junit: String,
    /// How many passed, and which did not, as Markdown.
    pub summary: String,
}

/// As much of a log as a report needs.
const LOG_LINES: usize = 80;

impl Row {
    pub fn new(cell: &Cell, outcome: Outcome, log: String) -> Self {
        let pairs: Vec<(&str, &str)> = cell
            .packages
            .split_whitespace()
            .filter_map(|package| package.split_once(':'))
            .collect();
        let join = |words: Vec<&str>| words.join(" ");
        let lines: Vec<&str> = log.lines().collect();
        let from = lines.len().saturating_sub(LOG_LINES);
        Self {
            php: cell.php.clone(),
            package: join(pairs.iter().map(|(name, _)| *name).collect()),
            version: join(pairs.iter().map(|(_, version)| *version).collect()),
            outcome,
            log: lines[from..].join("\n"),
        }
    }

    /// Head of the column.
    fn column(&self) -> String {
        let pairs = self.package.split(' ').zip(self.version.split(' '));
        let named = pairs.filter(|(name, _)| !name.is_empty());
        let words: Vec<String> = named
            .map(|(name, version)| format!("{name} {version}"))
            .collect();
        match words.is_empty() {
            true => "as locked".to_owned(),
            false => words.join(", "),
        }
    }
}

impl Outcome {
    fn shown(self) -> &'static str {
        match self {
            Self::Passed => "✅ passed",
            Self::Failed => "❌ failed",
            Self::Unresolved => "➖ no versions fit",
            Self::Error => "⚠️ error",
        }
    }
}

impl Matrix {
    pub fn new(rows: Vec<Row>) -> Self {
        let failed = rows
            .iter()
            .filter(|row| row.outcome != Outcome::Passed)
            .count();
        let mut summary = format!("**{} of {} passed**", rows.len() - failed, rows.len());
        // A note has ten lines at most.
        for row in rows
            .iter()
            .filter(|row| row.outcome != Outcome::Passed)
            .take(8)
        {
            let _ = write!(
                summary,
                "\n- {}: PHP {}, {}",
                row.outcome.shown(),
                row.php,
                row.column()
            );
        }
        Self {
            failed: u32::try_from(failed).unwrap_or(u32::MAX),
            table: table(&rows),
            junit: junit(&rows, failed),
            summary,
            rows,
        }
    }
}

fn table(rows: &[Row]) -> String {
    let mut columns: Vec<String> = Vec::new();
    let mut versions: Vec<&str> = Vec::new();
    for row in rows {
        let column = row.column();
        if !columns.contains(&column) {
            columns.push(column);
        }
        if !versions.contains(&row.php.as_str()) {
            versions.push(&row.php);
        }
    }
    let escaped = |text: &String| text.replace('|', "\\|");
    let head: Vec<String> = columns.iter().map(escaped).collect();
    let mut table = format!(
        "| PHP | {} |\n|---|{}\n",
        head.join(" | "),
        "---|".repeat(columns.len())
    );
    for version in versions {
        let _ = write!(table, "| {version} |");
        for column in &columns {
            let cell = rows
                .iter()
                .find(|row| row.php == version && &row.column() == column);
            let _ = write!(table, " {} |", cell.map_or("", |row| row.outcome.shown()));
        }
        table.push('\n');
    }
    table
}

fn junit(rows: &[Row], failed: usize) -> String {
    let mut xml = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n  <testsuite name=\"matrix\" tests=\"{}\" failures=\"{failed}\">\n",
        rows.len()
    );
    for row in rows {
        let (php, name) = (escaped(&row.php), escaped(&row.column()));
        let _ = write!(
            xml,
            "    <testcase classname=\"PHP {php}\" name=\"{name}\">"
        );
        if row.outcome != Outcome::Passed {
            let _ = write!(
                xml,
                "<failure message=\"{}\">{}</failure>",
                row.outcome.name().to_lowercase(),
                escaped(&row.log)
            );
        }
        xml.push_str("</testcase>\n");
    }
    xml + "  </testsuite>\n</testsuites>\n"
}

/// Text for XML 1.0, which has no control characters.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\n' | '\t' => escaped.push(c),
            c if c.is_control() || ['\u{fffe}', '\u{ffff}'].contains(&c) => {
                escaped.push('\u{fffd}')
            }
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(php: &str, packages: &str, outcome: Outcome, log: &str) -> Row {
        let (php, packages) = (php.to_owned(), packages.to_owned());
        Row::new(&Cell { php, packages }, outcome, log.to_owned())
    }

    #[test]
    fn a_table_has_a_line_for_php_and_a_column_for_packages() {
        let matrix = Matrix::new(vec![
            row("8.2", "a/cms:^4.0 || ^3", Outcome::Passed, ""),
            row("8.2", "a/cms:5.*", Outcome::Failed, ""),
            row("8.4", "a/cms:5.*", Outcome::Unresolved, ""),
        ]);
        assert_eq!(matrix.failed, 2);
        assert!(
            matrix.table.contains("| 8.4 |  | ➖ no versions fit |"),
            "{}",
            matrix.table
        );
        assert!(
            matrix
                .summary
                .starts_with("**1 of 3 passed**\n- ❌ failed: PHP 8.2, a/cms 5.*"),
            "{}",
            matrix.summary
        );
    }

    #[test]
    fn a_log_cannot_break_the_xml() {
        let matrix = Matrix::new(vec![row("8.2", "", Outcome::Failed, "<b> & \u{1b}[31m\"")]);
        assert!(
            matrix
                .junit
                .contains("&lt;b&gt; &amp; \u{fffd}[31m&quot;</failure>"),
            "{}",
            matrix.junit
        );
        assert!(
            matrix.junit.contains("name=\"as locked\""),
            "{}",
            matrix.junit
        );
    }

    #[test]
    fn a_summary_fits_into_a_note() {
        let rows = (0..40)
            .map(|n| row(&format!("8.{n}"), "", Outcome::Failed, ""))
            .collect();
        assert!(Matrix::new(rows).summary.lines().count() <= 10);
    }
}
