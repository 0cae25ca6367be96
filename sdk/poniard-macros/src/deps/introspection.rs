//! The types of a dependency out of what an engine says of its API: a GraphQL
//! introspection with directives, as it hands it to an SDK's `codegen`. So a
//! module in any language has a client.
//!
//! What belongs to a dependency has the directive `sourceMap` with its name. Its
//! types have that name as prefix; objects as arguments are `ID` with the
//! directive `expectedType`.

use serde::Deserialize;

use crate::names::pascal;
use crate::types::{Arg, EnumType, Field, Function, Member, ModuleTypes, ObjectType};

#[derive(Deserialize)]
pub struct Introspection {
    #[serde(rename = "__schema")]
    schema: Schema,
}

#[derive(Deserialize)]
struct Schema {
    types: Vec<Type>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Type {
    kind: String,
    name: String,
    description: Option<String>,
    fields: Option<Vec<Described>>,
    enum_values: Option<Vec<Described>>,
    directives: Option<Vec<Directive>>,
}

/// A field, argument or member.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Described {
    name: String,
    description: Option<String>,
    r#type: Option<TypeRef>,
    #[serde(default)]
    args: Vec<Described>,
    default_value: Option<String>,
    deprecation_reason: Option<String>,
    directives: Option<Vec<Directive>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct TypeRef {
    kind: String,
    name: Option<String>,
    of_type: Option<Box<TypeRef>>,
}

#[derive(Deserialize)]
struct Directive {
    name: String,
    #[serde(default)]
    args: Vec<DirectiveArg>,
}

#[derive(Deserialize)]
struct DirectiveArg {
    name: String,
    /// JSON text.
    value: Option<String>,
}

impl Introspection {
    /// The types of the dependency that goes by this name, the main object first;
    /// none if the engine has no such dependency.
    pub fn types_of(&self, dependency: &str) -> Option<ModuleTypes> {
        let main = pascal(dependency);
        let types = &self.schema.types;
        let own = |kind: &'static [&str]| {
            types.iter().filter(move |each| {
                let belongs = argument(each.directives.as_ref(), "sourceMap", "module");
                kind.contains(&each.kind.as_str()) && belongs.as_deref() == Some(dependency)
            })
        };
        let mut objects: Vec<ObjectType> = own(&["OBJECT", "INTERFACE"]).map(object).collect();
        objects.sort_by_key(|object| object.name != main);
        let first = objects.first_mut().filter(|first| first.name == main)?;
        let query = types.iter().find(|each| each.name == "Query");
        let mut entries = query?.fields.iter().flatten();
        first.constructor = entries
            .find(|field| {
                let result = field.r#type.as_ref().map(|result| text(result, None));
                result.as_deref().map(|name| name.trim_end_matches('!')) == Some(&main)
                    && argument(field.directives.as_ref(), "sourceMap", "module").as_deref()
                        == Some(dependency)
            })
            .map(|field| Function {
                name: String::new(),
                ..function(field)
            });
        Some(ModuleTypes {
            description: first.description.clone(),
            enums: own(&["ENUM"]).map(enumeration).collect(),
            objects,
        })
    }
}

fn object(each: &Type) -> ObjectType {
    let fields = each.fields.iter().flatten();
    ObjectType {
        name: each.name.clone(),
        description: words(each.description.as_ref()),
        // Each object has one; the client knows it.
        functions: fields
            .filter(|field| field.name != "id")
            .map(function)
            .collect(),
        fields: Vec::<Field>::new(),
        ..ObjectType::default()
    }
}

fn function(field: &Described) -> Function {
    Function {
        name: field.name.clone(),
        r#type: type_of(field),
        description: words(field.description.as_ref()),
        deprecated: field.deprecation_reason.clone(),
        args: field.args.iter().map(arg).collect(),
        ..Function::default()
    }
}

