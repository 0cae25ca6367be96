//! What the components make of their inputs is what GitLab accepts.

use std::fs;
use std::path::PathBuf;

use test_support::{repository, tools};

use super::project::Project;

const COMPONENTS: [(&str, &str); 3] = [
    ("website", ""),
    ("php-lambda", ", repository: site"),
    ("db-backup", ", bucket: backups"),
];
const RUNNERS: [&str; 3] = ["docker", "engine", "poniard"];

/// GitLab's own JSON Schema, as editors use it.
#[track_caller]
fn accepted(files: &[PathBuf]) {
    let mut command = tools::command("check-jsonschema");
    let command = command
        .args(["--builtin-schema", "vendor.gitlab-ci"])
        .args(files);
    let done = command.output().expect("no check-jsonschema");
    let said = String::from_utf8_lossy(&done.stdout);
    assert!(
        done.status.success(),
        "{said}{}",
        String::from_utf8_lossy(&done.stderr)
    );
}

fn include(inputs: impl Fn(&str, &str) -> String) -> String {
    let includes = COMPONENTS.iter().flat_map(|(component, needed)| {
        let inputs = &inputs;
        RUNNERS.iter().map(move |runner| {
            format!(
                "  - component: $CI_SERVER_FQDN/$CI_PROJECT_PATH/{component}@$CI_COMMIT_SHA\n    \
                 inputs: {{ runner: {runner}, {}{needed} }}\n",
                inputs(component, runner)
            )
        })
    });
    let includes: String = includes.collect();
    format!("stages: [deploy]\ninclude:\n{includes}")
}

#[test]
fn every_component_on_every_runner_makes_a_pipeline_that_gitlab_accepts() {
    let name = |component: &str, runner: &str| format!("name: {component}-{runner}");
    let project = Project::new(&include(name));
    let rendered = project.push().rendered();
    for (component, _) in COMPONENTS {
        for runner in RUNNERS {
            assert!(
                rendered.contains(&format!("\n{component}-{runner}-")),
                "{rendered}"
            );
        }
    }
    for word in [
        "image:\n    name: docker:27.2.0-cli",
        "docker:27.2.0-dind",
        "tcp://docker:2376",
    ] {
        assert!(rendered.contains(word), "no `{word}`:\n{rendered}");
    }
    assert!(!rendered.contains("tags:"), "{rendered}");
    project.place.write("rendered.yml", rendered);
    accepted(&[project.place.path("rendered.yml")]);
}

#[test]
fn every_job_has_the_tags_that_are_asked_for() {
    let name = |component: &str, runner: &str| {
        format!("name: {component}-{runner}, tags: [big, \"{runner}\"]")
    };
    let project = Project::new(&include(name));
    let rendered = project.push().rendered();
    let jobs = rendered.matches("\n  stage: ").count();
    assert_eq!(
        rendered.matches("\n  tags:\n    - big\n").count(),
        jobs,
        "{rendered}"
    );
    project.place.write("rendered.yml", rendered);
    accepted(&[project.place.path("rendered.yml")]);
}

#[test]
fn inputs_that_would_break_a_script_are_refused() {
    for (input, value) in [
        ("runner", "other"),
        ("project-directory", "\"it's\""),
        ("cloudflare-token", "\"$TOKEN\""),
        ("wrangler-config", "wrangler.yaml"),
        ("dagger-sha256", "abc"),
    ] {
        let project = Project::new(&format!(
            "include:\n  - component: $CI_SERVER_FQDN/$CI_PROJECT_PATH/website@$CI_COMMIT_SHA\n    \
             inputs: {{ {input}: {value} }}\n"
        ));
        let said = project.push().refused();
        assert!(said.contains(input) && said.contains("input"), "{said}");
    }
}

#[test]
fn gitlab_accepts_the_headers_of_the_components_and_the_pipelines_of_this_repository() {
    let dir = tempfile::tempdir().expect("a directory");
    let header = |file: PathBuf| {
        let text = fs::read_to_string(&file).expect("a template");
        let (header, _) = text.split_once("\n---\n").expect("a header");
        let folder = file
            .parent()
            .and_then(|dir| dir.file_name())
            .expect("a folder");
        let to = dir.path().join(folder).with_extension("yml");
        fs::write(&to, header).expect("a file");
        to
    };
    let mut files: Vec<PathBuf> = COMPONENTS
        .iter()
        .map(|(name, _)| header(template(name)))
        .collect();
    let root = repository();
    files.extend([".gitlab-ci.yml", "examples/gitlab/.gitlab-ci.yml"].map(|name| root.join(name)));
    accepted(&files);
}

#[test]
fn all_components_have_the_same_inputs_for_runners() {
    let of = |component| {
        let inputs = inputs(component).into_iter();
        inputs
            .skip_while(|(name, _)| name != "runner")
            .collect::<Vec<_>>()
    };
    let first = of("website");
    assert!(first.len() > 10);
    for (component, _) in COMPONENTS {
        assert_eq!(of(component), first, "{component}");
    }
}

#[test]
fn the_readme_has_every_input_with_its_default() {
    let readme = repository().join("templates/README.md");
    let text = fs::read_to_string(&readme).expect("a README");
    let mut wanted = text.clone();
    for (component, _) in COMPONENTS {
        let (begin, end) = (
            format!("<!-- inputs: {component} -->\n"),
            "<!-- /inputs -->",
        );
        let (before, rest) = wanted.split_once(&begin).expect("a begin");
        let (_, after) = rest.split_once(end).expect("an end");
        wanted = format!("{before}{begin}{}{end}{after}", table(component));
    }
    if std::env::var_os("UPDATE_README").is_some() {
        fs::write(readme, wanted).expect("a README");
    } else {
        assert!(text == wanted, "run this test with UPDATE_README=1");
    }
}

fn template(component: &str) -> PathBuf {
    repository()
        .join("templates")
        .join(component)
        .join("template.yml")
}

/// The inputs of a component, each with its lines.
fn inputs(component: &str) -> Vec<(String, String)> {
    let text = fs::read_to_string(template(component)).expect("a template");
    let (header, _) = text.split_once("\n---\n").expect("a header");
    let mut inputs: Vec<(String, String)> = Vec::new();
    for line in header.lines().skip(2) {
        match (line.strip_prefix("    "), inputs.last_mut()) {
            (Some(name), _) if !name.starts_with(' ') => {
                inputs.push((name.trim_end_matches(':').to_owned(), String::new()));
            }
            (Some(field), Some((_, text))) => {
                text.push_str(field.trim());
                text.push('\n');
            }
            _ => panic!("not the line of an input: {line}"),
        }
    }
    inputs
}

fn table(component: &str) -> String {
    let rows = inputs(component).into_iter().map(|(name, text)| {
        let field = |name: &str| {
            let line = text.lines().find_map(|line| line.strip_prefix(name));
            line.map(|value| value.trim_matches('"').to_owned())
        };
        let description = field("description: ").expect("a description");
        let default = match field("default: ") {
            None => "required".to_owned(),
            Some(empty) if empty.is_empty() => String::new(),
            Some(value) => format!("`{value}`"),
        };
        format!(
            "| `{name}` | {default} | {} |\n",
            description.replace('|', "\\|")
        )
    });
    let rows: String = rows.collect();
    format!("\n| input | default | |\n|---|---|---|\n{rows}\n")
}
