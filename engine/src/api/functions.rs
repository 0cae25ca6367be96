//! Calls of modules' functions: arguments in, a program run, a value out, and
//! remembering it as the function's cache policy says.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use eyre::{Result, bail, eyre};
use futures::FutureExt;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};

use super::client::{Client, ids_in};
use super::model::TypeRef;
use super::reads::{Read, Reads};
use super::{resolve, sdl, server};
use crate::exec::{Bind, Process};
use crate::graph::node::{Answer, ModuleObject};
use crate::graph::{Args, Call, Failure, Node, Object};
use crate::module::types::{ArgDoc, FunctionDoc, Names};
use crate::module::{Module, build};
use crate::store::{Digest, Filter, Hasher, Store};

/// How long a result is good for when the function does not say.
const DEFAULT_TTL: Duration = Duration::from_secs(7 * 24 * 3600);

/// The call that a module's program answers.
pub struct ActiveCall {
    pub module: Arc<Module>,
    /// Empty for the constructor.
    pub function: String,
    pub object: String,
    pub parent: Json,
    pub args: Vec<(String, Json)>,
    pub result: Mutex<Option<Result<Json, Failure>>>,
}

impl ActiveCall {
    /// Takes what the program answers; an error is not taken back by a value.
    pub fn answer(&self, result: Result<Json, Failure>) {
        let mut slot = self
            .result
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner());
        if !matches!(*slot, Some(Err(_))) {
            *slot = Some(result);
        }
    }

    fn take(&self) -> Option<Result<Json, Failure>> {
        self.result
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner())
            .take()
    }
}

type Pending = futures::future::Shared<futures::future::BoxFuture<'static, Result<Json, Failure>>>;

/// Results of functions in this run, so that equal calls are one.
#[derive(Default)]
pub struct Memo(Mutex<HashMap<Digest, Pending>>);

/// A result kept for later runs.
#[derive(Serialize, Deserialize)]
struct Kept {
    /// Seconds since 1970.
    until: u64,
    value: Json,
    reads: Vec<Read>,
}

/// When a function runs again.
enum Policy {
    Never,
    Session,
    For(Duration),
}

impl Policy {
    fn of(module: &Module, function: &FunctionDoc) -> Result<Self> {
        Ok(match function.cache.as_deref() {
            Some("never") => Self::Never,
            Some("session") => Self::Session,
            Some(text) => match duration(text) {
                Some(Duration::ZERO) => Self::Never,
                Some(ttl) => Self::For(ttl),
                None => bail!(
                    "cache policy `{text}` of `{}`: expected never, session or a duration like 20s",
                    function.name
                ),
            },
            None if module.config.disable_default_function_caching => Self::Session,
            None => Self::For(DEFAULT_TTL),
        })
    }
}

/// Reads `20s`, `5m`, `1h`, `7d` and sums of them.
fn duration(text: &str) -> Option<Duration> {
    let mut seconds = 0u64;
    let mut rest = text;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit())?;
        let number: u64 = rest[..digits].parse().ok()?;
        let unit = match rest[digits..].chars().next()? {
            's' => 1,
            'm' => 60,
            'h' => 3600,
            'd' => 86400,
            _ => return None,
        };
        seconds = seconds.checked_add(number.checked_mul(unit)?)?;
        rest = &rest[digits + 1..];
    }
    (!text.is_empty()).then_some(Duration::from_secs(seconds))
}

/// The constructor of a module.
pub async fn construct(client: &Arc<Client>, module: &Arc<Module>, args: &Args) -> Result<Answer> {
    let main = module.main();
    let Some(doc) = module
        .types
        .object(&main)
        .and_then(|object| object.constructor.clone())
    else {
        return Ok(Answer::Node(object(
            client,
            module,
            &main,
            Json::Object(Map::new()),
        )?));
    };
    let doc = FunctionDoc {
        name: String::new(),
        ty: format!("{main}!"),
        ..doc
    };
    call(client, module, &main, &doc, Json::Null, args).await
}

/// A field or function of a module's object.
pub async fn select(
    client: &Arc<Client>,
    this: &ModuleObject,
    field: &str,
    args: &Args,
) -> Result<Answer> {
    let module = &this.module;
    let def = module
        .types
        .object(&this.object)
        .ok_or_else(|| eyre!("module `{}` has no object `{}`", module.name, this.object))?;
    if let Some(doc) = def.fields.iter().find(|doc| doc.name == field) {
        let value = this.state.get(field).cloned().unwrap_or(Json::Null);
        return answer(client, module, &doc.ty, value).await;
    }
    let doc = def
        .functions
        .iter()
        .find(|doc| doc.name == field)
        .ok_or_else(|| {
            eyre!(
                "`{}` of module `{}` has no function `{field}`",
                this.object,
                module.name
            )
        })?;
    call(client, module, &this.object, doc, this.state.clone(), args).await
}

