//! `pipeline.yaml`: its schema, and what it says once it is valid.

use std::collections::{BTreeMap, HashMap};

use crate::branch;
use crate::document::{self, Node};
use crate::fields::{At, Fields, Report, single};
use crate::problems::{Position, Problems};
use crate::rules;

/// What a valid `pipeline.yaml` says.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Pipeline {
    pub cloudflare_account_id: Option<String>,
    pub gitlab_url: Option<String>,
    pub gitlab_project_id: Option<String>,
    pub aws_region: Option<String>,
    /// In the order of the file.
    pub environments: Vec<Settings>,
}

/// What it says of one environment.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Settings {
    pub name: String,
    pub branches: Vec<String>,
    pub merge_requests: bool,
    pub url: Option<String>,
    pub variables: Vec<(String, String)>,
    /// Names and URIs, with those of the whole file.
    pub secrets: BTreeMap<String, String>,
    pub cloudflare_env: Option<String>,
    pub lambda_function: Option<String>,
    pub lambda_alias: Option<String>,
}

/// Reads `text`; `file` is its name in messages.
pub fn parse(file: &str, text: &str) -> Result<Pipeline, Problems> {
    let (root, mut problems) =
        document::parse(text).map_err(|problem| Problems::new(file, vec![problem]))?;
    let report = Report::default();
    let pipeline = Fields::of(&report, "", &root).map(|root| read(&report, root));
    problems.extend(report.into_problems());
    match pipeline {
        Some(pipeline) if problems.is_empty() => Ok(pipeline),
        _ => Err(Problems::new(file, problems)),
    }
}

fn read(report: &Report, mut root: Fields) -> Pipeline {
    let mut pipeline = Pipeline::default();
    if let Some(mut cloudflare) = root.map("cloudflare") {
        pipeline.cloudflare_account_id = value(cloudflare.text("account-id", rules::id));
        cloudflare.end();
    }
    if let Some(mut gitlab) = root.map("gitlab") {
        pipeline.gitlab_url = value(gitlab.text("url", rules::url));
        pipeline.gitlab_project_id = value(gitlab.text("project-id", rules::project_id));
        gitlab.end();
    }
    if let Some(mut aws) = root.map("aws") {
        pipeline.aws_region = value(aws.text("region", rules::region));
        aws.end();
    }
    let shared = root
        .map("secrets")
        .map(|map| secrets(report, map))
        .unwrap_or_default();
    if let Some(map) = root.map("environments") {
        pipeline.environments = environments(report, &map, &shared);
    }
    root.end();
    pipeline
}

fn environments(report: &Report, map: &Fields, shared: &BTreeMap<String, String>) -> Vec<Settings> {
    let mut owners = Owners::default();
    let read = map.entries().iter().filter_map(|(key, node)| {
        let name =
            rules::environment_name(&key.name).map_err(|why| format!("`environments`: {why}"));
        report.check(key.at, name)?;
        environment(report, map, &key.name, node, shared, &mut owners)
    });
    let read = read.collect();
    owners.end(report);
    read
}

fn environment(
    report: &Report,
    parent: &Fields,
    name: &str,
    node: &Node,
    shared: &BTreeMap<String, String>,
    owners: &mut Owners,
) -> Option<Settings> {
    let mut fields = Fields::of(report, &parent.path_of(name), node)?;
    let branches = fields.texts("branches", branch::pattern);
    let merge_requests = fields.flag("merge-requests");
    let has_merge_requests = merge_requests.as_ref().is_some_and(|flag| flag.value);
    owners.add(
        name,
        &branches,
        merge_requests.filter(|flag| flag.value).map(|flag| flag.at),
    );
    let url = fields.text("url", |text| {
        rules::url_of_environment(text, has_merge_requests)
    });
    let variables = fields.map("variables").map(|map| variables(report, map));
    let mut all_secrets = shared.clone();
    all_secrets.extend(
        fields
            .map("secrets")
            .map(|map| secrets(report, map))
            .unwrap_or_default(),
    );
    let cloudflare_env = fields.text("cloudflare-env", rules::id);
    let (mut lambda_function, mut lambda_alias) = (None, None);
    if let Some(mut lambda) = fields.map("lambda") {
        lambda_function = lambda.text("function", rules::lambda_function);
        lambda_alias = lambda.text("alias", rules::lambda_alias);
        if lambda.node("function").is_none() {
            lambda.missing("function");
        }
        lambda.end();
    }
    fields.end();
    Some(Settings {
        name: name.to_owned(),
        branches: branches.into_iter().map(|branch| branch.value).collect(),
        merge_requests: has_merge_requests,
        url: value(url),
        variables: variables.unwrap_or_default(),
        secrets: all_secrets,
        cloudflare_env: value(cloudflare_env),
        lambda_function: value(lambda_function),
        lambda_alias: value(lambda_alias),
    })
}

