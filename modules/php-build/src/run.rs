//! Images that run as in Lambda, beside their database.

use poniard_sdk::prelude::*;
use poniard_sdk::serde_json::Value;

use crate::PhpBuild;
use crate::image::TASK;
use crate::lambda::{self, Report};
use crate::plan::Plan;

/// Seconds that API Gateway gives a function.
const TIMEOUT_SECS: f64 = 28.0;
/// Megabytes of Craft Cloud's and Bref's functions.
const MEMORY: u32 = 1024;

impl PhpBuild {
    /// A run that only sets up: with `setup`, or else as deployments of the
    /// project do before the new release is live.
    pub(crate) fn run_of(&self, plan: &Plan, setup: Option<Vec<String>>) -> lambda::Plan {
        let usual = match plan.settings.console.as_str() {
            "craft" => Some("php craft cloud/up"),
            "artisan" => Some("php artisan migrate --force"),
            _ => None,
        };
        let usual = usual.filter(|_| self.database.is_some());
        lambda::Plan {
            command: Vec::new(),
            set_up: setup.unwrap_or_else(|| usual.into_iter().map(str::to_owned).collect()),
            requests: Vec::new(),
            contains: String::new(),
            events: Vec::new(),
            timeout: TIMEOUT_SECS,
            memory: MEMORY,
            port: 0,
            document_root: plan.settings.document_root.clone(),
            rules: Value::Null,
            artifacts: plan.settings.artifact_url(),
        }
    }

    /// Runs an image beside a database of its own: what an earlier run left
    /// would be in the way of its migrations.
    pub(crate) async fn run(&self, image: &Container, run: lambda::Plan) -> Result<Report> {
        let application = image.directory(TASK).digest().await?;
        let purpose = format!("{application} {}", run.text()?);
        lambda::run(&self.beside_database(image, &purpose)?, run).await
    }

    pub(crate) fn beside_database(&self, image: &Container, purpose: &str) -> Result<Container> {
        match &*self.database {
            Some(database) => database.bind(image, purpose),
            None => Ok(image.clone()),
        }
    }
}
