//! One caller of the API: the command line, or a function of a module.

use std::collections::{HashMap, HashSet, VecDeque};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, Weak};

use async_graphql::dynamic::Schema;
use async_graphql::{Request, Response, Variables};
use eyre::{OptionExt, Result, bail, eyre};
use serde_json::{Map, Value as Json};

use super::functions::{ActiveCall, Results};
use super::reads::Reads;
use super::resolve::API_VERSION;
use super::server::{self, Server};
use super::{Model, QueryError, resolve, schema, sdl, support};
use crate::graph::engine::{NestedSession, Nesting};
use crate::graph::node::{Answer, Workspace};
use crate::graph::{Args, Call, Engine, Node, Object, Value, secret};
use crate::module::config::Dependency;
use crate::module::{Module, config, reference, types};
use crate::progress::Current;
use crate::store::{Digest, Hasher};

/// Directory of a module, and the name it is known by if that is not its own.
type Named = (PathBuf, Option<String>);

/// What all callers of a run share.
pub struct Shared {
    pub engine: Arc<Engine>,
    core: Arc<Model>,
    clients: AtomicU64,
    /// Objects by id.
    nodes: Mutex<HashMap<Digest, Arc<Node>>>,
    modules: tokio::sync::Mutex<HashMap<Named, Arc<Module>>>,
    pub workspace: Arc<Workspace>,
    /// Results of functions in this run.
    pub results: Results,
    /// User defaults that the user was told.
    told: Mutex<HashSet<String>>,
    /// Directory of the module that `-m` named.
    asked: Mutex<Option<PathBuf>>,
}

/// One caller.
pub struct Client {
    pub shared: Arc<Shared>,
    view: Mutex<View>,
    /// The call of a function that this client answers.
    pub call: Option<ActiveCall>,
    /// A program in a container: the machine is not for it.
    pub confined: bool,
    pub reads: Reads,
    /// Tells clients of a run apart.
    pub serial: u64,
    held: Mutex<Vec<Server>>,
}

/// The types that a client sees.
struct View {
    model: Arc<Model>,
    schema: Option<Schema>,
    modules: Vec<Arc<Module>>,
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex
        .lock()
        .unwrap_or_else(|poisoned| poisoned.into_inner())
}

impl Shared {
    pub fn new(engine: Arc<Engine>) -> Result<Arc<Self>> {
        let root = config::context(&engine.workdir);
        let path = engine
            .workdir
            .strip_prefix(&root)
            .unwrap_or(Path::new(""))
            .to_string_lossy()
            .into_owned();
        let shared = Arc::new(Self {
            engine,
            core: Arc::new(sdl::core()?),
            clients: AtomicU64::new(0),
            nodes: Mutex::default(),
            modules: Default::default(),
            workspace: Arc::new(Workspace { root, path }),
            results: Results::default(),
            told: Mutex::default(),
            asked: Mutex::default(),
        });
        let nested = NestedSessions(Arc::downgrade(&shared));
        // Whoever serves first serves all.
        let _ = shared.engine.nesting.set(Arc::new(nested));
        Ok(shared)
    }

    /// The module in a directory, read once; by its own name if there is no other.
    pub async fn module(&self, dir: &Path, name: Option<&str>) -> Result<Arc<Module>> {
        let dir = std::fs::canonicalize(dir).unwrap_or_else(|_| dir.to_owned());
        let key = (dir, name.map(str::to_owned));
        let mut modules = self.modules.lock().await;
        if let Some(module) = modules.get(&key) {
            return Ok(module.clone());
        }
        let module = Module::read(&self.engine, &key.0, name).await?;
        modules.insert(key, module.clone());
        Ok(module)
    }