async fn call(
    client: &Arc<Client>,
    module: &Arc<Module>,
    object: &str,
    doc: &FunctionDoc,
    parent: Json,
    args: &Args,
) -> Result<Answer> {
    let mut inputs = Vec::new();
    for arg in &doc.args {
        if let Some(value) = input(client, module, arg, args).await? {
            inputs.push((arg.name.clone(), value));
        }
    }
    let value = match Policy::of(module, doc)? {
        Policy::Never => {
            run(
                client,
                module,
                object,
                doc,
                parent,
                inputs,
                client.reads.below(),
            )
            .await?
        }
        policy => once(client, module, object, doc, parent, inputs, policy).await?,
    };
    answer(client, module, &doc.ty, value).await
}

/// What the program gets for an argument; nothing if it is left out.
async fn input(
    client: &Arc<Client>,
    module: &Arc<Module>,
    arg: &ArgDoc,
    args: &Args,
) -> Result<Option<Json>> {
    let ty = sdl::parse_type(&arg.ty)?;
    let names = Names::new(&module.name, &module.types);
    let given = args.json.get(&arg.name);
    let default_path = arg.default_path.as_deref().filter(|path| !path.is_empty());
    match given {
        None | Some(Json::Null) if ty.name() == "Workspace" => {
            Ok(Some(resolve::workspace_node(client).id.to_string().into()))
        }
        None | Some(Json::Null) if default_path.is_some() => {
            let path = default_path.unwrap_or_default();
            let node = resolve::of_module(client, module, ty.name(), path, &arg.ignore).await?;
            Ok(Some(node.id.to_string().into()))
        }
        None => Ok(None),
        Some(value) if names.is_object(ty.name()) => own_states(client, value).await.map(Some),
        Some(Json::String(id))
            if ty.name() == "Directory" && !arg.ignore.is_empty() && default_path.is_none() =>
        {
            let node = client.node(id, Some("Directory")).await?;
            let filter = Filter {
                exclude: arg.ignore.clone(),
                ..Filter::default()
            };
            let filtered = resolve::filtered(client, &node, filter)?;
            Ok(Some(filtered.id.to_string().into()))
        }
        Some(value) => Ok(Some(value.clone())),
    }
}

/// States in the place of ids of own objects.
async fn own_states(client: &Arc<Client>, value: &Json) -> Result<Json> {
    match value {
        Json::String(id) => match &client.node(id, None).await?.object {
            Object::Module(object) => Ok(object.state.clone()),
            _ => bail!("`{id}` is no object of a module"),
        },
        Json::Array(values) => {
            let mut states = Vec::new();
            for value in values {
                states.push(Box::pin(own_states(client, value)).await?);
            }
            Ok(states.into())
        }
        other => Ok(other.clone()),
    }
}

/// Turns a program's value into an answer of the declared type.
async fn answer(
    client: &Arc<Client>,
    module: &Arc<Module>,
    ty: &str,
    value: Json,
) -> Result<Answer> {
    let ty = sdl::parse_type(ty)?;
    let names = Names::new(&module.name, &module.types);
    if value.is_null() {
        if ty.required() && ty.name() != "Void" {
            bail!(
                "module `{}` returned nothing where `{ty}` was declared",
                module.name
            );
        }
        return Ok(Answer::Null);
    }
    if ty.name() == "Void" {
        return Ok(Answer::Null);
    }
    if names.is_enum(ty.name()) {
        check_members(module, &ty, &value)?;
        return Ok(Answer::Json(value));
    }
    let own = names.is_object(ty.name());
    if !own && !client.model().objects.contains_key(ty.name()) {
        return Ok(Answer::Json(value));
    }
    let one = async |value: Json| match &value {
        _ if own => self::object(client, module, ty.name(), value),
        Json::String(id) => client.node(id, Some(ty.name())).await,
        _ => bail!(
            "module `{}` returned no id where `{ty}` was declared",
            module.name
        ),
    };
    match value {
        Json::Array(values) if ty.is_list() => {
            let mut nodes = Vec::new();
            for value in values {
                nodes.push(one(value).await?);
            }
            Ok(Answer::Nodes(nodes))
        }
        value => Ok(Answer::Node(one(value).await?)),
    }
}

