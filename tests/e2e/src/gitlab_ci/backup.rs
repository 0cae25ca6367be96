//! A database, backed up by the component: by its schedule and by hand.

use stand_ins::gitlab::{self, Gitlab, Role, Scope};
use test_support::repository;

use super::project::{Pipeline, Project};
use crate::databases::s3::{ACCESS_KEY_ID, SECRET_ACCESS_KEY, Store};
use crate::databases::server::{Database, Served};

const GITLAB_TOKEN: &str = "glpat-for-statuses-7hQ2";

/// A repository whose pipeline backs up a database that runs beside it.
struct Shop {
    project: Project,
    store: Store,
    gitlab: Gitlab,
    server: Served,
}

impl Shop {
    fn new() -> Self {
        let gitlab = Gitlab::start().expect("a stand-in");
        let bot = gitlab.user("bot", Role::Developer);
        gitlab.token(GITLAB_TOKEN, &bot, Scope::Api);
        let store = Store::moto();
        let host = store.proxy.address().ip();

        let project = Project::new("stages: [deploy]\n");
        let runner = project.real_cli();
        // The job tells of a commit that this GitLab knows.
        let pipeline = format!(
            "stages: [deploy]
include:
  - component: $CI_SERVER_FQDN/$CI_PROJECT_PATH/db-backup@$CI_COMMIT_SHA
    inputs:
      name: shop
      runner: {runner}
      bucket: backups
      modules: {}
      options: --endpoint {} --jobs 2 --keep-last 1
shop-backup:
  variables:
    CI_COMMIT_SHA: {}
",
            repository().join("modules").display(),
            store.proxy.url(),
            gitlab::COMMIT,
        );
        let config = format!(
            "gitlab: {{ url: \"{}\", project-id: \"{}\" }}\n",
            gitlab.url(),
            gitlab::PROJECT,
        );
        project.place.write(".gitlab-ci.yml", pipeline);
        project.place.write("pipeline.yaml", config);
        project.commit();

        let database = Database::of("postgres:15");
        database.write(&project.place, "");
        let server = database.serve(&project.place, host);
        Self {
            project,
            store,
            gitlab,
            server,
        }
    }

    fn pipeline(&self, source: &str) -> Pipeline<'_> {
        self.project
            .push()
            .with("CI_PIPELINE_SOURCE", source)
            .with("PONIARD_SCHEDULE", "shop")
            .with("DATABASE_URL", &self.server.url)
            .with("BACKUP_ACCESS_KEY_ID", ACCESS_KEY_ID)
            .with("BACKUP_SECRET_ACCESS_KEY", SECRET_ACCESS_KEY)
            .with("CICD_COMMENT_TOKEN", GITLAB_TOKEN)
    }

    /// State and description of the last status.
    fn told(&self) -> (String, String) {
        let status = self.gitlab.statuses().pop().expect("a status");
        assert_eq!(status.name, "shop");
        (status.state, status.description.unwrap_or_default())
    }
}

#[test]
fn a_backup_is_proven_at_night_made_by_hand_and_a_failure_is_told() {
    let shop = Shop::new();
    let said = shop.pipeline("schedule").succeeds("shop-backup");
    assert!(said.contains("restored and compared"), "{said}");
    assert_eq!(shop.told().0, "success");
    let first = shop.store.backups();
    assert_eq!(first.len(), 1, "{first:?}");

    let said = shop.pipeline("web").succeeds("shop-backup");
    assert!(!said.contains("restored and compared"), "{said}");
    assert_eq!(shop.told().0, "success");
    let second = shop.store.backups();
    assert_eq!(second.len(), 1, "{second:?}");
    assert_ne!(first, second);

    let nobody = shop
        .server
        .url
        .replacen("postgres:", "nobody:", 2)
        .replacen("nobody:", "postgres:", 1);
    let pipeline = shop.pipeline("schedule").with("DATABASE_URL", &nobody);
    let said = pipeline.fails("shop-backup", "password authentication failed");
    let (state, description) = shop.told();
    assert_eq!(state, "failed");
    assert!(
        description.contains("password authentication failed"),
        "{description}"
    );
    assert_eq!(shop.store.backups(), second, "the only good one is gone");
    for secret in [&shop.server.url, SECRET_ACCESS_KEY, GITLAB_TOKEN] {
        assert!(!said.contains(secret), "a secret is shown:\n{said}");
    }
}
