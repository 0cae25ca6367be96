//! The types of a module and the way to their functions.
//!
//! Registration starts at the main object and follows fields, arguments and
//! results, so a type is part of the API when something leads to it.

use std::any::TypeId;

use eyre::{Result, WrapErr, ensure, eyre};
use serde_json::{Map, Value};

use crate::item::Item;
use crate::types::{EnumType, ModuleTypes};
use crate::value::{ApiType, FromApi, IntoApi, Later, member, ready, unexpected};

/// An `#[object]`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an object of this module",
    label = "expected a struct with `#[object]`"
)]
/// ```
/// use poniard_sdk::Object;
/// use poniard_sdk::prelude::*;
///
/// #[object]
/// pub struct Page {
///     pub title: String,
/// }
///
/// assert_eq!(Page::NAME, "Page");
/// ```
pub trait Object: ApiType + FromApi + IntoApi + 'static {
    /// Name in the API, without the module's prefix.
    const NAME: &'static str;

    #[doc(hidden)]
    fn item() -> Item;
}

/// An `#[enumeration]`.
///
/// ```
/// use poniard_sdk::Enumeration;
/// use poniard_sdk::prelude::*;
///
/// #[enumeration]
/// pub enum Engine {
///     MySql,
///     Postgres,
/// }
///
/// assert_eq!(Engine::MEMBERS, ["MY_SQL", "POSTGRES"]);
/// ```
pub trait Enumeration: Sized + 'static {
    /// Name in the API, without the module's prefix.
    const NAME: &'static str;
    /// Names of the members, in declaration order.
    const MEMBERS: &'static [&'static str];

    /// Name of this member: `MY_SQL` for `MySql`.
    ///
    /// ```
    /// # use poniard_sdk::prelude::*;
    /// # #[enumeration] pub enum Mode { DryRun }
    /// assert_eq!(Mode::DryRun.name(), "DRY_RUN");
    /// ```
    fn name(&self) -> &'static str;

    /// The member with this name.
    ///
    /// ```
    /// # use poniard_sdk::prelude::*;
    /// # #[enumeration] pub enum Mode { DryRun }
    /// assert!(Mode::from_name("DRY_RUN").is_some());
    /// assert!(Mode::from_name("dry-run").is_none());
    /// ```
    fn from_name(name: &str) -> Option<Self>;

    #[doc(hidden)]
    fn describe() -> EnumType;
}

/// Reads a member by its name.
pub fn member_from_api<T: Enumeration>(value: &Value) -> Result<T> {
    member(T::NAME, T::MEMBERS, value, T::from_name)
}

/// Hands a member's name out.
pub fn member_into_api<T: Enumeration>(member: &T) -> Later<Value> {
    ready(Ok(member.name().into()))
}

/// The error of a call that names no function.
fn no_function(function: &str) -> eyre::Report {
    match function {
        "" => eyre!("no constructor: expected `pub fn new` in `#[functions]`"),
        name => eyre!("no function `{name}`: is `dagger.types.json` up to date?"),
    }
}

struct Entry {
    name: &'static str,
    rust: Rust,
    item: fn() -> Item,
}

/// Which type of Rust it is.
#[derive(Clone, Copy, PartialEq)]
struct Rust(TypeId, &'static str);

impl Rust {
    fn of<T: 'static>() -> Self {
        Self(TypeId::of::<T>(), std::any::type_name::<T>())
    }
}

/// The types that a main object leads to.
#[derive(Default)]
pub struct Registry {
    objects: Vec<Entry>,
    enums: Vec<(Rust, EnumType)>,
    problems: Vec<String>,
}

impl Registry {
    /// The types that `Main` leads to.
    pub fn of<Main: Object>() -> Self {
        let mut registry = Self::default();
        Main::register(&mut registry);
        registry
    }

    /// Adds an object; false when it was there.
    pub fn add_object<T: Object>(&mut self) -> bool {
        let new = self.is_new(T::NAME, Rust::of::<T>());
        if new {
            self.objects.push(Entry {
                name: T::NAME,
                rust: Rust::of::<T>(),
                item: T::item,
            });
        }
        new
    }

    /// Adds an enumeration, once.
    pub fn add_enum<T: Enumeration>(&mut self) {
        if self.is_new(T::NAME, Rust::of::<T>()) {
            self.enums.push((Rust::of::<T>(), T::describe()));
        }
    }

    fn is_new(&mut self, name: &str, rust: Rust) -> bool {
        let objects = self.objects.iter().map(|entry| (entry.name, entry.rust));
        let enums = self
            .enums
            .iter()
            .map(|(rust, known)| (known.name.as_str(), *rust));
        let Some((_, known)) = objects.chain(enums).find(|known| known.0 == name) else {
            return true;
        };
        if known != rust {
            let problem = format!(
                "`{}` and `{}` are both called `{name}`: expected another name for one of them, by `#[object(name = \"…\")]` or `#[enumeration(name = \"…\")]`",
                known.1, rust.1
            );
            if !self.problems.contains(&problem) {
                self.problems.push(problem);
            }
        }
        false
    }

