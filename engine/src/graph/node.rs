//! Objects with an id, and the values and arguments of calls.

use std::sync::Arc;

use eyre::{Result, bail, eyre};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Map, Value as Json};

use super::task::Task;
use super::{Container, Directory, File, Secret, Service, git, secret, service};
use crate::module::definition::Definition;
use crate::module::origin::ModuleSource;
use crate::store::{Digest, Hasher};

/// The call of what is known by its content, wherever it came from.
pub const CONTENT: &str = "_content";

/// The call of an object of a module.
pub const MODULE_OBJECT: &str = "_module";

/// How an object is got: a field of another object, with arguments.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Call {
    /// Id of the object asked; none at the root.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub receiver: Option<Digest>,
    pub field: String,
    /// Given ones only, by name; objects by id.
    pub args: Map<String, Json>,
    /// Which one, when the field gives a list.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nth: Option<usize>,
}

impl Call {
    pub fn root(field: &str, args: Map<String, Json>) -> Self {
        Self {
            receiver: None,
            field: field.to_owned(),
            args,
            nth: None,
        }
    }

    /// An object of a module, by its state.
    pub fn is_module_object(&self) -> bool {
        self.receiver.is_none() && self.field == MODULE_OBJECT
    }

    pub fn digest(&self) -> Digest {
        // Layers are where content is kept; its id says what it is.
        let is_content = self.receiver.is_none() && self.field == CONTENT;
        let mut args: Vec<_> = self
            .args
            .iter()
            .filter(|(name, _)| !(is_content && *name == "layers"))
            .collect();
        args.sort_by_key(|(name, _)| name.as_str());
        let mut hasher = Hasher::new("call-1")
            .with(self.receiver.map(|id| id.to_string()).unwrap_or_default())
            .with(&self.field)
            .with(self.nth.map(|n| n.to_string()).unwrap_or_default());
        for (name, value) in args {
            hasher = hasher.with(name).with(value.to_string());
        }
        hasher.digest()
    }
}

/// An object of the API.
pub struct Node {
    pub id: Digest,
    pub type_name: String,
    pub object: Object,
    pub call: Call,
    /// The call says all there is to know, so that it can be kept for later
    /// runs. False for what only lives in this run (a plaintext secret).
    pub lasting: bool,
}

impl Node {
    /// It was looked at and could not be made; making it again may go better.
    pub fn failed(&self) -> bool {
        match &self.object {
            Object::Container(container) => container.failed_before(),
            Object::Directory(directory) => directory.fs.failed_before(),
            Object::File(file) => file.fs.failed_before(),
            _ => false,
        }
    }
}

/// What an object is. Simple records are kept as their fields.
#[derive(Clone)]
pub enum Object {
    Container(Arc<Container>),
    Directory(Directory),
    File(File),
    Secret(Arc<Secret>),
    Service(Arc<Service>),
    CacheVolume(service::CacheVolume),
    Socket(service::Socket),
    GitRepository(Arc<git::Repository>),
    GitRef(Arc<git::Ref>),
    Changeset(Box<Changeset>),
    EnvFile(Arc<EnvFile>),
    Json(Arc<Json>),
    Address(String),
    Error(Arc<super::Failure>),
    Host,
    Workspace(Arc<Workspace>),
    CurrentModule,
    Engine,
    EngineCache,
    FunctionCall,
    /// `EnvVariable`, `Label`, `Port`, `Stat`, `SearchResult`…: fields by name.
    Record(Arc<Map<String, Json>>),
    /// Fields that hold lists of records.
    RecordWithLists(Arc<Map<String, Json>>, Arc<Lists>),
    /// An object of a module: its state.
    Module(Arc<ModuleObject>),
    /// A module itself, and the source that it was asked of.
    LoadedModule(Arc<crate::module::Module>, Option<Arc<ModuleSource>>),
    ModuleSource(Arc<ModuleSource>),
    /// `TypeDef`, `ObjectTypeDef`, `Function` and the like.
    TypeDef(Arc<Definition>),
    /// A check, generator or service of a module.
    Task(Arc<Task>),
    /// Several: `CheckGroup`, `GeneratorGroup`, `UpGroup`.
    Tasks(Arc<Vec<Arc<Task>>>),
}

/// Fields that hold lists of records: (field, type, records).
pub type Lists = Vec<(String, String, Vec<Map<String, Json>>)>;

/// Two directories.
#[derive(Clone)]
pub struct Changeset {
    pub before: Directory,
    pub after: Directory,
}

/// Environment variables in order, as they are written.
#[derive(Clone, Debug, Default)]
pub struct EnvFile {
    pub own: Vec<(String, String)>,
    /// Others, to which these may refer.
    pub context: Vec<(String, String)>,
}

impl EnvFile {
    pub fn raw(&self, name: &str) -> Option<&str> {
        let found = self.own.iter().find(|(known, _)| known == name);
        found.map(|(_, raw)| raw.as_str())
    }
}

/// The project of the caller.
pub struct Workspace {
    /// Root on the host.
    pub root: std::path::PathBuf,
    /// The caller's directory below it; empty at the root.
    pub path: String,
}

/// An object of a module.
pub struct ModuleObject {
    pub module: Arc<crate::module::Module>,
    /// Name in the module's own types: `Person` of `SinkPerson`.
    pub object: String,
    pub state: Json,
}

/// What a call gives.
pub enum Value {
    Null,
    /// A scalar, an enum member's name, or a list of them.
    Json(Json),
    Node(Arc<Node>),
    Nodes(Vec<Arc<Node>>),
}

