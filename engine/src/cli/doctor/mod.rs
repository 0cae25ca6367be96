//! `doctor`: what this machine can do, and how to mend what it cannot.
//!
//! Each check of [`checks`] tries what the engine would do, as the engine does it,
//! and gives a [`Finding`]; a failed one makes the exit code 1.

mod checks;
mod programs;

use serde::Serialize;

use crate::client::Failure;

use super::args;

/// How well it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Health {
    Good,
    /// Most works.
    Poor,
    /// Nothing runs without it.
    Bad,
    /// Cannot be told before another is mended.
    Waiting,
}

#[derive(Clone, Debug, Serialize)]
pub struct Finding {
    /// What was looked at.
    name: &'static str,
    health: Health,
    /// What there is.
    found: String,
    /// What to do, and what does not work until then.
    #[serde(skip_serializing_if = "Option::is_none")]
    mend: Option<String>,
}

impl Finding {
    fn good(name: &'static str, found: impl Into<String>) -> Self {
        Self {
            name,
            health: Health::Good,
            found: found.into(),
            mend: None,
        }
    }

    fn poor(name: &'static str, found: impl Into<String>, mend: impl Into<String>) -> Self {
        Self {
            health: Health::Poor,
            mend: Some(mend.into()),
            ..Self::good(name, found)
        }
    }

    /// What cannot be looked at before `first` is mended.
    fn waiting(name: &'static str, first: &Self) -> Self {
        Self {
            health: Health::Waiting,
            ..Self::good(name, format!("waits for `{}`", first.name))
        }
    }

    fn is_bad(&self) -> bool {
        self.health == Health::Bad
    }

    fn bad(name: &'static str, found: impl Into<String>, mend: impl Into<String>) -> Self {
        Self {
            health: Health::Bad,
            ..Self::poor(name, found, mend)
        }
    }
}

/// An error of the engine in two: the cause, and the way out that it names last.
fn halves(error: &impl std::fmt::Display, otherwise: &str) -> (String, String) {
    let text = error.to_string();
    let (found, mend) = text.split_once("; ").unwrap_or((&text, otherwise));
    (found.to_owned(), mend.to_owned())
}

#[derive(Serialize)]
struct Report<'a> {
    healthy: bool,
    version: &'static str,
    findings: &'a [Finding],
}

pub fn run(options: &args::Doctor) -> Result<(), Failure> {
    let findings = checks::all(options.offline);
    let healthy = !findings.iter().any(Finding::is_bad);
    let text = if options.json {
        let report = Report {
            healthy,
            version: env!("CARGO_PKG_VERSION"),
            findings: &findings,
        };
        serde_json::to_string_pretty(&report).map_err(|e| Failure::new(e.to_string()))? + "\n"
    } else {
        told(&findings)
    };
    super::print(&text)?;
    match healthy {
        true => Ok(()),
        false => Err(Failure::silent(1)),
    }
}

fn told(findings: &[Finding]) -> String {
    let width = findings.iter().map(|finding| finding.name.len()).max();
    let width = width.unwrap_or_default();
    let mut text = String::new();
    for finding in findings {
        let sign = match finding.health {
            Health::Good => "✔",
            Health::Poor => "!",
            Health::Bad => "✘",
            Health::Waiting => "∙",
        };
        text += &format!("{sign} {:width$}  {}\n", finding.name, finding.found);
        if let Some(mend) = &finding.mend {
            text += &format!("  {:width$}  → {mend}\n", "");
        }
    }
    let count = |health| {
        findings
            .iter()
            .filter(|finding| finding.health == health)
            .count()
    };
    text += &match (count(Health::Bad), count(Health::Poor)) {
        (0, 0) => "\nThis machine can do everything that poniard needs.\n".to_owned(),
        (0, poor) => {
            format!("\nThis machine runs pipelines; {poor} of these would make more possible.\n")
        }
        (bad, _) => format!("\nThis machine cannot run pipelines yet: {bad} to mend.\n"),
    };
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_waits_for_another_is_no_fault_of_its_own() {
        let rights = Finding::bad("rights", "none", "get some");
        let findings = [
            Finding::waiting("isolation", &rights),
            Finding::waiting("packet filter", &rights),
            rights,
        ];
        let text = told(&findings);
        assert!(
            text.contains("∙ isolation      waits for `rights`\n"),
            "{text}"
        );
        assert!(text.ends_with(": 1 to mend.\n"), "{text}");
        let json = serde_json::to_value(&findings[0]).expect("JSON");
        assert_eq!(json["health"], "waiting");
    }
}
