//! Calls functions the way an engine does: defaults filled in, state carried.

use std::marker::PhantomData;

use eyre::{Result, bail, eyre};
use serde_json::{Map, Value, json};

use super::fake::FakeEngine;
use crate::registry::{Args, Object, Program, Registry};
use crate::serve::{Call, run};
use crate::types::{Arg, Function, ModuleTypes, ObjectType};

/// What a call gave, on which further functions can be called.
///
/// ```
/// # use poniard_sdk::prelude::*;
/// # use poniard_sdk::testing::FakeEngine;
/// # use poniard_sdk::serde_json::{self, json};
/// # #[object] pub struct Hello { pub greeting: String }
/// # #[functions] impl Hello {
/// #     pub fn new(#[arg(default = "Hello")] greeting: String) -> Self { Self { greeting } }
/// #     pub fn greet(&self, name: String) -> String { format!("{}, {name}!", self.greeting) }
/// # }
/// # use poniard_sdk::eyre;
/// let hello = FakeEngine::new().construct::<Hello>(json!({ "greeting": "Hi" }))?;
/// assert_eq!(hello.call("greet", json!({ "name": "Bob" }))?.value(), &json!("Hi, Bob!"));
/// # Ok::<(), eyre::Report>(())
/// ```
pub struct Called<Main> {
    engine: FakeEngine,
    type_ref: String,
    value: Value,
    main: PhantomData<Main>,
}

impl<Main: Object> Called<Main> {
    /// The value: state of an own object, id of a core object.
    ///
    /// ```
    /// # use poniard_sdk::prelude::*;
    /// # use poniard_sdk::testing::FakeEngine;
    /// # use poniard_sdk::serde_json::{self, json};
    /// # #[object] pub struct Hello { pub greeting: String }
    /// # #[functions] impl Hello {
    /// #     pub fn new(#[arg(default = "Hello")] greeting: String) -> Self { Self { greeting } }
    /// #     pub fn greet(&self, name: String) -> String { format!("{}, {name}!", self.greeting) }
    /// # }
    /// # use poniard_sdk::eyre;
    /// let hello = FakeEngine::new().construct::<Hello>(json!({}))?;
    /// assert_eq!(hello.value(), &json!({ "greeting": "Hello" }));
    /// # Ok::<(), eyre::Report>(())
    /// ```
    pub fn value(&self) -> &Value {
        &self.value
    }

    /// Calls a function, or reads a field, of the object that this is. `args`
    /// is an object of arguments by API name; the id of a path is the path.
    ///
    /// ```
    /// # use poniard_sdk::prelude::*;
    /// # use poniard_sdk::testing::FakeEngine;
    /// # use poniard_sdk::serde_json::{self, json};
    /// # #[object] pub struct Hello { pub greeting: String }
    /// # #[functions] impl Hello {
    /// #     pub fn new(#[arg(default = "Hello")] greeting: String) -> Self { Self { greeting } }
    /// #     pub fn greet(&self, name: String) -> String { format!("{}, {name}!", self.greeting) }
    /// # }
    /// # use poniard_sdk::eyre;
    /// let hello = FakeEngine::new().construct::<Hello>(json!({}))?;
    /// let greeting = hello.call("greeting", json!({}))?; // a field
    /// assert_eq!(greeting.value(), &json!("Hello"));
    /// assert!(hello.call("greet", json!({})).is_err()); // without `name`
    /// # Ok::<(), eyre::Report>(())
    /// ```
    pub fn call(&self, function: &str, args: Value) -> Result<Self> {
        let types = Registry::of::<Main>().describe();
        let object = own_object(&types, &self.type_ref)?;
        if let Some(field) = object.fields.iter().find(|field| field.name == function) {
            let value = self.value.get(&field.name).cloned().unwrap_or_default();
            return Ok(self.next(field.r#type.clone(), value));
        }
        let declared = object
            .functions
            .iter()
            .find(|declared| declared.name == function)
            .ok_or_else(|| eyre!("`{}` has no function `{function}`", object.name))?;
        let value = call::<Main>(&self.engine, object, declared, self.value.clone(), args)?;
        Ok(self.next(declared.r#type.clone(), value))
    }

    fn next(&self, type_ref: String, value: Value) -> Self {
        Self {
            engine: self.engine.clone(),
            type_ref,
            value,
            main: PhantomData,
        }
    }
}

pub(super) fn construct<Main: Object>(engine: &FakeEngine, args: Value) -> Result<Called<Main>> {
    let types = Registry::of::<Main>().describe();
    let object = own_object(&types, Main::NAME)?;
    let value = match &object.constructor {
        Some(declared) => call::<Main>(engine, object, declared, json!({}), args)?,
        None => json!({}),
    };
    Ok(Called {
        engine: engine.clone(),
        type_ref: Main::type_ref(),
        value,
        main: PhantomData,
    })
}

fn own_object<'a>(types: &'a ModuleTypes, type_ref: &str) -> Result<&'a ObjectType> {
    let name = type_ref.trim_end_matches('!');
    types
        .objects
        .iter()
        .find(|object| object.name == name)
        .ok_or_else(|| eyre!("`{name}` is not an object of this module"))
}

fn call<Main: Object>(
    engine: &FakeEngine,
    object: &ObjectType,
    function: &Function,
    state: Value,
    args: Value,
) -> Result<Value> {
    let call = Call {
        object: object.name.clone(),
        function: function.name.clone(),
        state,
        args: Args(fill(function, args)?),
    };
    engine.run(run(Program::of::<Main>(), call))
}

fn fill(function: &Function, args: Value) -> Result<Map<String, Value>> {
    let Value::Object(mut given) = args else {
        bail!(
            "arguments of `{}`: expected an object, got {args}",
            function.name
        );
    };
    let mut filled = Map::new();
    for arg in &function.args {
        match given.remove(&arg.name) {
            Some(value) => {
                filled.insert(arg.name.clone(), value);
            }
            None => filled.extend(omitted(arg)?.map(|value| (arg.name.clone(), value))),
        }
    }
    match given.keys().next() {
        Some(name) => bail!("`{}` has no argument `{name}`", function.name),
        None => Ok(filled),
    }
}

fn omitted(arg: &Arg) -> Result<Option<Value>> {
    if arg.required() {
        bail!("argument `{}` is required", arg.name);
    }
    Ok(if let Some(text) = &arg.default_value {
        Some(serde_json::from_str(text)?)
    } else if let Some(path) = arg.default_path.as_ref().or(arg.default_address.as_ref()) {
        Some(path.as_str().into())
    } else if arg.r#type == "Workspace!" {
        Some("workspace".into())
    } else {
        None
    })
}
