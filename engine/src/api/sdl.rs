//! Types written as in GraphQL, and the core of the API: `schema.graphql`, which
//! the build script has read, as reading it takes longer than most commands.

use async_graphql::parser::types as ast;
use eyre::{Result, WrapErr, bail};

use super::model::{Model, TypeRef};

/// The core of the API.
pub fn core() -> Result<Model> {
    let text = include_str!(concat!(env!("OUT_DIR"), "/core.json"));
    serde_json::from_str(text).wrap_err("the API's description is damaged; build poniard again")
}

/// Reads a type expression: `[Directory!]!`.
pub fn parse_type(text: &str) -> Result<TypeRef> {
    let Some(ty) = ast::Type::new(text) else {
        bail!("`{text}` is no type: expected a form like `String`, `String!` or `[Directory!]!`");
    };
    Ok(type_ref(&ty))
}

fn type_ref(ty: &ast::Type) -> TypeRef {
    let required = !ty.nullable;
    match &ty.base {
        ast::BaseType::Named(name) => TypeRef::Named {
            name: name.to_string(),
            required,
        },
        ast::BaseType::List(of) => TypeRef::List {
            of: Box::new(type_ref(of)),
            required,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objects_as_arguments_become_ids() {
        let model = core().unwrap();
        let with_directory = &model.objects["Directory"].functions["withDirectory"];
        let source = &with_directory.args[1];
        assert_eq!(
            (source.ty.to_string().as_str(), source.expected.as_str()),
            ("ID!", "Directory")
        );
        let variants = &model.objects["Container"].functions["asTarball"].args[0];
        assert_eq!(variants.ty.to_string(), "[ID!]");
    }

    #[test]
    fn every_type_that_is_named_exists() {
        let model = core().unwrap();
        let known = |name: &str| {
            ["ID", "String", "Int", "Float", "Boolean", "Node"].contains(&name)
                || model.objects.contains_key(name)
                || model.enums.contains_key(name)
                || model.inputs.contains_key(name)
                || model.scalars.iter().any(|s| s == name)
        };
        for (object, def) in &model.objects {
            for (field, function) in &def.functions {
                assert!(
                    known(function.ty.name()),
                    "{object}.{field}: {}",
                    function.ty
                );
                for arg in &function.args {
                    assert!(
                        known(arg.ty.name()),
                        "{object}.{field}({}): {}",
                        arg.name,
                        arg.ty
                    );
                }
            }
        }
    }
}
