//! What `TypeDef` and its kin stand for: a part of the types that the API has.

use std::sync::Arc;

use crate::api::model::{Arg, Enum, Function, Model, Object, TypeRef};

/// A part, and the types that it refers to.
pub struct Definition {
    pub model: Arc<Model>,
    pub part: Part,
}

/// A part of the types.
pub enum Part {
    Type(TypeRef),
    Object(Object),
    /// By its name: it has nothing else.
    Interface(String),
    Input(String, Vec<Arg>),
    /// The type of what is in it.
    List(TypeRef),
    Enum(Enum),
    /// Name and description.
    Member(String, String),
    Scalar(String),
    /// Of an object that has no code for it.
    Field(Function),
    /// Of an input.
    InputField(Arg),
    /// With the module that has it, if it is none of the core.
    Function(Function, Option<String>),
    Arg(Arg),
}