    /// What no macro sees, since it looks at one item only.
    fn problems(&self, program: Program, types: &ModuleTypes) -> Vec<String> {
        let mut problems = self.problems.clone();
        for object in &types.objects {
            let fields = object.fields.iter().map(|field| &field.name);
            let names: Vec<_> = object
                .functions
                .iter()
                .map(|function| &function.name)
                .collect();
            problems.extend(fields.filter(|name| names.contains(name)).map(|name| {
                format!(
                    "`{}` has a field and a function called `{name}`: expected one of them, or another name by `name = \"…\"`",
                    object.name
                )
            }));
        }
        let has_constructor = types
            .objects
            .first()
            .is_some_and(|main| main.constructor.is_some());
        if !has_constructor && let Err(cause) = (program.without_state)() {
            problems.push(format!(
                "`{}` has state, and no constructor that fills it ({cause:#}): expected `pub fn new(…) -> Self` in `#[functions]`",
                program.main
            ));
        }
        problems
    }

    /// What `dagger.types.json` holds.
    pub fn describe(&self) -> ModuleTypes {
        let mut objects: Vec<_> = self
            .objects
            .iter()
            .map(|entry| (entry.item)().describe(entry.name))
            .collect();
        // Other objects come from functions, never from a caller.
        for object in objects.iter_mut().skip(1) {
            object.constructor = None;
        }
        ModuleTypes {
            description: objects
                .first()
                .map(|main| main.description.clone())
                .unwrap_or_default(),
            objects,
            enums: self.enums.iter().map(|(_, known)| known.clone()).collect(),
        }
    }

    /// Runs a function of `object`; the empty name is the constructor.
    pub fn call(&self, object: &str, function: String, state: Value, args: Args) -> Later<Value> {
        let main = self.objects.first().map_or("", |entry| entry.name);
        let unprefixed = object.strip_prefix(main).unwrap_or(object);
        let entry = [object, unprefixed]
            .into_iter()
            .find_map(|name| self.objects.iter().find(|entry| entry.name == name));
        let Some(entry) = entry else {
            return ready(Err(eyre!(
                "no object `{object}`: is `dagger.types.json` up to date?"
            )));
        };
        let functions = (entry.item)().functions.functions;
        match functions.iter().find(|known| known.name == function) {
            Some(known) => (known.call)(state, args),
            None => ready(Err(no_function(&function))),
        }
    }
}

/// `dagger.types.json` of the module whose main object is `Main`.
pub fn types_text<Main: Object>() -> Result<String> {
    Program::of::<Main>().types_text()
}

/// What a module's program has of its own. All else is compiled once, with this
/// crate, and not again with every module.
#[derive(Clone, Copy)]
pub(crate) struct Program {
    /// Name of the main object.
    main: &'static str,
    pub(crate) registry: fn() -> Registry,
    /// Makes the main object of no state.
    without_state: fn() -> Result<()>,
}

impl Program {
    pub(crate) fn of<Main: Object>() -> Self {
        Self {
            main: Main::NAME,
            registry: Registry::of::<Main>,
            without_state: || Main::from_api(Value::Object(Map::new())).map(drop),
        }
    }

    pub(crate) fn types_text(self) -> Result<String> {
        let registry = (self.registry)();
        let types = registry.describe();
        let problems = registry.problems(self, &types);
        ensure!(problems.is_empty(), "{}", problems.join("\n"));
        Ok(serde_json::to_string_pretty(&types)? + "\n")
    }
}

/// Arguments of a call, by API name.
#[derive(Clone, Debug, Default)]
pub struct Args(pub Map<String, Value>);

impl Args {
    /// The argument `name`; an absent one is null.
    pub fn take<T: FromApi>(&mut self, name: &str) -> Result<T> {
        let value = self.0.remove(name).unwrap_or_default();
        T::from_api(value).wrap_err_with(|| format!("argument `{name}`"))
    }
}

/// State of an object while it is being read.
pub struct Fields {
    object: &'static str,
    fields: Map<String, Value>,
}

impl Fields {
    pub fn new(object: &'static str, state: Value) -> Result<Self> {
        match state {
            Value::Object(fields) => Ok(Self { object, fields }),
            other => Err(unexpected(&format!("the state of `{object}`"), &other)),
        }
    }

    /// The field `name`; an absent one is null.
    pub fn take<T: FromApi>(&mut self, name: &str) -> Result<T> {
        let value = self.fields.remove(name).unwrap_or_default();
        T::from_api(value).wrap_err_with(|| format!("field `{name}` of `{}`", self.object))
    }
}

/// Adds a field to a state that is being written.
pub async fn put<T: IntoApi>(
    state: &mut Map<String, Value>,
    object: &str,
    name: &str,
    value: T,
) -> Result<()> {
    let value = value
        .into_api()
        .await
        .wrap_err_with(|| format!("field `{name}` of `{object}`"))?;
    state.insert(name.to_owned(), value);
    Ok(())
}