    /// A module that another uses. None for one that only a Dagger Engine can run:
    /// what does not call it works without, and the user is told.
    async fn dependency(&self, dir: &Path, name: &str) -> Result<Option<Arc<Module>>> {
        if Module::is_foreign(dir)? {
            let text = format!(
                "dependency `{name}` is not written in Rust, so calls of it fail: use a Dagger Engine for them"
            );
            if locked(&self.told).insert(text.clone()) {
                self.engine.progress.note(text);
            }
            return Ok(None);
        }
        self.module(dir, Some(name)).await.map(Some)
    }

    /// Modules of the caller's workspace: toolchains of the `dagger.json` around
    /// its directory with their entries, the module itself, and the one that was
    /// asked for.
    pub async fn workspace_modules(&self) -> Result<Vec<(Arc<Module>, Option<Dependency>)>> {
        let around = config::find_up(&self.engine.workdir, config::FILE);
        let asked = locked(&self.asked).clone();
        let (mut all, mut dirs) = (Vec::new(), Vec::new());
        dirs.extend(around);
        dirs.extend(asked.filter(|dir| !dirs.contains(dir)));
        for dir in dirs {
            let module = self.module(&dir, None).await?;
            for toolchain in &module.config.toolchains {
                let found = reference::dependency_dir(&self.engine, toolchain, &dir).await?;
                let found = self.module(&found, Some(&toolchain.name)).await?;
                all.push((found, Some(toolchain.clone())));
            }
            all.push((module, None));
        }
        all.retain(|(module, _)| module.config.sdk.is_some());
        Ok(all)
    }

    /// Notes that the caller asked for the module in a directory.
    pub fn ask(&self, dir: &Path) {
        *locked(&self.asked) = Some(dir.to_owned());
    }

    /// Any module of this run, by its name and the digest of its sources.
    pub async fn module_by_key(&self, name: &str, key: &str) -> Option<Arc<Module>> {
        let modules = self.modules.lock().await;
        let mut named = modules.values().filter(|module| module.name == name);
        named
            .find(|module| module.source_key().is_ok_and(|k| k.to_string() == key))
            .cloned()
    }

    /// Digest of a module's sources and of all modules that it uses, with the
    /// user's defaults: a function may call any of them without arguments.
    pub async fn whole_key(&self, module: &Arc<Module>) -> Result<Digest> {
        let make = || async {
            let (mut seen, mut hasher) = (HashSet::new(), Hasher::new("modules-1"));
            let mut queue = VecDeque::from([module.clone()]);
            while let Some(module) = queue.pop_front() {
                if !seen.insert((module.dir.clone(), module.name.clone())) {
                    continue;
                }
                hasher.add(module.source_key()?);
                module
                    .user_defaults
                    .iter()
                    .for_each(|text| hasher.add(text));
                for dependency in &module.config.dependencies {
                    let dir =
                        reference::dependency_dir(&self.engine, dependency, &module.dir).await?;
                    queue.extend(self.dependency(&dir, &dependency.name).await?);
                }
            }
            Ok::<_, eyre::Report>(hasher.digest())
        };
        module.whole_key.get_or_try_init(make).await.copied()
    }

    /// Tells the user which of their defaults a module has, once in a run.
    fn tell_defaults(&self, module: &Module) {
        let mut told = locked(&self.told);
        for text in &module.user_defaults {
            if told.insert(text.clone()) {
                self.engine.progress.note(text);
            }
        }
    }

    pub fn known(&self, id: &Digest) -> Option<Arc<Node>> {
        locked(&self.nodes).get(id).cloned()
    }

    fn add(&self, node: Node) -> Arc<Node> {
        let mut nodes = locked(&self.nodes);
        if nodes.get(&node.id).is_some_and(|known| known.failed()) {
            nodes.remove(&node.id);
        }
        nodes
            .entry(node.id)
            .or_insert_with(|| Arc::new(node))
            .clone()
    }
}

/// Serves the API to commands in containers.
struct NestedSessions(Weak<Shared>);

impl Nesting for NestedSessions {
    fn serve(&self, listener: tokio::net::TcpListener) -> Result<NestedSession> {
        let shared = self.0.upgrade().ok_or_eyre("the run is over")?;
        let server = server::serve(listener, Client::nested(shared));
        Ok(NestedSession {
            token: server.token.clone(),
            server: Box::new(server),
        })
    }
}