fn check_members(module: &Module, ty: &TypeRef, value: &Json) -> Result<()> {
    let def = module.types.enums.iter().find(|def| def.name == ty.name());
    let known = |value: &Json| {
        def.is_some_and(|def| {
            def.members
                .iter()
                .any(|member| value.as_str() == Some(member.name.as_str()))
        })
    };
    let wrong = match value {
        Json::Array(values) => values.iter().find(|value| !known(value)),
        value => Some(value).filter(|value| !known(value)),
    };
    match wrong {
        Some(value) => bail!(
            "module `{}` returned {value}, which is no member of enum `{}`",
            module.name,
            ty.name()
        ),
        None => Ok(()),
    }
}

/// The object of a module with a state.
fn object(client: &Client, module: &Arc<Module>, name: &str, state: Json) -> Result<Arc<Node>> {
    let args: Map<String, Json> = [
        ("module".to_owned(), module.source_key()?.to_string().into()),
        ("object".to_owned(), name.into()),
        ("state".to_owned(), state.clone()),
    ]
    .into_iter()
    .collect();
    let type_name = Names::new(&module.name, &module.types).api(name);
    let object = ModuleObject {
        module: module.clone(),
        object: name.to_owned(),
        state,
    };
    Ok(client.make(
        &type_name,
        Object::Module(Arc::new(object)),
        Call::root("_module", args),
        true,
    ))
}

/// An object of a module that an earlier run kept.
pub async fn recalled(client: &Arc<Client>, args: &Map<String, Json>) -> Result<Arc<Node>> {
    let text = |name: &str| args.get(name).and_then(Json::as_str).unwrap_or_default();
    let module = client.shared.module_by_key(text("module")).await;
    let module = module.ok_or_else(|| eyre!("an object of a module that is not loaded"))?;
    object(
        client,
        &module,
        text("object"),
        args.get("state").cloned().unwrap_or_default(),
    )
}

/// The remembered result, or that of running the function.
async fn once(
    client: &Arc<Client>,
    module: &Arc<Module>,
    object: &str,
    doc: &FunctionDoc,
    parent: Json,
    inputs: Vec<(String, Json)>,
    policy: Policy,
) -> Result<Json> {
    let key = key(client, module, object, doc, &parent, &inputs).await?;
    let pending = {
        let mut memo = client
            .shared
            .memo
            .0
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner());
        let (client, module, object, doc) = (
            client.clone(),
            module.clone(),
            object.to_owned(),
            doc.clone(),
        );
        memo.entry(key)
            .or_insert_with(|| {
                async move {
                    kept(&client, &module, &object, &doc, parent, inputs, policy, key)
                        .await
                        .map_err(Failure::from)
                }
                .boxed()
                .shared()
            })
            .clone()
    };
    let value = pending.await;
    if value.is_err() {
        // The next caller may have more luck.
        client
            .shared
            .memo
            .0
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner())
            .remove(&key);
    }
    Ok(value?)
}

#[allow(clippy::too_many_arguments)]
async fn kept(
    client: &Arc<Client>,
    module: &Arc<Module>,
    object: &str,
    doc: &FunctionDoc,
    parent: Json,
    inputs: Vec<(String, Json)>,
    policy: Policy,
    key: Digest,
) -> Result<Json> {
    let reads = client.reads.below();
    let Policy::For(ttl) = policy else {
        return run(client, module, object, doc, parent, inputs, reads).await;
    };
    let store = &client.engine().store;
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
        .as_secs();
    let usable = async || {
        let kept = store
            .cached::<Kept>("function", &key)
            .filter(|kept| kept.until > now)?;
        for read in &kept.reads {
            if resolve::read_again(client, read).await.ok().as_ref() != Some(&read.found) {
                return None;
            }
        }
        for read in kept.reads {
            reads.record(read);
        }
        Some(kept.value)
    };
    if let Some(value) = usable().await {
        client
            .engine()
            .progress
            .start(title(module, object, doc))
            .finish_cached();
        return Ok(value);
    }
    let _lock = store.lock(&format!("function-{}", key.hex())).await?;
    if let Some(value) = usable().await {
        client
            .engine()
            .progress
            .start(title(module, object, doc))
            .finish_cached();
        return Ok(value);
    }
    let value = run(client, module, object, doc, parent, inputs, reads.clone()).await?;
    let mut lasting = true;
    ids_in(&value, &mut |id| {
        lasting &= client.persist(&id).unwrap_or(false)
    });
    if lasting {
        let kept = Kept {
            until: now.saturating_add(ttl.as_secs()),
            value: value.clone(),
            reads: reads.all(),
        };
        store.remember("function", &key, &kept)?;
    }
    Ok(value)
}

