//! Whole pipelines over the modules of this repository.

use std::fs;

use test_support::{Finished, Running};

use crate::fixture::{copy_tracked, greeter_with, module};
use crate::place::{LIMIT, Place, nonce};

/// Runs a shell script in a directory of the place, and expects success.
#[track_caller]
fn shell(place: &Place, dir: &str, script: &str) -> Finished {
    let mut command = place.command(&["shell", "--progress", "plain", "-c", script]);
    command.current_dir(place.path(dir));
    let done = Running::to_end(&mut command, "", LIMIT).expect("a run");
    assert_eq!(done.code, 0, "`{script}` fails:\n{}", done.stderr());
    done
}

/// Whether plain progress says that the command was taken from the cache.
fn cached(done: &Finished, command: &str) -> bool {
    let stderr = done.stderr();
    let number = stderr.lines().find_map(|line| {
        let (number, name) = line.split_once(' ')?;
        (name == command).then_some(number)
    });
    number.is_some_and(|number| stderr.contains(&format!("{number} CACHED")))
}

#[test]
fn the_example_site_is_built_kept_and_built_again_from_the_edited_page_on() {
    let place = Place::new();
    copy_tracked(&place, "examples/website");
    let dir = "examples/website";
    let bun = module("bun-website");
    let script = format!("{} | with-d-2 | build | export dist", bun.display());

    shell(&place, dir, &script);
    let dist = place.path(dir).join("dist");
    let index = fs::read_to_string(dist.join("index.html")).expect("a front page");
    assert!(index.contains("d2-svg"), "no diagram is drawn:\n{index}");
    assert!(index.contains(".webp"), "no image is optimised:\n{index}");
    assert!(
        dist.join("blog/one-line-pipelines/index.html").is_file(),
        "no page is made of the Markdown collection"
    );
    let checked = format!("{} | check dist", bun.display());
    shell(&place, dir, &checked);

    let again = shell(&place, dir, &script);
    if place.cli.is_built_here() {
        assert!(cached(&again, "bun run build"), "{}", again.stderr());
    }

    let page = place.path(dir).join("src/pages/about.astro");
    let text = fs::read_to_string(&page).expect("a page");
    let word = nonce();
    let heading = format!(" {word}</h1>");
    fs::write(&page, text.replace("</h1>", &heading)).expect("a page");
    let edited = shell(&place, dir, &script);
    if place.cli.is_built_here() {
        assert!(cached(&edited, "bun ci"), "{}", edited.stderr());
        assert!(!cached(&edited, "bun run build"), "{}", edited.stderr());
    }
    let about = fs::read_to_string(dist.join("about/index.html")).expect("a page");
    assert!(about.contains(&word), "{about}");
    place.nothing_is_left();
}

const PIPELINE: &str = "environments:
  production:
    branches: [main]
    url: https://example.com
    variables: { NODE_ENV: production }
";

#[test]
fn config_answers_from_any_directory_of_the_workspace() {
    let place = Place::new();
    place.write("pipeline.yaml", PIPELINE);
    place.write("some/where/deep/file", "");
    let config = module("config");
    let script = format!(
        "{} | environment production | variable NODE_ENV",
        config.display()
    );
    for dir in ["", "some/where/deep"] {
        assert_eq!(
            shell(&place, dir, &script).stdout(),
            "production",
            "in `{dir}`"
        );
    }
    shell(&place, "some", &format!("{} | validate", config.display()));

    // A result that was kept is not used for a file that has changed.
    place.write(
        "pipeline.yaml",
        PIPELINE.replace("NODE_ENV: production", "NODE_ENV: test"),
    );
    assert_eq!(shell(&place, "some", &script).stdout(), "test");
}

#[test]
fn config_answers_through_another_module_for_the_callers_workspace() {
    let source = "use poniard_sdk::prelude::*;

mod deps {
    poniard_sdk::dependencies!();
}
use deps::Dependencies;

/// Greets.
#[object]
pub struct Greeter {}

#[functions]
impl Greeter {
    /// Address of the production environment.
    #[function(cache = \"session\")]
    pub async fn address(&self) -> Result<String> {
        Ok(dag().config().environment(\"production\").url().await?)
    }
}
";
    let (place, module) = greeter_with(source, &["config"]);
    place.write("caller/pipeline.yaml", PIPELINE);
    place.write("caller/below/file", "");
    let script = format!("{} | address", module.display());
    let said = shell(&place, "caller/below", &script).stdout();
    assert_eq!(said, "https://example.com");
}
