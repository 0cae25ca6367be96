//! A plugin against versions of PHP and of packages: every combination in a
//! container of its own, with one cache of downloads.
//!
//! [`report`] holds the rows and writes them as Markdown and as JUnit XML.

pub mod report;

use std::time::{SystemTime, UNIX_EPOCH};

use futures::{StreamExt, stream, try_join};
use poniard_sdk::api::ContainerWithExecOptsBuilder;
use poniard_sdk::prelude::*;

use crate::composer::platform::COMPOSER;
use crate::{PhpBuild, composer, image, settings};
use report::{Outcome, Row};

/// At once: more would only wait for the processors of the engine.
const AT_ONCE: usize = 4;
const PROJECT: &str = "/project";

/// What Bref's base has switched off, and plugins may require.
const ENABLED: [&str; 4] = ["apcu", "intl", "redis", "soap"];

/// One cell that is to be tried.
#[derive(Clone, Debug, PartialEq)]
pub struct Cell {
    pub php: String,
    /// `vendor/name:constraint`, several with blanks between.
    pub packages: String,
}

/// Every combination, in the order of the arguments.
pub fn cells(php: &[String], packages: &[String]) -> Result<Vec<Cell>> {
    ensure!(
        !php.is_empty(),
        "no PHP version: pass `--php`, such as `8.2,8.4`"
    );
    let packages: &[String] = match packages {
        [] => &[String::new()],
        packages => packages,
    };
    for package in packages.iter().flat_map(|all| all.split_whitespace()) {
        let named = package
            .split_once(':')
            .is_some_and(|(name, constraint)| name.contains('/') && !constraint.is_empty());
        ensure!(
            named,
            "`{package}` is no package with a constraint: write it as `craftcms/cms:^5.0`"
        );
    }
    let all = php.iter().flat_map(|php| {
        packages.iter().map(move |packages| Cell {
            php: php.clone(),
            packages: packages.clone(),
        })
    });
    Ok(all.collect())
}

impl PhpBuild {
    /// Tries all cells, each on its base with `extensions` added.
    pub(crate) async fn rows(
        &self,
        workspace: &Workspace,
        cells: Vec<Cell>,
        extensions: &[String],
        command: String,
    ) -> Result<Vec<Row>> {
        let (project, platform) = try_join!(self.project(workspace), self.base_platform())?;
        let mut runs = Vec::new();
        for cell in cells {
            let of = |kind: &str| settings::image(kind, &cell.php, &platform, &self.bref_version);
            let extras = extensions
                .iter()
                .map(|name| of(&format!("extra-{name}-php")));
            let extras: Vec<String> = extras.collect::<Result<_>>()?;
            let base = self.container(&of("php")?, &platform)?;
            let base = image::with_enabled(&image::with_images(&base, &extras), &ENABLED);
            runs.push((cell, self.with_auth(&self.with_variables(&base))));
        }
        let bench = Bench {
            composer: self.composer().file("/usr/bin/composer"),
            source: project.load().await?.source,
            command: vec!["sh".to_owned(), "-c".to_owned(), command],
        };
        Ok(bench.run(runs).await)
    }
}

/// Where the cells run.
struct Bench {
    composer: File,
    source: Directory,
    command: Vec<String>,
}

impl Bench {
    /// Tries all cells; one that fails does not stop the others.
    async fn run(&self, cells: Vec<(Cell, Container)>) -> Vec<Row> {
        let tried = cells.into_iter().map(|(cell, base)| async move {
            match self.cell(&cell, &base).await {
                Ok(row) => row,
                Err(why) => Row::new(&cell, Outcome::Error, format!("{why:#}")),
            }
        });
        stream::iter(tried).buffered(AT_ONCE).collect().await
    }

    async fn cell(&self, cell: &Cell, base: &Container) -> Result<Row> {
        let any = || {
            ContainerWithExecOptsBuilder::default()
                .expect(ReturnType::Any)
                .build()
        };
        let mut update = vec!["php", COMPOSER, "update", "--no-progress", "--no-ansi"];
        let pins: Vec<String> = cell
            .packages
            .split_whitespace()
            .map(|package| format!("--with={package}"))
            .collect();
        update.extend(pins.iter().map(String::as_str));
        let updated = composer::container(base)
            .with_env_variable("COMPOSER_HOME", "/tmp/composer")
            .with_mounted_file(COMPOSER, self.composer.clone())
            // What is newest may be another version tomorrow.
            .with_env_variable("PHP_BUILD_DAY", today())
            .with_directory(PROJECT, self.source.clone())
            .with_workdir(PROJECT)
            .with_exec_opts(update, any()?);
        let code = updated.exit_code().await?;
        if code != 0 {
            return Ok(Row::new(
                cell,
                Outcome::Unresolved,
                updated.combined_output().await?,
            ));
        }
        let done = updated.with_exec_opts(self.command.clone(), any()?);
        let outcome = match done.exit_code().await? {
            0 => Outcome::Passed,
            _ => Outcome::Failed,
        };
        Ok(Row::new(cell, outcome, done.combined_output().await?))
    }
}

/// Days since 1970.
fn today() -> String {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    (since.as_secs() / (24 * 60 * 60)).to_string()
}
