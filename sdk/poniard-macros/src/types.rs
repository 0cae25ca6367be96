//! What `dagger.types.json` holds: a module's types, in declaration order.
//!
//! Types are written as in GraphQL (`"[Directory!]!"`); own types carry no
//! module prefix. Absent and empty keys mean the same and are never written.

use serde::{Deserialize, Serialize};

/// All types of one module. The first object is the main one.
///
/// ```
/// use poniard_sdk::{serde_json, types::ModuleTypes};
///
/// let types: ModuleTypes = serde_json::from_str(r#"{"objects": [{"name": "Hello"}]}"#)?;
/// assert_eq!(types.objects[0].name, "Hello");
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ModuleTypes {
    /// Help text of the module: the main object's.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// Its objects, the main one first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub objects: Vec<ObjectType>,
    /// Its enumerations.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub enums: Vec<EnumType>,
}

/// An object: fields that the engine serves from its state, and functions.
///
/// ```
/// use poniard_sdk::{serde_json, types::ObjectType};
///
/// let object = ObjectType { name: "Person".into(), ..Default::default() };
/// assert_eq!(serde_json::to_string(&object)?, r#"{"name":"Person"}"#);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ObjectType {
    /// Without the module's prefix: `Person`, not `SinkPerson`.
    pub name: String,
    /// Help text.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// Why not to use it any more, and what instead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deprecated: Option<String>,
    /// Only the main object has one; its `name` is empty.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub constructor: Option<Function>,
    /// What callers may read.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<Field>,
    /// What callers may call.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub functions: Vec<Function>,
}

/// A part of an object's state that callers may read.
///
/// ```
/// use poniard_sdk::types::Field;
///
/// let field = Field { name: "age".into(), r#type: "Int!".into(), ..Default::default() };
/// assert_eq!(field.deprecated, None);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Field {
    /// Name in the API.
    pub name: String,
    /// As in GraphQL: `"[String!]!"`.
    pub r#type: String,
    /// Help text.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// Why not to use it any more, and what instead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deprecated: Option<String>,
}

/// A function, or a constructor when `name` is empty.
///
/// ```
/// use poniard_sdk::types::Function;
///
/// let lint = Function { name: "lint".into(), r#type: "Void".into(), check: true, ..Default::default() };
/// assert!(lint.args.is_empty() && !lint.generate);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Function {
    /// Name in the API.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// As in GraphQL: `"[String!]!"`.
    pub r#type: String,
    /// Help text.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// Why not to use it any more, and what instead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deprecated: Option<String>,
    /// `never`, `session`, or a time to live such as `20s`; the engine's
    /// default (by arguments and state, for seven days) when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache: Option<String>,
    /// Whether `dagger check` runs it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub check: bool,
    /// Whether `dagger generate` runs it and applies the changes that it gives.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub generate: bool,
    /// Whether `dagger up` starts the service that it gives.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub up: bool,
    /// Arguments, in the order of the command line.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub args: Vec<Arg>,
}

/// An argument of a function.
///
/// ```
/// use poniard_sdk::types::Arg;
///
/// let arg = Arg { name: "name".into(), r#type: "String!".into(), ..Default::default() };
/// assert!(arg.required());
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Arg {
    /// Name in the API.
    pub name: String,
    /// As in GraphQL: `"[String!]!"`.
    pub r#type: String,
    /// Help text.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// Why not to use it any more, and what instead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deprecated: Option<String>,
    /// JSON text: `"\"world\""`, `"7"`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default_value: Option<String>,
    /// Relative to the module; from the root of its repository with a `/`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default_path: Option<String>,
    /// Address of the image that an omitted container is made from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default_address: Option<String>,
    /// Patterns as in `.gitignore`, never uploaded.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ignore: Vec<String>,
}

impl Arg {
    /// Whether a caller must give it. A `Workspace` is injected by the engine.
    ///
    /// ```
    /// use poniard_sdk::types::Arg;
    ///
    /// let times = Arg { name: "times".into(), r#type: "Int!".into(), default_value: Some("3".into()), ..Default::default() };
    /// assert!(!times.required());
    /// ```
    pub fn required(&self) -> bool {
        self.r#type.ends_with('!')
            && self.r#type != "Workspace!"
            && self.default_value.is_none()
            && self.default_path.is_none()
            && self.default_address.is_none()
    }
}

/// An enumeration.
///
/// ```
/// use poniard_sdk::types::{EnumType, Member};
///
/// let happy = Member { name: "HAPPY".into(), ..Default::default() };
/// let mood = EnumType { name: "Mood".into(), members: vec![happy], ..Default::default() };
/// assert_eq!(mood.members.len(), 1);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct EnumType {
    /// Name in the API.
    pub name: String,
    /// Help text.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// In declaration order.
    pub members: Vec<Member>,
}

/// A value of an enumeration; arguments and results carry its name.
///
/// ```
/// let member = poniard_sdk::types::Member { name: "HAPPY".into(), ..Default::default() };
/// assert!(member.description.is_empty());
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Member {
    /// Name in the API.
    pub name: String,
    /// Another name for the member in the API, if it has one.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub value: String,
    /// Help text.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// Why not to use it any more, and what instead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deprecated: Option<String>,
}
