//! Every case as a test of its own, run side by side.
//!
//! A case named in `pending.txt` must fail (with the built poniard; another CLI
//! has no such list). `inventory` holds the recordings to `inventory.txt`; what
//! they do not touch is in `own/`, written from Dagger's documentation and tests.

use std::fs;
use std::path::Path;
use std::process::ExitCode;
use std::sync::{Arc, OnceLock};

use conformance::{Case, Pending, compare, home, inventory, run, sink, warm};
use libtest_mimic::{Arguments, Failed, Trial};
use test_support::{Cli, turn};

fn main() -> ExitCode {
    // Modes of new files are part of what is compared.
    rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o022));
    match trials() {
        Ok(trials) => libtest_mimic::run(&Arguments::from_args(), trials).exit_code(),
        Err(problem) => {
            eprintln!("{problem}");
            ExitCode::FAILURE
        }
    }
}

fn trials() -> Result<Vec<Trial>, String> {
    let cli = Cli::under_test()?;
    let list = home().join("pending.txt");
    let pending = if cli.is_built_here() {
        Pending::read(&list)
    } else {
        Ok(Pending::default())
    };
    let pending = pending.map_err(|e| e.to_string())?;
    let mut cases = Case::all(&home().join("cases")).map_err(|e| e.to_string())?;
    cases.extend(Case::all(&home().join("own")).map_err(|e| e.to_string())?);
    if let Some(name) = pending
        .names()
        .find(|name| !cases.iter().any(|case| case.name == *name))
    {
        return Err(format!("`{}`: there is no case `{name}`", list.display()));
    }

    let suite = Arc::new(Suite {
        cli,
        warmed: OnceLock::new(),
    });
    let mut trials = vec![Trial::test("inventory", || inventory_is_complete(home()))];
    for case in cases {
        let suite = Arc::clone(&suite);
        let name = case.name.clone();
        trials.push(match pending.reason(&name).map(str::to_owned) {
            None => Trial::test(name, move || suite.passes(&case)),
            Some(reason) => {
                Trial::test(name, move || suite.fails(&case, &reason)).with_kind("pending")
            }
        });
    }
    Ok(trials)
}

struct Suite {
    cli: Cli,
    warmed: OnceLock<()>,
}

impl Suite {
    fn passes(&self, case: &Case) -> Result<(), Failed> {
        match self.problems(case)? {
            None => Ok(()),
            Some(report) => Err(report.into()),
        }
    }

    fn fails(&self, case: &Case, reason: &str) -> Result<(), Failed> {
        match self.problems(case)? {
            Some(_) => Ok(()),
            None => Err(format!("it passes: remove it from pending.txt (`{reason}`)").into()),
        }
    }

    fn problems(&self, case: &Case) -> Result<Option<String>, Failed> {
        let _turn = turn::shared()?;
        let sink = sink();
        self.warmed.get_or_init(|| {
            for problem in warm::warm(&self.cli, &sink) {
                eprintln!("cannot prepare: {problem}");
            }
        });
        let got = run::run(case, &self.cli, &sink, run::LIMIT)?;
        let problems = compare::compare(case, &got)?;
        if problems.is_empty() {
            return Ok(None);
        }
        Ok(Some(compare::report(case, &problems, &got)?))
    }
}

fn inventory_is_complete(home: &Path) -> Result<(), Failed> {
    let noted = fs::read_to_string(home.join("inventory.txt"))?;
    let differences = inventory::differences(&noted, &inventory::take(&home.join("cases"))?);
    if differences.is_empty() {
        return Ok(());
    }
    Err(format!(
        "the recordings are not those of `inventory.txt`:\n{}",
        differences.join("\n")
    )
    .into())
}