/// Who claims which branches and merge requests.
#[derive(Default)]
struct Owners {
    branches: Vec<(String, At<String>)>,
    merge_requests: Vec<(String, Position)>,
}

impl Owners {
    fn add(&mut self, name: &str, branches: &[At<String>], merge_requests: Option<Position>) {
        self.branches.extend(
            branches
                .iter()
                .map(|branch| (name.to_owned(), branch.clone())),
        );
        self.merge_requests
            .extend(merge_requests.map(|at| (name.to_owned(), at)));
    }

    /// Notes what two environments claim.
    fn end(self, report: &Report) {
        let mut first: HashMap<String, String> = HashMap::new();
        for (owner, branch) in self.branches {
            if let Some(other) = first.get(&branch.value) {
                let message = format!("branch `{}` belongs to `{other}` already", branch.value);
                report.note(branch.at, message);
            } else {
                first.insert(branch.value, owner);
            }
        }
        if let Some(((owner, _), others)) = self.merge_requests.split_first() {
            for (_, at) in others {
                report.note(*at, format!("merge requests belong to `{owner}` already"));
            }
        }
    }
}

fn variables(report: &Report, map: Fields) -> Vec<(String, String)> {
    let read = map.entries().iter().filter_map(|(key, node)| {
        let path = map.path_of(&key.name);
        let name = rules::variable_name(&key.name).map_err(|why| format!("`{path}`: {why}"));
        report.check(key.at, name)?;
        Some((key.name.clone(), single(report, &path, node)?.to_owned()))
    });
    read.collect()
}

fn secrets(report: &Report, map: Fields) -> BTreeMap<String, String> {
    let read = map.entries().iter().filter_map(|(key, node)| {
        let path = map.path_of(&key.name);
        let name = rules::variable_name(&key.name).map_err(|why| format!("`{path}`: {why}"));
        report.check(key.at, name)?;
        let uri = rules::secret_uri(single(report, &path, node)?);
        let uri = report.check(node.at, uri.map_err(|why| format!("`{path}`: {why}")))?;
        Some((key.name.clone(), uri))
    });
    read.collect()
}

fn value<T>(at: Option<At<T>>) -> Option<T> {
    at.map(|at| at.value)
}

impl Pipeline {
    pub fn environment(&self, name: &str) -> Option<&Settings> {
        self.environments
            .iter()
            .find(|settings| settings.name == name)
    }

    /// The environment that `branch` belongs to, if any.
    pub fn for_branch(&self, branch: &str) -> Result<Option<&Settings>, branch::Ambiguous> {
        let pairs = self.environments.iter().flat_map(|settings| {
            let name = settings.name.as_str();
            settings
                .branches
                .iter()
                .map(move |pattern| (pattern.as_str(), name))
        });
        Ok(branch::choose(branch, pairs)?.and_then(|name| self.environment(name)))
    }