impl Client {
    /// The client of the command line.
    pub fn caller(shared: Arc<Shared>) -> Result<Arc<Self>> {
        Ok(Arc::new(Self::new(shared, None, Reads::default())))
    }

    pub fn new(shared: Arc<Shared>, call: Option<ActiveCall>, reads: Reads) -> Self {
        let view = View {
            model: shared.core.clone(),
            schema: None,
            modules: Vec::new(),
        };
        let confined = call.is_some();
        let serial = shared.clients.fetch_add(1, Ordering::Relaxed);
        Self {
            shared,
            view: Mutex::new(view),
            call,
            confined,
            reads,
            serial,
            held: Mutex::default(),
        }
    }

    /// The client of a command that was given a session.
    pub fn nested(shared: Arc<Shared>) -> Arc<Self> {
        Arc::new(Self {
            confined: true,
            ..Self::new(shared, None, Reads::default())
        })
    }

    /// The client of a module's program: it sees the module and its dependencies.
    pub async fn of_module(
        shared: Arc<Shared>,
        call: ActiveCall,
        reads: Reads,
    ) -> Result<Arc<Self>> {
        let module = call.module.clone();
        let client = Self::new(shared, Some(call), reads);
        for dependency in &module.config.dependencies {
            let dir = reference::dependency_dir(client.engine(), dependency, &module.dir).await?;
            if let Some(found) = client.shared.dependency(&dir, &dependency.name).await? {
                client.add(&found)?;
            }
        }
        client.add(&module)?;
        Ok(Arc::new(client))
    }

    /// Separates the cache volumes of modules from each other.
    pub fn scope(&self) -> String {
        self.call
            .as_ref()
            .map(|call| call.module.config.name.clone())
            .unwrap_or_default()
    }

    pub fn engine(&self) -> &Arc<Engine> {
        &self.shared.engine
    }

    pub fn model(&self) -> Arc<Model> {
        locked(&self.view).model.clone()
    }

    /// Lets the client see a module.
    pub fn add(&self, module: &Arc<Module>) -> Result<()> {
        let mut view = locked(&self.view);
        let is_same = |known: &Arc<Module>| known.dir == module.dir && known.name == module.name;
        if view.modules.iter().any(is_same) {
            return Ok(());
        }
        self.shared.tell_defaults(module);
        let mut model = Model::clone(&view.model);
        types::join(&mut model, &types::Names::new(module))?;
        view.model = Arc::new(model);
        view.schema = None;
        view.modules.retain(|known| known.name != module.name);
        view.modules.push(module.clone());
        Ok(())
    }

    /// The visible module whose constructor is `field`.
    pub fn module_of(&self, field: &str) -> Option<Arc<Module>> {
        locked(&self.view)
            .modules
            .iter()
            .find(|module| module.constructor() == field)
            .cloned()
    }

    /// Keeps a server for as long as the client.
    pub fn hold(&self, server: Server) {
        locked(&self.held).push(server);
    }

    fn schema(&self) -> Result<Schema> {
        let mut view = locked(&self.view);
        if let Some(schema) = &view.schema {
            return Ok(schema.clone());
        }
        let schema = schema::build(&view.model)?;
        view.schema = Some(schema.clone());
        Ok(schema)
    }

    /// Runs a GraphQL request.
    pub async fn execute(
        self: &Arc<Self>,
        query: &str,
        variables: Json,
        operation: Option<String>,
    ) -> Response {
        let schema = match self.schema() {
            Ok(schema) => schema,
            Err(error) => {
                let error = async_graphql::ServerError::new(error.to_string(), None);
                return Response::from_errors(vec![error]);
            }
        };
        let mut request = Request::new(query)
            .variables(Variables::from_json(variables))
            .data(self.clone());
        if let Some(operation) = operation {
            request = request.operation_name(operation);
        }
        let asks = self
            .call
            .as_ref()
            .map_or_else(Current::get, |call| call.asks);
        let mut response = asks.scope(schema.execute(request)).await;
        for error in &mut response.errors {
            if let Some(refusal) = refusal(&error.message) {
                error.message = refusal;
            }
        }
        response
    }