/// Result of a resolver, before it is given an id.
pub enum Answer {
    Null,
    Json(Json),
    Object(&'static str, Object),
    /// As `Object`, of a type known at run time or with a call of its own.
    As(String, Object, Option<Call>),
    Objects(&'static str, Vec<Object>),
    AsList(String, Vec<Object>),
    Node(Arc<Node>),
    Nodes(Vec<Arc<Node>>),
    /// The id of the receiver.
    This,
    /// The receiver itself.
    Receiver,
}

impl<T: Into<Json>> From<T> for Answer {
    fn from(value: T) -> Self {
        match value.into() {
            Json::Null => Self::Null,
            json => Self::Json(json),
        }
    }
}

impl From<Container> for Answer {
    fn from(container: Container) -> Self {
        Self::Object("Container", Object::Container(Arc::new(container)))
    }
}

impl From<Directory> for Answer {
    fn from(directory: Directory) -> Self {
        Self::Object("Directory", Object::Directory(directory))
    }
}

impl From<File> for Answer {
    fn from(file: File) -> Self {
        Self::Object("File", Object::File(file))
    }
}

impl From<Service> for Answer {
    fn from(service: Service) -> Self {
        Self::Object("Service", Object::Service(Arc::new(service)))
    }
}

impl From<secret::Secret> for Answer {
    fn from(secret: secret::Secret) -> Self {
        Self::Object("Secret", Object::Secret(Arc::new(secret)))
    }
}

/// Arguments of a call: JSON by name, defaults filled in, and the objects that
/// ids among them stand for.
#[derive(Default)]
pub struct Args {
    pub json: Map<String, Json>,
    nodes: std::collections::HashMap<String, Arc<Node>>,
}

impl Args {
    pub fn new(json: Map<String, Json>) -> Self {
        Self {
            json,
            nodes: Default::default(),
        }
    }

    pub fn bind(&mut self, id: String, node: Arc<Node>) {
        self.nodes.insert(id, node);
    }

    /// An argument that is there and not null.
    pub fn opt<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>> {
        match self.json.get(name) {
            None | Some(Json::Null) => Ok(None),
            Some(value) => serde_json::from_value(value.clone())
                .map(Some)
                .map_err(|error| eyre!("argument `{name}`: {error}")),
        }
    }

    pub fn get<T: DeserializeOwned>(&self, name: &str) -> Result<T> {
        self.opt(name)?
            .ok_or_else(|| eyre!("argument `{name}` is missing"))
    }

    pub fn str(&self, name: &str) -> Result<String> {
        self.get(name)
    }

    /// A text argument; empty when not given.
    pub fn text(&self, name: &str) -> Result<String> {
        Ok(self.opt(name)?.unwrap_or_default())
    }

    pub fn flag(&self, name: &str) -> Result<bool> {
        Ok(self.opt(name)?.unwrap_or_default())
    }

    pub fn list(&self, name: &str) -> Result<Vec<String>> {
        Ok(self.opt(name)?.unwrap_or_default())
    }

    pub fn node(&self, name: &str) -> Result<Option<&Arc<Node>>> {
        let Some(id) = self.opt::<String>(name)? else {
            return Ok(None);
        };
        self.nodes
            .get(&id)
            .map(Some)
            .ok_or_else(|| eyre!("argument `{name}`: no object has the id `{id}`"))
    }

    pub fn nodes(&self, name: &str) -> Result<Vec<&Arc<Node>>> {
        let ids = self.list(name)?;
        ids.iter()
            .map(|id| {
                self.nodes
                    .get(id)
                    .ok_or_else(|| eyre!("argument `{name}`: no object has the id `{id}`"))
            })
            .collect()
    }

    /// Every object among the arguments.
    pub fn bound(&self) -> impl Iterator<Item = &Arc<Node>> {
        self.nodes.values()
    }
}

macro_rules! typed {
    ($($function:ident, $optional:ident: $variant:ident => $ty:ty;)*) => {
        impl Args {
            $(
                pub fn $function(&self, name: &str) -> Result<$ty> {
                    self.$optional(name)?.ok_or_else(|| eyre!("argument `{name}` is missing"))
                }

                pub fn $optional(&self, name: &str) -> Result<Option<$ty>> {
                    self.node(name)?.map(|node| node.$function()).transpose()
                }
            )*
        }

        impl Node {
            $(
                pub fn $function(&self) -> Result<$ty> {
                    match &self.object {
                        Object::$variant(object) => Ok(object.clone()),
                        _ => bail!("`{}` is a {}, not a {}", self.id, self.type_name, stringify!($variant)),
                    }
                }
            )*
        }
    };
}

typed! {
    container, opt_container: Container => Arc<Container>;
    directory, opt_directory: Directory => Directory;
    file, opt_file: File => File;
    secret, opt_secret: Secret => Arc<Secret>;
    service, opt_service: Service => Arc<Service>;
    cache_volume, opt_cache_volume: CacheVolume => service::CacheVolume;
    socket, opt_socket: Socket => service::Socket;
    git_ref, opt_git_ref: GitRef => Arc<git::Ref>;
    changeset, opt_changeset: Changeset => Box<Changeset>;
    env_file, opt_env_file: EnvFile => Arc<EnvFile>;
    json, opt_json: Json => Arc<Json>;
    error, opt_error: Error => Arc<super::Failure>;
    module_source, opt_module_source: ModuleSource => Arc<ModuleSource>;
}