    /// The environment of merge requests, if any.
    pub fn for_merge_requests(&self) -> Option<&Settings> {
        self.environments
            .iter()
            .find(|settings| settings.merge_requests)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WHOLE: &str = r#"
cloudflare: { account-id: "0123456789abcdef0123456789abcdef" }
gitlab: { url: https://gitlab.com/, project-id: 42 }
aws: { region: eu-west-1 }
secrets: { CLOUDFLARE_API_TOKEN: env://CLOUDFLARE_WORKERS_TOKEN, SHARED: file://a }
environments:
  production:
    branches: [main]
    url: https://example.com
    variables: { NODE_ENV: production, WORKERS: 4, DEBUG: false }
    secrets: { SHARED: op://vault/item/field }
    cloudflare-env: production
    lambda: { function: site, alias: live }
  staging: { branches: [develop, "release/*"] }
  preview: { merge-requests: true, url: "https://mr-{iid}.example.com" }
"#;

    #[test]
    fn every_key_is_read() {
        let pipeline = parse("pipeline.yaml", WHOLE).unwrap();
        assert_eq!(pipeline.gitlab_project_id.as_deref(), Some("42"));
        assert_eq!(pipeline.gitlab_url.as_deref(), Some("https://gitlab.com"));
        assert_eq!(pipeline.aws_region.as_deref(), Some("eu-west-1"));
        let production = pipeline.environment("production").unwrap();
        assert_eq!(production.cloudflare_env.as_deref(), Some("production"));
        assert_eq!(production.lambda_function.as_deref(), Some("site"));
        assert_eq!(production.lambda_alias.as_deref(), Some("live"));
        let variables: Vec<_> = production
            .variables
            .iter()
            .map(|(k, v)| format!("{k}={v}"))
            .collect();
        assert_eq!(
            variables,
            ["NODE_ENV=production", "WORKERS=4", "DEBUG=false"]
        );
        assert_eq!(pipeline.for_merge_requests().unwrap().name, "preview");
    }

    #[test]
    fn an_environments_secret_wins_over_the_shared_one() {
        let pipeline = parse("pipeline.yaml", WHOLE).unwrap();
        let of = |name: &str| pipeline.environment(name).unwrap().secrets["SHARED"].clone();
        assert_eq!(of("production"), "op://vault/item/field");
        assert_eq!(of("staging"), "file://a");
    }

    #[test]
    fn a_branch_finds_its_environment() {
        let pipeline = parse("pipeline.yaml", WHOLE).unwrap();
        let of = |branch: &str| pipeline.for_branch(branch).unwrap().map(|s| s.name.clone());
        assert_eq!(of("main").as_deref(), Some("production"));
        assert_eq!(of("release/1.4").as_deref(), Some("staging"));
        assert_eq!(of("feature/x"), None);
    }

    #[test]
    fn an_empty_file_is_valid_and_says_nothing() {
        for text in ["", "# nothing\n", "environments:\n"] {
            assert_eq!(
                parse("pipeline.yaml", text).unwrap(),
                Pipeline::default(),
                "{text}"
            );
        }
    }

    #[test]
    fn every_problem_is_reported_at_its_place() {
        let text = r#"cloudflare: { account_id: abc }
gitlab:
  url: gitlab.com
  project-id: [42]
aws: eu-west-1
secrets:
  TOKEN: hunter2
  2ND: env://X
environments:
  production:
    branches: main
    variabels: { A: b }
    merge-requests: yes
    lambda: { alias: 7 }
  staging:
    branches: [develop, "v[0-9]"]
    url: https://{iid}.example.com
    merge-requests: true
  preview:
    branches: [develop]
    merge-requests: true
    variables: { A: { b: c } }
environment: {}
"#;
        let problems = parse("pipeline.yaml", text).unwrap_err().to_string();
        assert!(!problems.contains("hunter2"), "{problems}");
        let expected = "\
16 problems in `pipeline.yaml`:
pipeline.yaml:1:15: unknown key `account_id` in `cloudflare`: did you mean `account-id`? (allowed: account-id)
pipeline.yaml:3:8: `gitlab.url`: expected an address that starts with https:// or http://
pipeline.yaml:4:15: `gitlab.project-id` must be a single value, not a list
pipeline.yaml:5:6: `aws` must be a mapping, not a single value
pipeline.yaml:7:10: `secrets.TOKEN`: this looks like a plaintext (not shown): write where the secret is, as one of env://, file://, cmd://, op://, vault://, libsecret://, gcp://, aws+sm://, aws+ps://
pipeline.yaml:8:3: `secrets.2ND`: expected a variable's name: letters, digits and `_`, no digit first
pipeline.yaml:11:15: `environments.production.branches` must be a list, not a single value; write `branches: [ … ]`
pipeline.yaml:12:5: unknown key `variabels` in `environments.production`: did you mean `variables`? (allowed: branches, merge-requests, url, variables, secrets, cloudflare-env, lambda)
pipeline.yaml:13:21: `environments.production.merge-requests` must be true or false
pipeline.yaml:14:13: `environments.production.lambda.function` is missing
pipeline.yaml:14:22: `environments.production.lambda.alias`: expected letters, digits, `-` and `_`, not only digits
pipeline.yaml:16:25: `environments.staging.branches[1]`: `[` cannot be in a branch's name; only `*` stands for others
pipeline.yaml:20:16: branch `develop` belongs to `staging` already
pipeline.yaml:21:21: merge requests belong to `staging` already
pipeline.yaml:22:21: `environments.preview.variables.A` must be a single value, not a mapping
pipeline.yaml:23:1: unknown key `environment`: did you mean `environments`? (allowed: cloudflare, gitlab, aws, secrets, environments)";
        assert_eq!(problems, expected);
    }
}