    /// Runs a GraphQL query; gives its `data`.
    pub async fn query(self: &Arc<Self>, query: &str, variables: Json) -> Result<Json, QueryError> {
        let response = self.execute(query, variables, None).await;
        if let Some(error) = response.errors.first() {
            let extensions = error
                .extensions
                .as_ref()
                .map(serde_json::to_value)
                .and_then(Result::ok);
            let extensions = match extensions {
                Some(Json::Object(extensions)) => extensions,
                _ => Map::new(),
            };
            return Err(QueryError {
                message: error.message.clone(),
                extensions,
            });
        }
        response.data.into_json().map_err(|error| QueryError {
            message: error.to_string(),
            extensions: Map::new(),
        })
    }

    /// Answers a field of an object, or of the root.
    pub async fn select(
        self: &Arc<Self>,
        this: Option<Arc<Node>>,
        field: &str,
        mut args: Args,
    ) -> Result<Value> {
        let type_name = this
            .as_ref()
            .map_or("Query", |node| node.type_name.as_str());
        self.bind(type_name, field, &mut args).await?;
        let call = self.call_of(this.as_deref(), field, &args);
        // A secret that the caller may have is not one that every module may have.
        let asks_anew = field == "secret" && this.is_none() && self.confined;
        let stable = resolve::stable(type_name, field) && !asks_anew;
        if stable
            && let Some(node) = self.shared.known(&call.digest())
            && !node.failed()
        {
            return Ok(Value::Node(node));
        }
        let lasting = this.as_ref().is_none_or(|node| node.lasting)
            && args.bound().all(|node| node.lasting)
            && !(this.is_none()
                && matches!(field, "setSecret" | "currentModule" | "currentFunctionCall"));
        let answer = resolve::field(self, this.as_ref(), field, &args).await?;
        self.value(answer, this, call, lasting)
    }

    /// Finds the objects that ids among the arguments stand for.
    async fn bind(self: &Arc<Self>, type_name: &str, field: &str, args: &mut Args) -> Result<()> {
        let model = self.model();
        let Some(function) = model
            .object(type_name)
            .and_then(|object| object.functions.get(field))
        else {
            return Ok(());
        };
        for arg in function
            .args
            .iter()
            .filter(|arg| arg.ty.name() == "ID" && arg.expected != "ID")
        {
            let ids: Vec<String> = match args.json.get(&arg.name) {
                Some(Json::String(id)) => vec![id.clone()],
                Some(Json::Array(ids)) => ids
                    .iter()
                    .filter_map(|id| id.as_str().map(str::to_owned))
                    .collect(),
                _ => continue,
            };
            for id in ids {
                let node = self.node(&id, Some(&arg.expected)).await?;
                args.bind(id, node);
            }
        }
        Ok(())
    }

    fn call_of(&self, this: Option<&Node>, field: &str, args: &Args) -> Call {
        let mut given: Map<String, Json> = args
            .json
            .iter()
            .filter(|(_, v)| !v.is_null())
            .map(|(k, v)| (k.clone(), v.clone()))
            .collect();
        if this.is_none()
            && field == "setSecret"
            && let Some(Json::String(plaintext)) = given.get("plaintext")
        {
            let fingerprint = secret::fingerprint(self.engine(), plaintext).to_string();
            given.insert("plaintext".to_owned(), fingerprint.into());
        }
        if this.is_none() && field == "cacheVolume" {
            // Part of the call, so that it is the same volume for whoever recalls it.
            given.entry("scope").or_insert_with(|| self.scope().into());
        }
        Call {
            receiver: this.map(|node| node.id),
            field: field.to_owned(),
            args: given,
            nth: None,
        }
    }

