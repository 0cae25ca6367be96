//! Which jobs a pipeline has.

use std::fs;

use test_support::repository;

use super::project::{Project, copy};

const NONE: [&str; 0] = [];

/// Two sites, one of which has changed.
fn monorepo() -> Project {
    let site = |name: &str| {
        format!(
            "  - component: $CI_SERVER_FQDN/$CI_PROJECT_PATH/website@$CI_COMMIT_SHA\n    \
             inputs: {{ name: {name}, project-directory: sites/{name}, changes: [\"sites/{name}/**/*\"] }}\n"
        )
    };
    let pipeline = format!(
        "stages: [deploy]\ninclude:\n{}{}",
        site("docs"),
        site("shop")
    );
    let project = Project::new(&pipeline);
    project.change("sites/docs/index.html", "new");
    project
}

#[test]
fn a_push_to_the_protected_default_branch_deploys_the_site_that_has_changed() {
    let project = monorepo();
    assert_eq!(project.push().jobs(), ["docs-production"]);
}

#[test]
fn a_push_to_another_or_an_unprotected_branch_deploys_nothing() {
    let project = monorepo();
    let unprotected = project.push().with("CI_COMMIT_REF_PROTECTED", "false");
    assert_eq!(unprotected.jobs(), NONE);
    project.git(&["checkout", "--quiet", "-b", "feature"]);
    assert_eq!(project.push().jobs(), NONE);
}

#[test]
fn a_push_that_changes_neither_site_deploys_nothing() {
    let project = monorepo();
    project.pushed();
    project.change("README.md", "new");
    assert_eq!(project.push().jobs(), NONE);
    assert_eq!(project.merge_request(7).jobs(), NONE);
}

#[test]
fn a_pipeline_that_no_push_has_started_deploys_nothing_by_itself() {
    let project = monorepo();
    let started_by = |source| project.push().with("CI_PIPELINE_SOURCE", source);
    assert_eq!(started_by("schedule").jobs(), NONE);
    let by_hand = ["docs-production (manual)", "shop-production (manual)"];
    assert_eq!(started_by("web").jobs(), by_hand);
}

#[test]
fn a_merge_request_gets_a_preview_of_the_site_that_it_changes_and_its_removal() {
    let project = monorepo();
    let jobs = ["docs-preview", "docs-remove-preview (manual)"];
    assert_eq!(project.merge_request(7).jobs(), jobs);
}

#[test]
fn a_merge_request_from_a_fork_gets_nothing() {
    let project = monorepo();
    let fork = ("CI_MERGE_REQUEST_SOURCE_PROJECT_ID", "4711");
    assert_eq!(project.merge_request(7).with(fork.0, fork.1).jobs(), NONE);
}

/// This repository's own pipeline.
fn own() -> Project {
    let pipeline = repository().join(".gitlab-ci.yml");
    Project::new(&fs::read_to_string(pipeline).expect("a pipeline"))
}

#[test]
fn this_repository_is_tested_by_every_pipeline_and_released_by_a_tag() {
    let project = own();
    assert_eq!(project.merge_request(7).jobs(), ["test"]);
    let jobs = ["test", "binary", "modules (manual)"];
    assert_eq!(project.push().jobs(), jobs);
    let released = ["test", "binary", "package", "release"];
    assert_eq!(project.tag("v0.1.0").jobs(), released);
}

/// The example, with the components where gitlab-ci-local keeps those of others.
fn example() -> Project {
    let project = own();
    copy(
        &repository().join("examples/gitlab"),
        &project.place.path(""),
    );
    let there = ".gitlab-ci-local/includes/gitlab.example.com/platform/poniard/v0.1.0/templates";
    copy(&repository().join("templates"), &project.place.path(there));
    project.commit();
    project.pushed();
    project
}

#[test]
fn the_sites_of_the_example_are_deployed_each_on_its_own_changes() {
    let project = example();
    assert_eq!(project.push().jobs(), NONE);
    project.change("projects/shop/build.ts", "// new");
    assert_eq!(project.push().jobs(), ["shop-production"]);
    project.change("projects/docs/build.ts", "// new");
    let both = ["docs-production", "shop-production"];
    assert_eq!(project.push().jobs(), both);
    let previews = [
        "docs-preview",
        "docs-remove-preview (manual)",
        "shop-preview",
        "shop-remove-preview (manual)",
    ];
    assert_eq!(project.merge_request(7).jobs(), previews);
    // Side by side: in one stage, waiting for nothing, in groups of their own.
    let rendered = project.push().rendered();
    for group in ["docs/production", "shop/production"] {
        assert!(
            rendered.contains(&format!("resource_group: {group}\n")),
            "{rendered}"
        );
    }
    assert!(!rendered.contains("needs:"), "{rendered}");
}

#[test]
fn the_backup_of_the_example_is_made_by_its_schedule_only() {
    let project = example();
    project.change("projects/shop/build.ts", "// new");
    let schedule = project.push().with("CI_PIPELINE_SOURCE", "schedule");
    assert_eq!(schedule.jobs(), NONE);
    let nightly = schedule.with("PONIARD_SCHEDULE", "shop-database");
    assert_eq!(nightly.jobs(), ["shop-database-backup"]);
}

#[test]
fn a_function_is_published_from_protected_branches_by_hand_and_by_the_api() {
    let project = Project::new(
        "include:\n  - component: $CI_SERVER_FQDN/$CI_PROJECT_PATH/php-lambda@$CI_COMMIT_SHA\n    \
         inputs: { name: shop, repository: shop, changes: [\"shop/**/*\"], stage: test }\n",
    );
    assert_eq!(project.push().jobs(), NONE);
    for source in ["web", "api", "trigger"] {
        let pipeline = project.push().with("CI_PIPELINE_SOURCE", source);
        assert_eq!(pipeline.jobs(), ["shop-publish"]);
        assert_eq!(pipeline.with("PONIARD_NAME", "docs").jobs(), NONE);
    }
    project.git(&["checkout", "--quiet", "-b", "develop"]);
    project.change("shop/index.php", "new");
    assert_eq!(project.push().jobs(), ["shop-publish"]);
    let unprotected = project.push().with("CI_COMMIT_REF_PROTECTED", "false");
    assert_eq!(unprotected.jobs(), NONE);
}
