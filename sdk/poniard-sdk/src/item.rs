//! What the macros know of an item. It is data as far as it can be: the program of
//! a module is built anew with every edit, and what only reads is compiled here.

use serde_json::Value;

use crate::registry::{Args, Registry};
use crate::types;
use crate::value::Later;

/// An `#[object]`.
pub struct Item {
    pub description: &'static str,
    pub deprecated: Option<&'static str>,
    pub fields: &'static [Field],
    pub functions: Functions,
}

/// A field that callers may read.
pub struct Field {
    pub name: &'static str,
    pub r#type: fn() -> String,
    pub description: &'static str,
    pub deprecated: Option<&'static str>,
}

/// A block of `#[functions]`.
pub struct Functions {
    pub functions: &'static [Function],
    /// Adds the types of arguments and results.
    pub register: fn(&mut Registry),
}

/// A function; the constructor has the empty name.
pub struct Function {
    pub name: &'static str,
    pub r#type: fn() -> String,
    pub description: &'static str,
    pub deprecated: Option<&'static str>,
    pub cache: Option<&'static str>,
    pub check: bool,
    pub generate: bool,
    pub up: bool,
    pub args: &'static [Arg],
    /// Reads state and arguments, calls, and writes the result.
    pub call: fn(Value, Args) -> Later<Value>,
}

pub struct Arg {
    pub name: &'static str,
    pub r#type: fn() -> String,
    pub description: &'static str,
    pub deprecated: Option<&'static str>,
    pub default_value: Option<fn() -> String>,
    pub default_path: Option<&'static str>,
    pub default_address: Option<&'static str>,
    pub ignore: &'static [&'static str],
}

/// Stands in for `#[functions]` on objects that have none: an inherent
/// function of the same name goes first.
pub trait NoFunctions {
    fn __one_block_with_functions() -> Functions {
        Functions {
            functions: &[],
            register: |_| {},
        }
    }
}

impl<T> NoFunctions for T {}

impl Item {
    pub(crate) fn describe(&self, name: &str) -> types::ObjectType {
        let functions = self.functions.functions.iter();
        let (constructors, functions): (Vec<_>, _) = functions
            .map(Function::describe)
            .partition(|function| function.name.is_empty());
        types::ObjectType {
            name: name.into(),
            description: self.description.into(),
            deprecated: self.deprecated.map(Into::into),
            constructor: constructors.into_iter().next(),
            fields: self.fields.iter().map(Field::describe).collect(),
            functions,
        }
    }
}

impl Field {
    fn describe(&self) -> types::Field {
        types::Field {
            name: self.name.into(),
            r#type: (self.r#type)(),
            description: self.description.into(),
            deprecated: self.deprecated.map(Into::into),
        }
    }
}

impl Function {
    fn describe(&self) -> types::Function {
        types::Function {
            name: self.name.into(),
            r#type: (self.r#type)(),
            description: self.description.into(),
            deprecated: self.deprecated.map(Into::into),
            cache: self.cache.map(Into::into),
            check: self.check,
            generate: self.generate,
            up: self.up,
            args: self.args.iter().map(Arg::describe).collect(),
        }
    }
}

impl Arg {
    fn describe(&self) -> types::Arg {
        types::Arg {
            name: self.name.into(),
            r#type: (self.r#type)(),
            description: self.description.into(),
            deprecated: self.deprecated.map(Into::into),
            default_value: self.default_value.map(|text| text()),
            default_path: self.default_path.map(Into::into),
            default_address: self.default_address.map(Into::into),
            ignore: self.ignore.iter().copied().map(Into::into).collect(),
        }
    }
}