    /// Gives ids to the objects of an answer.
    fn value(
        &self,
        answer: Answer,
        this: Option<Arc<Node>>,
        call: Call,
        lasting: bool,
    ) -> Result<Value> {
        let node = |type_name: String, object: Object, call: Call| {
            self.shared.add(Node {
                id: call.digest(),
                type_name,
                object,
                call,
                lasting,
            })
        };
        let list = |type_name: String, objects: Vec<Object>| {
            let nodes = objects.into_iter().enumerate().map(|(n, object)| {
                node(
                    type_name.clone(),
                    object,
                    Call {
                        nth: Some(n),
                        ..call.clone()
                    },
                )
            });
            Value::Nodes(nodes.collect())
        };
        Ok(match answer {
            Answer::Null => Value::Null,
            Answer::Json(json) => Value::Json(json),
            Answer::Object(type_name, object) => {
                Value::Node(node(type_name.to_owned(), object, call))
            }
            Answer::As(type_name, object, own) => {
                Value::Node(node(type_name, object, own.unwrap_or(call)))
            }
            Answer::Objects(type_name, objects) => list(type_name.to_owned(), objects),
            Answer::AsList(type_name, objects) => list(type_name, objects),
            Answer::Nodes(nodes) => Value::Nodes(nodes),
            Answer::Node(node) => Value::Node(node),
            Answer::Receiver => Value::Node(this.ok_or_else(|| eyre!("the root is no object"))?),
            Answer::This => {
                let this = this.ok_or_else(|| eyre!("the root has no id"))?;
                Value::Json(this.id.to_string().into())
            }
        })
    }

    /// An object that was not asked for by a field: for example a state.
    pub fn make(&self, type_name: &str, object: Object, call: Call, lasting: bool) -> Arc<Node> {
        self.shared.add(Node {
            id: call.digest(),
            type_name: type_name.to_owned(),
            object,
            call,
            lasting,
        })
    }

    /// The object with an id, made again if it is of an earlier run.
    pub async fn node(self: &Arc<Self>, id: &str, expected: Option<&str>) -> Result<Arc<Node>> {
        let digest: Digest = id.parse()?;
        let node = match self.shared.known(&digest) {
            Some(node) => node,
            None => Box::pin(self.recall(digest)).await?,
        };
        match expected {
            Some(expected) if expected != node.type_name && expected != "Node" => {
                bail!("`{id}` is a {}, not a {expected}", node.type_name)
            }
            _ => Ok(node),
        }
    }

    async fn recall(self: &Arc<Self>, id: Digest) -> Result<Arc<Node>> {
        let Some(call) = self.engine().store.cached::<Call>("call", &id) else {
            bail!("no object has the id `{id}`");
        };
        let receiver = match call.receiver {
            Some(receiver) => Some(self.node(&receiver.to_string(), None).await?),
            None => None,
        };
        let value = match resolve::recalled(self, &call).await? {
            Some(node) => return Ok(node),
            None => {
                self.select(receiver, &call.field, Args::new(call.args.clone()))
                    .await?
            }
        };
        match (value, call.nth) {
            (Value::Node(node), _) => Ok(node),
            (Value::Nodes(nodes), Some(n)) => nodes
                .get(n)
                .cloned()
                .ok_or_else(|| eyre!("no object has the id `{id}`")),
            _ => bail!("no object has the id `{id}`"),
        }
    }

    /// How an object is made, if an object has the id.
    fn made(&self, id: &Digest) -> Option<Call> {
        match self.shared.known(id) {
            Some(node) => Some(node.call.clone()),
            None => self.engine().store.cached("call", id),
        }
    }