/// Digest of what a call depends on: secrets count by their plaintext.
async fn key(
    client: &Arc<Client>,
    module: &Module,
    object: &str,
    doc: &FunctionDoc,
    parent: &Json,
    inputs: &[(String, Json)],
) -> Result<Digest> {
    let mut hasher = Hasher::new("function-1")
        .with(module.source_key()?)
        .with(object)
        .with(&doc.name)
        .with(parent.to_string());
    for (name, value) in inputs {
        hasher = hasher.with(name).with(value.to_string());
    }
    let mut secrets = Vec::new();
    let mut find = |id: Digest| {
        if let Some(Object::Secret(secret)) =
            client.shared.known(&id).map(|node| node.object.clone())
        {
            secrets.push(secret);
        }
    };
    ids_in(parent, &mut find);
    inputs
        .iter()
        .for_each(|(_, value)| ids_in(value, &mut find));
    for secret in secrets {
        hasher = hasher.with(secret.fingerprint(client.engine()).await?);
    }
    Ok(hasher.digest())
}

fn title(module: &Module, object: &str, doc: &FunctionDoc) -> String {
    let name = if doc.name.is_empty() {
        "new"
    } else {
        &doc.name
    };
    if object == module.main() {
        format!("{}.{name}", module.name)
    } else {
        format!("{}.{object}.{name}", module.name)
    }
}

/// Runs the module's program for one call.
async fn run(
    client: &Arc<Client>,
    module: &Arc<Module>,
    object: &str,
    doc: &FunctionDoc,
    parent: Json,
    inputs: Vec<(String, Json)>,
    reads: Reads,
) -> Result<Json> {
    let engine = client.engine();
    let binary = build::binary(engine, module).await?;
    let span = engine.progress.start(title(module, object, doc));
    let call = ActiveCall {
        module: module.clone(),
        function: doc.name.clone(),
        object: object.to_owned(),
        parent,
        args: inputs,
        result: Mutex::new(None),
    };
    let inner = Client::of_module(client.shared.clone(), call, reads).await?;
    let attachment = engine.network.attach().await?;
    let listener = engine.network.listen_in(&attachment).await?;
    let port = listener.local_addr()?.port();
    let server = server::serve(listener, inner.clone());
    let root = engine.store.mount_rw(&Store::scratch())?;
    let env = [
        ("DAGGER_SESSION_PORT", port.to_string()),
        ("DAGGER_SESSION_TOKEN", server.token.clone()),
        ("HOME", "/root".to_owned()),
        (
            "PATH",
            "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin".to_owned(),
        ),
    ];
    let process = Process {
        args: vec!["/runtime".to_owned()],
        env: env.map(|(name, value)| (name.to_owned(), value)).to_vec(),
        cwd: PathBuf::from("/scratch"),
        user: String::new(),
        rootfs: root.path().to_owned(),
        binds: vec![Bind {
            source: binary,
            target: "/runtime".into(),
            read_only: true,
        }],
        temps: vec![("/tmp".into(), None)],
        files: Vec::new(),
        stdin: Vec::new(),
        scrub: vec![server.token.clone().into_bytes()],
        hosts: Vec::new(),
        privileged: false,
        no_init: false,
        attachment,
        hostname: module.name.clone(),
        hosts_file: Some(engine.hosts.clone()),
    };
    let output = engine
        .gate
        .pass(engine.executor.run(process, &span))
        .await?;
    drop(server);
    let answered = inner.call.as_ref().and_then(ActiveCall::take);
    let result = match answered {
        Some(result) => result,
        None if output.code == 0 => Err(Failure::new(format!(
            "function `{}` completed without returning a value",
            doc.name
        ))),
        None => {
            let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
            let message = format!("call function `{}`: exit code: {}", doc.name, output.code);
            let args = ["/runtime".to_owned()];
            Err(Failure::with_exec(
                message,
                &args,
                output.code,
                &text(&output.stdout),
                &text(&output.stderr),
            ))
        }
    };
    match result {
        Ok(value) => {
            span.finish();
            Ok(value)
        }
        Err(failure) => {
            span.fail(&failure.message);
            Err(failure.into())
        }
    }
}

/// Something of a module that a function may ask for by its path.
pub fn source_dir(module: &Module, path: &str) -> PathBuf {
    match path.strip_prefix('/') {
        Some(below) => module.context.join(below),
        None => module.dir.join(path),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read() {
        assert_eq!(duration("20s"), Some(Duration::from_secs(20)));
        assert_eq!(duration("1h30m"), Some(Duration::from_secs(5400)));
        assert_eq!(duration("x"), None);
        assert_eq!(duration(""), None);
        assert_eq!(duration("20"), None);
    }
}
