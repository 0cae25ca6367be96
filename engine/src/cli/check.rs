//! `check`: runs the checks of the modules here, all at once.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Map, Value as Json};

use crate::api::QueryError;
use crate::client::{Failure, print};

use super::args;
use super::args::Global;
use super::group::{self, Item};
use super::runtime::{Context, Interrupts, with_engine};

pub fn run(global: &Global, options: args::Check) -> Result<(), Failure> {
    if options.no_generate && options.generate {
        return Err(Failure::new(
            "if any flags in the group [no-generate generate] are set none of the others can be; [generate no-generate] were all set",
        ));
    }
    with_engine(
        global,
        Interrupts::End,
        async move |context: Arc<Context>| {
            if options.chosen.list {
                return list(&context, &options).await;
            }
            check(&context, &options).await
        },
    )
}

fn arguments(options: &args::Check) -> String {
    let (skip, only) = (options.no_generate, options.generate);
    format!(", noGenerate: {skip}, onlyGenerate: {only}")
}

async fn list(context: &Context, options: &args::Check) -> Result<(), Failure> {
    #[derive(Deserialize)]
    struct Found {
        list: Vec<Item>,
    }
    let wanted = "list { name description checkType }";
    let args = arguments(options);
    let found: Found = group::ask(context, "checks", &options.chosen, &args, wanted).await?;
    Ok(context.printer()(&table(&found.list))?)
}

/// Generators come last, under a heading of their own.
fn table(items: &[Item]) -> String {
    let (generators, checks): (Vec<_>, Vec<_>) =
        items.iter().partition(|item| item.check_type == "generate");
    let mut rows: Vec<_> = checks.into_iter().map(Item::row).collect();
    if !generators.is_empty() {
        rows.push(Default::default());
        rows.push(("Generators".to_owned(), String::new()));
        rows.extend(generators.into_iter().map(Item::row));
    }
    print::table(["Name", "Description"], &rows)
}

#[derive(Deserialize)]
struct Ran {
    name: String,
    run: Outcome,
}

#[derive(Deserialize)]
struct Outcome {
    passed: bool,
    error: Option<Why>,
}

#[derive(Deserialize)]
struct Why {
    message: String,
    values: Vec<Detail>,
}

#[derive(Deserialize)]
struct Detail {
    name: String,
    /// JSON as text.
    value: String,
}

async fn check(context: &Context, options: &args::Check) -> Result<(), Failure> {
    let args = arguments(options);
    group::warn(context, ("checks", "check"), &options.chosen, &args).await?;
    if options.failfast {
        let wanted = "run(failFast: true) { list { passed } }";
        return group::ask::<Json>(context, "checks", &options.chosen, &args, wanted)
            .await
            .map(drop)
            .map_err(|failure| Failure { code: 1, ..failure });
    }
    #[derive(Deserialize)]
    struct Found {
        list: Vec<Ran>,
    }
    let wanted = "list { name run { passed error { message values { name value } } } }";
    let found: Found = group::ask(context, "checks", &options.chosen, &args, wanted).await?;
    if found.list.is_empty() {
        return group::tell_of_none(context, "check", &options.chosen);
    }
    match failure(found.list) {
        Some(failure) => Err(failure),
        None => Ok(()),
    }
}

/// Every check that failed, with what its command wrote.
fn failure(ran: Vec<Ran>) -> Option<Failure> {
    let failed: Vec<_> = ran.into_iter().filter(|ran| !ran.run.passed).collect();
    if failed.is_empty() {
        return None;
    }
    let mut text = format!("{} checks failed", failed.len());
    for Ran { name, run } in failed {
        let why = run.error.map(reason).unwrap_or_else(|| Failure::new("?"));
        let report = why.report();
        let report = report.strip_prefix("Error: ").unwrap_or(&report);
        text += &format!("\n\n✘ {name}: {}", report.trim_end());
    }
    Some(Failure::new(text))
}

fn reason(why: Why) -> Failure {
    let extensions: Map<String, Json> = why
        .values
        .into_iter()
        .filter_map(|detail| Some((detail.name, serde_json::from_str(&detail.value).ok()?)))
        .collect();
    QueryError {
        message: why.message,
        extensions,
    }
    .into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn item(name: &str, check_type: &str) -> Item {
        Item {
            name: name.to_owned(),
            description: "What it does.\nMore.".to_owned(),
            check_type: check_type.to_owned(),
        }
    }

    #[test]
    fn generators_are_listed_below_checks() {
        let items = [item("go:lint", "check"), item("go:gen", "generate")];
        assert_eq!(
            table(&items),
            "Name         Description\ngo:lint      What it does.\n\nGenerators\ngo:gen       What it does.\n"
        );
    }

    #[test]
    fn each_failure_is_told_with_what_the_command_wrote() {
        let ran = json!([
            {"name": "a:ok", "run": {"passed": true, "error": null}},
            {"name": "a:lint", "run": {"passed": false, "error": {"message": "process failed", "values": [
                {"name": "_type", "value": "\"EXEC_ERROR\""}, {"name": "exitCode", "value": "3"},
                {"name": "stdout", "value": "\"out\\n\""}, {"name": "stderr", "value": "\"err\\n\""}]}}},
            {"name": "a:test", "run": {"passed": false, "error": {"message": "no", "values": []}}},
        ]);
        let failure = failure(serde_json::from_value(ran).expect("results")).expect("a failure");
        assert_eq!(failure.code, 1);
        assert_eq!(
            failure.message,
            "2 checks failed\n\n✘ a:lint: process failed: exit code: 3\n\nStdout:\nout\n\nStderr:\nerr\n\n✘ a:test: no"
        );
    }
}
