//! A stand-in for one Lambda function, where moto is wrong: there, revisions
//! never change and are not compared, nothing is ever pending or fails, images
//! are invoked by Docker only ([`super::instance`] runs them), a version that an alias serves can be deleted, and the first
//! two versions of the same code differ. Its check of signatures takes the
//! headers of a `GET` for its body. Of ECR this has the registry's password, of
//! STS the two ways to a role, with keys that tell which way was gone.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use axum::Router;
use axum::body::Bytes;
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use stand_ins::Server;

use super::instance::{Instances, Outcome};
use super::shop::{ACCOUNT, REGION, repository_uri};

const ARN: &str = "arn:aws:lambda:eu-west-1:123456789012:function:site";
/// Of the registry, for an hour or twelve.
pub const ECR_PASSWORD: &str = "canary-of-ecr-4Tq9";
/// As few as show that all pages are read.
const PAGE: usize = 2;
/// Of a log, in the header of an answer.
const LOG_BYTES: usize = 4096;

pub struct Cloud {
    pub server: Server,
    pub function: Shared,
}

#[derive(Clone)]
pub struct Shared(Arc<Mutex<Function>>);

/// What the function is, and what happens next.
pub struct Function {
    pub image: String,
    pub architecture: &'static str,
    pub revision: u32,
    /// Polls for which the next update is under way.
    pub update_takes: u32,
    /// How the next update ends, when not well.
    pub update_fails: Option<(&'static str, &'static str)>,
    /// Polls for which the function itself is pending: it has just been made.
    pub starts: u32,
    /// Polls for which the next version is pending.
    pub version_takes: u32,
    /// How the next version ends, when not well.
    pub version_fails: Option<(&'static str, &'static str)>,
    /// Answers of the next invocations, and whether they are errors.
    pub answers: VecDeque<(&'static str, bool)>,
    /// They run the image instead.
    pub instances: Option<Instances>,
    /// What somebody else does at the next call of this action.
    pub meanwhile: Option<(&'static str, Change)>,
    pub versions: BTreeMap<u32, Version>,
    pub aliases: BTreeMap<String, Alias>,
    /// The access key and the session token of the last request.
    pub asked_as: (String, Option<String>),
    /// Polls for which an update is under way.
    pub under_way: u32,
    /// When it was asked whether that, or a version, has come to its end.
    pub polls: Vec<Instant>,
    /// The highest number that a version ever had.
    pub newest: u32,
    last_update: Value,
}

type Change = fn(&mut Function);

#[derive(Clone)]
pub struct Version {
    pub image: String,
    pub description: String,
    /// Polls for which it is.
    pub pending: u32,
    failed: Option<(&'static str, &'static str)>,
}

#[derive(Clone, Default)]
pub struct Alias {
    pub version: String,
    pub weights: BTreeMap<String, f64>,
    pub description: String,
    pub revision: u32,
}

impl Cloud {
    /// Version 1 is published, and served by `live`.
    pub fn start() -> Self {
        let image = format!("{}@sha256:{}", repository_uri(), "0".repeat(64));
        let version = Version {
            image: image.clone(),
            description: String::new(),
            pending: 0,
            failed: None,
        };
        let live = Alias {
            version: "1".into(),
            revision: 1,
            ..Alias::default()
        };
        let function = Shared(Arc::new(Mutex::new(Function {
            image,
            architecture: "x86_64",
            revision: 1,
            update_takes: 0,
            update_fails: None,
            starts: 0,
            version_takes: 0,
            version_fails: None,
            answers: VecDeque::new(),
            instances: None,
            meanwhile: None,
            versions: BTreeMap::from([(1, version)]),
            aliases: BTreeMap::from([("live".to_owned(), live)]),
            asked_as: Default::default(),
            under_way: 0,
            polls: Vec::new(),
            last_update: json!({ "LastUpdateStatus": "Successful" }),
            newest: 1,
        })));
        let shared = function.clone();
        let router = Router::new().fallback(
            move |method: Method, uri: Uri, headers: HeaderMap, body: Bytes| async move {
                let answer = answer(&shared, &method, &uri, &headers, &body);
                answer.unwrap_or_else(IntoResponse::into_response)
            },
        );
        Self {
            server: Server::start(router).expect("a server"),
            function,
        }
    }

    pub fn function(&self) -> MutexGuard<'_, Function> {
        self.function.lock()
    }

    /// What an alias serves: `7`, or `7 8:0.1`.
    pub fn serves(&self, alias: &str) -> String {
        let function = self.function();
        let alias = &function.aliases[alias];
        let shares = alias.weights.iter();
        let shares: String = shares.map(|(v, share)| format!(" {v}:{share}")).collect();
        format!("{}{shares}", alias.version)
    }

    pub fn versions(&self) -> Vec<u32> {
        self.function().versions.keys().copied().collect()
    }

    /// How often this was asked: `PUT`, `/code`.
    pub fn asked(&self, method: &str, path: &str) -> usize {
        let asked = self.server.requests();
        let same = |one: &&stand_ins::Request| one.method == method && one.path.contains(path);
        asked.iter().filter(same).count()
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Function> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An error as Lambda writes it.
struct Refusal(StatusCode, &'static str, String);

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let Self(status, code, message) = self;
        let body = json!({ "Type": "User", "Message": message }).to_string();
        (status, [("x-amzn-errortype", code)], body).into_response()
    }
}

type Answer = Result<Response, Refusal>;

fn conflict(text: &str) -> Refusal {
    Refusal(
        StatusCode::CONFLICT,
        "ResourceConflictException",
        text.into(),
    )
}

fn missing(what: &str) -> Refusal {
    let text = format!("{what} not found: {ARN}");
    Refusal(StatusCode::NOT_FOUND, "ResourceNotFoundException", text)
}

fn stale() -> Refusal {
    let text = "The RevisionId provided does not match the latest RevisionId. Call the GetFunction/GetAlias API to retrieve the latest RevisionId";
    Refusal(
        StatusCode::PRECONDITION_FAILED,
        "PreconditionFailedException",
        text.into(),
    )
}

fn ok(value: &Value) -> Answer {
    Ok(value.to_string().into_response())
}

fn answer(shared: &Shared, method: &Method, uri: &Uri, headers: &HeaderMap, body: &[u8]) -> Answer {
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    if header("content-type") == Some("application/x-www-form-urlencoded") {
        return role(header("authorization"), body);
    }
    let authorization = header("authorization").unwrap_or_default();
    if !authorization.starts_with("AWS4-HMAC-SHA256 Credential=") || header("x-amz-date").is_none()
    {
        return Err(Refusal(
            StatusCode::FORBIDDEN,
            "MissingAuthenticationTokenException",
            "Missing Authentication Token".into(),
        ));
    }
    let key = authorization.split(['=', '/']).nth(1).unwrap_or_default();
    let token = header("x-amz-security-token").map(str::to_owned);
    shared.lock().asked_as = (key.to_owned(), token);
    if uri.path() == "/" {
        return registry(header("x-amz-target").unwrap_or_default());
    }
    let query = uri.query().unwrap_or_default();
    let parameter = |name: &str| {
        let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
        pairs
            .filter(|(key, _)| *key == name)
            .map(|(_, value)| value)
            .next()
    };
    let path = uri
        .path()
        .strip_prefix("/2015-03-31/functions/")
        .unwrap_or_default();
    let parts: Vec<&str> = path.split('/').collect();
    let event = body;
    let body: Value = serde_json::from_slice(body).unwrap_or_default();
    let mut function = shared.lock();
    let function = &mut *function;
    if parts.first() != Some(&"site") {
        return Err(missing("Function"));
    }
    match (method.as_str(), &parts[1..]) {
        ("GET", []) => {
            function.poll();
            ok(&json!({
                "Configuration": function.configuration(None),
                "Code": { "ImageUri": function.image, "ResolvedImageUri": function.image },
            }))
        }
        ("GET", ["configuration"]) => {
            let number = parameter("Qualifier").and_then(|text| text.parse().ok());
            let number = number.ok_or_else(|| missing("Version"))?;
            let version = function
                .versions
                .get(&number)
                .ok_or_else(|| missing("Version"))?;
            function.polls.push(Instant::now());
            let shown = function.configuration(Some((number, version)));
            if let Some(version) = function.versions.get_mut(&number) {
                version.pending = version.pending.saturating_sub(1);
            }
            ok(&shown)
        }
        ("PUT", ["code"]) => function.update_code(&body),
        ("POST", ["versions"]) => function.publish_version(&body),
        ("GET", ["versions"]) => {
            let mut all = vec![function.configuration(None)];
            let versions = function.versions.iter();
            all.extend(versions.map(|(number, one)| function.configuration(Some((*number, one)))));
            page("Versions", &all, parameter("Marker"))
        }
        ("GET", ["aliases"]) => {
            let all = function.aliases.iter();
            let all: Vec<_> = all.map(|(name, alias)| alias.shown(name)).collect();
            page("Aliases", &all, parameter("Marker"))
        }
        ("POST", ["aliases"]) => function.create_alias(&body),
        ("GET", ["aliases", name]) => match function.aliases.get(*name) {
            Some(alias) => ok(&alias.shown(name)),
            None => Err(missing("Alias")),
        },
        ("PUT", ["aliases", name]) => function.update_alias(name, &body),
        ("POST", ["invocations"]) => {
            function.meanwhile("invocations");
            function.invoke(parameter("Qualifier").unwrap_or("$LATEST"), event)
        }
        ("DELETE", []) => {
            let number = parameter("Qualifier").expect("never the whole function");
            function.delete(number)
        }
        (method, rest) => panic!("{method} {rest:?} is not an action of Lambda that is used"),
    }
}

/// STS: keys that are called as who gets them.
fn role(authorization: Option<&str>, form: &[u8]) -> Answer {
    let form = String::from_utf8_lossy(form);
    let has = |field: &str| form.split('&').any(|one| one == field);
    let role = "RoleArn=arn%3Aaws%3Aiam%3A%3A123456789012%3Arole%2Fdeploy";
    let by_token = has("Action=AssumeRoleWithWebIdentity")
        && has("WebIdentityToken=header%2Epayload%2Esignature")
        && authorization.is_none();
    let by_keys = has("Action=AssumeRole") && authorization.is_some();
    if !has("Version=2011-06-15") || !has(role) || !(by_token || by_keys) {
        let body = "<ErrorResponse><Error><Type>Sender</Type><Code>InvalidIdentityToken</Code><Message>Incorrect token audience</Message></Error></ErrorResponse>";
        return Ok((StatusCode::BAD_REQUEST, body).into_response());
    }
    let way = if by_token { "TOKEN" } else { "KEYS" };
    let body = format!(
        "<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>BY-{way}</AccessKeyId>\
         <SecretAccessKey>secret-by-{way}</SecretAccessKey><SessionToken>session-by-{way}</SessionToken>\
         <Expiration>2099-01-01T00:00:00Z</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>"
    );
    Ok(body.into_response())
}

fn registry(target: &str) -> Answer {
    let (_, action) = target.split_once('.').expect("an action");
    match action {
        // `AWS:` and `ECR_PASSWORD`
        "GetAuthorizationToken" => ok(&json!({ "authorizationData": [{
            "authorizationToken": "QVdTOmNhbmFyeS1vZi1lY3ItNFRxOQ==",
            "proxyEndpoint": format!("https://{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com"),
        }] })),
        "DescribeRepositories" => ok(&json!({ "repositories": [{
            "repositoryName": "site",
            "repositoryUri": repository_uri(),
        }] })),
        "BatchDeleteImage" => ok(&json!({ "imageIds": [], "failures": [] })),
        _ => panic!("{action} is not an action of ECR that is used"),
    }
}

fn page(field: &str, all: &[Value], marker: Option<&str>) -> Answer {
    let from: usize = marker.map_or(0, |marker| marker.parse().expect("a marker"));
    let rest = &all[from..];
    let mut body = json!({ field: &rest[..rest.len().min(PAGE)] });
    if rest.len() > PAGE {
        body["NextMarker"] = (from + PAGE).to_string().into();
    }
    ok(&body)
}

impl Function {
    fn meanwhile(&mut self, action: &str) {
        if let Some((_, happens)) = self.meanwhile.take_if(|(at, _)| *at == action) {
            happens(self);
        }
    }

    /// An update that is under way comes nearer to its end.
    fn poll(&mut self) {
        self.starts = self.starts.saturating_sub(1);
        if self.under_way == 0 {
            return;
        }
        self.polls.push(Instant::now());
        self.under_way -= 1;
        if self.under_way == 0 {
            self.revision += 1;
            self.last_update = match self.update_fails.take() {
                None => json!({ "LastUpdateStatus": "Successful" }),
                Some((code, reason)) => json!({
                    "LastUpdateStatus": "Failed",
                    "LastUpdateStatusReasonCode": code,
                    "LastUpdateStatusReason": reason,
                }),
            };
        }
    }

    fn configuration(&self, version: Option<(u32, &Version)>) -> Value {
        let image = version.map_or(&self.image, |(_, version)| &version.image);
        let mut shown = json!({
            "FunctionName": "site",
            "FunctionArn": ARN,
            "Version": "$LATEST",
            "PackageType": "Image",
            "Architectures": [self.architecture],
            "MemorySize": 1024,
            "CodeSha256": image.rsplit_once("sha256:").map(|(_, hex)| hex),
            "LastModified": "2026-01-31T12:00:00.000+0000",
            "State": "Active",
            "RevisionId": format!("revision-{}", self.revision),
        });
        match version {
            Some((number, version)) => {
                shown["Version"] = number.to_string().into();
                shown["FunctionArn"] = format!("{ARN}:{number}").into();
                shown["Description"] = version.description.as_str().into();
                if version.pending > 0 {
                    shown["State"] = "Pending".into();
                } else if let Some((code, reason)) = version.failed {
                    shown["State"] = "Failed".into();
                    shown["StateReasonCode"] = code.into();
                    shown["StateReason"] = reason.into();
                }
            }
            None => {
                if self.starts > 0 {
                    shown["State"] = "Pending".into();
                    return shown;
                }
                if self.under_way > 0 {
                    shown["LastUpdateStatus"] = "InProgress".into();
                    return shown;
                }
                for (name, value) in self.last_update.as_object().into_iter().flatten() {
                    shown[name] = value.clone();
                }
            }
        }
        shown
    }

    fn update_code(&mut self, body: &Value) -> Answer {
        self.meanwhile("code");
        if self.starts > 0 {
            return Err(conflict(
                "The operation cannot be performed at this time. The function is currently in the following state: Pending",
            ));
        }
        if self.under_way > 0 {
            return Err(conflict(
                "The operation cannot be performed at this time. An update is in progress for resource",
            ));
        }
        if body["RevisionId"] != format!("revision-{}", self.revision) {
            return Err(stale());
        }
        self.image = body["ImageUri"].as_str().expect("an image").to_owned();
        self.revision += 1;
        self.under_way = self.update_takes;
        self.update_takes = 0;
        self.last_update = json!({ "LastUpdateStatus": "Successful" });
        ok(&self.configuration(None))
    }

    fn publish_version(&mut self, body: &Value) -> Answer {
        if self.under_way > 0 {
            return Err(conflict(
                "The operation cannot be performed at this time. An update is in progress for resource",
            ));
        }
        if body["RevisionId"] != format!("revision-{}", self.revision) {
            return Err(stale());
        }
        let newest = self.versions.last_key_value();
        if let Some((number, newest)) = newest.filter(|(_, newest)| newest.image == self.image) {
            return ok(&self.configuration(Some((*number, newest))));
        }
        self.newest += 1;
        let version = Version {
            image: self.image.clone(),
            description: body["Description"].as_str().unwrap_or_default().to_owned(),
            pending: std::mem::take(&mut self.version_takes),
            failed: self.version_fails.take(),
        };
        self.versions.insert(self.newest, version.clone());
        self.revision += 1;
        ok(&self.configuration(Some((self.newest, &version))))
    }

    fn invoke(&mut self, version: &str, event: &[u8]) -> Answer {
        let outcome = match &self.instances {
            Some(instances) => {
                let image = version.parse().ok().and_then(|of| self.versions.get(&of));
                let image = image.map_or(&self.image, |version| &version.image);
                instances.invoke(image, version, event)
            }
            None => {
                let (answer, failed) = self.answers.pop_front().unwrap_or(("{}", false));
                Outcome {
                    payload: answer.to_owned(),
                    failed,
                    log: "START\nPHP Fatal error\nEND\n".to_owned(),
                }
            }
        };
        let mut headers = HeaderMap::new();
        let mut insert = |name: &'static str, value: &str| {
            headers.insert(name, value.parse().expect("a header"));
        };
        insert("x-amz-executed-version", version);
        let end = outcome.log.len().saturating_sub(LOG_BYTES);
        let log = STANDARD.encode(&outcome.log.as_bytes()[end..]);
        insert("x-amz-log-result", &log);
        if outcome.failed {
            insert("x-amz-function-error", "Unhandled");
        }
        Ok((headers, outcome.payload).into_response())
    }

    fn create_alias(&mut self, body: &Value) -> Answer {
        let name = body["Name"].as_str().expect("a name");
        if self.aliases.contains_key(name) {
            return Err(conflict(&format!("Alias already exists: {ARN}:{name}")));
        }
        let alias = Alias {
            version: body["FunctionVersion"].as_str().expect("a version").into(),
            revision: 1,
            ..Alias::default()
        };
        let shown = alias.shown(name);
        self.aliases.insert(name.into(), alias);
        ok(&shown)
    }

    fn update_alias(&mut self, name: &str, body: &Value) -> Answer {
        self.meanwhile("aliases");
        let alias = self.aliases.get_mut(name).ok_or_else(|| missing("Alias"))?;
        if body["RevisionId"] != format!("alias-{}", alias.revision) {
            return Err(stale());
        }
        let version = body["FunctionVersion"].as_str().expect("a version");
        let weights = &body["RoutingConfig"]["AdditionalVersionWeights"];
        let weights: BTreeMap<String, f64> =
            serde_json::from_value(weights.clone()).expect("weights");
        let there = |version: &str| {
            let number = version.parse().ok();
            number.is_some_and(|number: u32| self.versions.contains_key(&number))
        };
        if !there(version) || !weights.keys().all(|version| there(version)) {
            return Err(missing("Version"));
        }
        assert!(
            weights.len() <= 1 && !weights.contains_key(version),
            "{weights:?}"
        );
        alias.version = version.into();
        alias.weights = weights;
        alias.description = body["Description"].as_str().unwrap_or_default().into();
        alias.revision += 1;
        ok(&alias.shown(name))
    }

    fn delete(&mut self, number: &str) -> Answer {
        let used = self.aliases.values();
        let mut used =
            used.filter(|alias| alias.version == number || alias.weights.contains_key(number));
        if used.next().is_some() {
            return Err(conflict(
                "Unable to delete version because the following aliases reference it",
            ));
        }
        let gone = number
            .parse()
            .ok()
            .and_then(|number: u32| self.versions.remove(&number));
        gone.map(|_| StatusCode::NO_CONTENT.into_response())
            .ok_or_else(|| missing("Version"))
    }
}

impl Alias {
    fn shown(&self, name: &str) -> Value {
        json!({
            "AliasArn": format!("{ARN}:{name}"),
            "Name": name,
            "FunctionVersion": self.version,
            "Description": self.description,
            "RoutingConfig": { "AdditionalVersionWeights": self.weights },
            "RevisionId": format!("alias-{}", self.revision),
        })
    }
}