    /// The objects among `ids`, and all that they are made of, these last. None
    /// if one of those is gone.
    fn closure(&self, mut ids: Vec<Digest>) -> Option<Vec<(Digest, Call)>> {
        let (mut seen, mut found) = (HashSet::new(), Vec::new());
        while let Some(id) = ids.pop() {
            if !seen.insert(id) {
                continue;
            }
            // A text among the arguments may look like an id and be none.
            let Some(call) = self.made(&id) else { continue };
            if let Some(receiver) = call.receiver {
                self.made(&receiver)?;
                ids.push(receiver);
            }
            call.args
                .values()
                .for_each(|value| ids_in(value, &mut |id| ids.push(id)));
            found.push((id, call));
        }
        Some(found)
    }

    /// Keeps how the objects in a value are made for later runs; gives the ids
    /// that are needed for it. None if something only lives in this run.
    pub fn persist(&self, value: &Json) -> Result<Option<Vec<Digest>>> {
        let mut ids = Vec::new();
        ids_in(value, &mut |id| ids.push(id));
        let Some(all) = self.closure(ids) else {
            return Ok(None);
        };
        let lasts = |id| self.shared.known(id).is_none_or(|node| node.lasting);
        if !all.iter().all(|(id, _)| lasts(id)) {
            return Ok(None);
        }
        let store = &self.engine().store;
        for (id, call) in all.iter().rev() {
            if store.cached::<Call>("call", id).is_none() {
                store.remember("call", id, call)?;
            }
        }
        Ok(Some(all.into_iter().map(|(id, _)| id).collect()))
    }

    /// Whether an object that was kept can be made.
    pub async fn is_kept(&self, id: &Digest) -> bool {
        match self.made(id) {
            None => false,
            Some(call) if call.is_module_object() => {
                let text = |name: &str| call.args.get(name).and_then(Json::as_str);
                match (text("name"), text("module")) {
                    (Some(name), Some(key)) => self.shared.module_by_key(name, key).await.is_some(),
                    _ => false,
                }
            }
            Some(_) => true,
        }
    }

    /// Secrets whose plaintext is not part of their id, among objects and all
    /// that they are made of.
    pub fn secrets_of(&self, ids: Vec<Digest>) -> Vec<Digest> {
        let all = self.closure(ids).unwrap_or_default();
        let mut secrets: Vec<_> = all
            .into_iter()
            .filter(|(_, call)| call.field == "secret")
            .map(|(id, _)| id)
            .collect();
        secrets.sort();
        secrets
    }
}

/// What is said in the place of `Unknown field "x" on type "T".`: whoever asks
/// may well ask for what a Dagger Engine has.
fn refusal(message: &str) -> Option<String> {
    let rest = message.strip_prefix("Unknown field \"")?;
    let (field, rest) = rest.split_once('"')?;
    let (type_name, _) = rest.strip_prefix(" on type \"")?.split_once('"')?;
    let unknown = || format!("Dagger's API {API_VERSION} has no `{type_name}.{field}`");
    let missing = support::refusal(type_name, field);
    missing.or_else(|| support::is_core(type_name).then(unknown))
}

/// Every id that a JSON value holds.
pub fn ids_in(value: &Json, found: &mut dyn FnMut(Digest)) {
    match value {
        Json::String(text) if text.starts_with("sha256:") => {
            if let Ok(id) = text.parse() {
                found(id);
            }
        }
        Json::Array(values) => values.iter().for_each(|value| ids_in(value, found)),
        Json::Object(fields) => fields.values().for_each(|value| ids_in(value, found)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_there_is_refused_by_name() {
        let said = refusal(r#"Unknown field "moduleSource" on type "Query"."#).unwrap();
        assert!(
            said.starts_with("`Query.moduleSource` is not implemented in poniard"),
            "{said}"
        );
        assert_eq!(refusal("something else"), None);
    }

    #[test]
    fn ids_are_found_wherever_they_are() {
        let id = Digest::of(b"x");
        let mut found = Vec::new();
        let value =
            serde_json::json!({"a": [id.to_string(), "sha256:short"], "b": {"c": id.to_string()}});
        ids_in(&value, &mut |id| found.push(id));
        assert_eq!(found, [id, id]);
    }
}
