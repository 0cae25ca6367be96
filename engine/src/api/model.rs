//! The types of the API as data: those of the core and those of loaded modules.
//! The GraphQL schema is made of it, and the shell and `call` read it.

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

/// A type expression: `[Directory!]!`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum TypeRef {
    Named { name: String, required: bool },
    List { of: Box<TypeRef>, required: bool },
}

impl TypeRef {
    pub fn required(&self) -> bool {
        match self {
            Self::Named { required, .. } | Self::List { required, .. } => *required,
        }
    }

    pub fn is_list(&self) -> bool {
        matches!(self, Self::List { .. })
    }

    /// Name of the innermost type.
    pub fn name(&self) -> &str {
        match self {
            Self::Named { name, .. } => name,
            Self::List { of, .. } => of.name(),
        }
    }
}

impl std::fmt::Display for TypeRef {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Named { name, .. } => write!(f, "{name}")?,
            Self::List { of, .. } => write!(f, "[{of}]")?,
        }
        if self.required() {
            write!(f, "!")
        } else {
            Ok(())
        }
    }
}

/// An argument of a function.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Arg {
    /// camelCase.
    pub name: String,
    pub description: String,
    /// As in GraphQL; objects are given by `ID`.
    pub ty: TypeRef,
    /// The object, enum or scalar that is meant: `Directory` where `ty` is `ID`.
    pub expected: String,
    pub default: Option<serde_json::Value>,
    pub default_path: Option<String>,
    pub ignore: Vec<String>,
    pub deprecated: Option<String>,
}

impl Arg {
    /// Whether a caller must give it.
    pub fn required(&self) -> bool {
        self.ty.required() && self.default.is_none() && self.default_path.is_none()
    }
}

/// A field of an object: in the CLI, a function.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Function {
    /// camelCase.
    pub name: String,
    pub description: String,
    pub args: Vec<Arg>,
    pub ty: TypeRef,
    pub deprecated: Option<String>,
    /// Whether it is a check of a module.
    pub check: bool,
    /// Whether it is a part of the state of a module's object, without code.
    pub field: bool,
}

/// An object type.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Object {
    pub name: String,
    pub description: String,
    /// Name of the module that it comes from; none for the core.
    pub module: Option<String>,
    pub deprecated: Option<String>,
    /// How a module's main object is made, if the module says so.
    pub constructor: Option<Function>,
    /// Names of those that it implements, besides `Node`.
    #[serde(default)]
    pub interfaces: Vec<String>,
    pub functions: IndexMap<String, Function>,
}

/// An enum type: member names and descriptions.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Enum {
    pub name: String,
    pub description: String,
    pub module: Option<String>,
    pub members: Vec<(String, String)>,
    /// Other spellings of members: `DOCKER` for `DockerMediaTypes`.
    #[serde(default)]
    pub aliases: IndexMap<String, String>,
}

impl Enum {
    /// Writes members as they are spelt inside of the engine.
    pub fn unalias(&self, value: &mut serde_json::Value) {
        match value {
            serde_json::Value::String(member) => {
                if let Some(name) = self.aliases.get(member.as_str()) {
                    member.clone_from(name);
                }
            }
            serde_json::Value::Array(values) => {
                values.iter_mut().for_each(|value| self.unalias(value));
            }
            _ => {}
        }
    }
}

/// All types.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Model {
    pub objects: IndexMap<String, Object>,
    pub enums: IndexMap<String, Enum>,
    pub scalars: Vec<String>,
    /// Input objects: `PortForward`, `BuildArg`; name to fields.
    pub inputs: IndexMap<String, Vec<Arg>>,
    /// What objects share, with the functions besides `id`; without `Node`.
    pub interfaces: IndexMap<String, Object>,
}

impl Model {
    pub fn object(&self, name: &str) -> Option<&Object> {
        self.objects.get(name)
    }

    pub fn is_enum(&self, name: &str) -> bool {
        self.enums.contains_key(name)
    }
}

/// `withNewFile` → `with-new-file`; `toV2URL` → `to-v-2-url`; `someHTTPHost` →
/// `some-httphost`, as Dagger's CLI does: a word ends where a small letter meets
/// a capital, and around digits, but not inside of a run of capitals.
pub fn kebab(name: &str) -> String {
    #[derive(Clone, Copy, PartialEq)]
    enum Kind {
        Upper,
        Lower,
        Digit,
        Other,
    }
    let kind = |c: char| match c {
        'A'..='Z' => Kind::Upper,
        'a'..='z' => Kind::Lower,
        '0'..='9' => Kind::Digit,
        _ => Kind::Other,
    };
    let mut out = String::with_capacity(name.len() + 4);
    let mut last = None;
    for c in name.trim().chars() {
        let breaks = matches!(
            (last, kind(c)),
            (Some(Kind::Lower), Kind::Upper | Kind::Digit)
                | (Some(Kind::Upper), Kind::Digit)
                | (Some(Kind::Digit), Kind::Upper | Kind::Lower)
        );
        if breaks {
            out.push('-');
        }
        match c {
            ' ' | '_' | '-' | '.' => out.push('-'),
            c => out.push(c.to_ascii_lowercase()),
        }
        last = Some(kind(c));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_kebab_case_as_in_dagger() {
        let cases = [
            ("withNewFile", "with-new-file"),
            ("toV2URL", "to-v-2-url"),
            ("toV2Url", "to-v-2-url"),
            ("someHTTPHost", "some-httphost"),
            ("someHttphost", "some-httphost"),
            ("port8080", "port-8080"),
            ("asGit", "as-git"),
            ("stdout", "stdout"),
            ("experimentalWithGPU", "experimental-with-gpu"),
            ("snake_case", "snake-case"),
        ];
        for (name, want) in cases {
            assert_eq!(kebab(name), want, "{name}");
        }
    }
}