fn arg(arg: &Described) -> Arg {
    let directive = |name: &str, key: &str| argument(arg.directives.as_ref(), name, key);
    Arg {
        name: arg.name.clone(),
        r#type: type_of(arg),
        description: words(arg.description.as_ref()),
        deprecated: arg.deprecation_reason.clone(),
        default_value: arg.default_value.clone(),
        default_path: directive("defaultPath", "path"),
        default_address: directive("defaultAddress", "address"),
        ignore: Vec::new(),
    }
}

fn enumeration(each: &Type) -> EnumType {
    let members = each.enum_values.iter().flatten().map(|member| Member {
        name: member.name.clone(),
        value: argument(member.directives.as_ref(), "enumValue", "value").unwrap_or_default(),
        description: words(member.description.as_ref()),
        deprecated: member.deprecation_reason.clone(),
    });
    EnumType {
        name: each.name.clone(),
        description: words(each.description.as_ref()),
        members: members.collect(),
    }
}

/// The type as in GraphQL; for an id, that of the object it must be of.
fn type_of(field: &Described) -> String {
    let expected = argument(field.directives.as_ref(), "expectedType", "name");
    let found = field.r#type.as_ref();
    found.map_or_else(String::new, |found| text(found, expected.as_deref()))
}

fn text(found: &TypeRef, expected: Option<&str>) -> String {
    let inner = || {
        let of_type = found.of_type.as_ref();
        of_type.map_or_else(String::new, |inner| text(inner, expected))
    };
    match (found.kind.as_str(), found.name.as_deref()) {
        ("NON_NULL", _) => inner() + "!",
        ("LIST", _) => format!("[{}]", inner()),
        ("SCALAR", Some("ID")) => expected.unwrap_or("ID").to_owned(),
        (_, name) => name.unwrap_or_default().to_owned(),
    }
}

/// An argument of a directive, which is a text.
fn argument(directives: Option<&Vec<Directive>>, name: &str, key: &str) -> Option<String> {
    let directive = directives?.iter().find(|each| each.name == name)?;
    let arg = directive.args.iter().find(|arg| arg.name == key)?;
    serde_json::from_str(arg.value.as_ref()?).ok()
}

/// Engines put descriptions between line breaks.
fn words(description: Option<&String>) -> String {
    description.map_or_else(String::new, |text| text.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lab() -> Option<ModuleTypes> {
        let text =
            include_str!("../../../poniard-sdk/tests/it/foreign/src/deps/introspection.json");
        let found: Introspection = serde_json::from_str(text).expect("an introspection");
        assert_eq!(found.types_of("other"), None);
        found.types_of("go-lab")
    }

    #[test]
    fn the_types_of_a_dependency_are_those_that_its_source_map_names() {
        let types = lab().expect("types");
        let names: Vec<_> = types
            .objects
            .iter()
            .map(|each| each.name.as_str())
            .collect();
        assert_eq!(names, ["GoLab", "GoLabItem"]);
        assert_eq!(types.enums[0].name, "GoLabColour");
        assert_eq!(types.description, "A laboratory in Go.");
    }

    #[test]
    fn arguments_are_written_as_in_graphql_with_objects_for_their_ids() {
        let types = lab().expect("types");
        let main = &types.objects[0];
        let constructor = main.constructor.as_ref().expect("a constructor");
        let args = |function: &Function| -> Vec<(String, String, bool)> {
            let each = |arg: &Arg| (arg.name.clone(), arg.r#type.clone(), arg.required());
            function.args.iter().map(each).collect()
        };
        let given = |name: &str, ty: &str, required| (name.to_owned(), ty.to_owned(), required);
        assert_eq!(
            args(constructor),
            [
                given("token", "Secret!", true),
                given("prefix", "String", false)
            ]
        );
        let mix = main.functions.iter().find(|each| each.name == "mix");
        assert_eq!(
            args(mix.expect("mix")),
            [
                given("parts", "[Directory!]!", true),
                given("item", "GoLabItem!", true),
                given("colour", "GoLabColour!", false),
                given("source", "Directory!", false),
            ]
        );
        assert!(main.functions.iter().all(|each| each.name != "id"));
    }
}
