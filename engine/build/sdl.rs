//! Reads `schema.graphql` into the [`Model`].

use async_graphql_parser::types as ast;
use async_graphql_parser::{Positioned, parse_schema};
use eyre::{Result, bail};
use indexmap::IndexMap;

use crate::model::{Arg, Enum, Function, Model, Object, TypeRef};

/// Reads definitions of scalars, enums, inputs, interfaces and objects.
pub fn read(text: &str) -> Result<Model> {
    let document = parse_schema(text)?;
    let definitions: Vec<_> = document
        .definitions
        .into_iter()
        .filter_map(|definition| match definition {
            ast::TypeSystemDefinition::Type(ty) => Some(ty.node),
            _ => None,
        })
        .collect();
    let objects: Vec<String> = definitions
        .iter()
        .filter(|ty| matches!(ty.kind, ast::TypeKind::Object(_)))
        .map(|ty| ty.name.node.to_string())
        .collect();
    let mut model = Model::default();
    for ty in definitions {
        let name = ty.name.node.to_string();
        let description = ty.description.map(|text| text.node).unwrap_or_default();
        match ty.kind {
            ast::TypeKind::Scalar => model.scalars.push(name),
            ast::TypeKind::Enum(def) => {
                let mut read = Enum {
                    name: name.clone(),
                    description,
                    ..Enum::default()
                };
                for value in def.values {
                    let member = value.node.value.node.to_string();
                    if let Some(meant) = alias(&value.node) {
                        read.aliases.insert(member.clone(), meant);
                    }
                    read.members.push((member, String::new()));
                }
                model.enums.insert(name, read);
            }
            ast::TypeKind::InputObject(def) => {
                let fields = def
                    .fields
                    .into_iter()
                    .map(|f| arg(f.node, &objects))
                    .collect::<Result<Vec<_>>>()?;
                model.inputs.insert(name, fields);
            }
            ast::TypeKind::Object(def) => {
                let interfaces = def.implements.into_iter().map(|i| i.node.to_string());
                let object = Object {
                    name: name.clone(),
                    description,
                    interfaces: interfaces.collect(),
                    functions: functions(def.fields, &objects)?,
                    ..Object::default()
                };
                model.objects.insert(name, object);
            }
            ast::TypeKind::Interface(def) => {
                let interface = Object {
                    name: name.clone(),
                    description,
                    functions: functions(def.fields, &objects)?,
                    ..Object::default()
                };
                model.interfaces.insert(name, interface);
            }
            ast::TypeKind::Union(_) => bail!("`{name}` is a union, and Dagger's API has none"),
        }
    }
    Ok(model)
}

/// The member that `DOCKER @alias(of: DockerMediaTypes)` stands for.
fn alias(value: &ast::EnumValueDefinition) -> Option<String> {
    let directives = value.directives.iter().map(|directive| &directive.node);
    let alias = directives
        .filter(|directive| directive.name.node == "alias")
        .find_map(|directive| directive.get_argument("of"))?;
    match alias.node.clone().into_json() {
        Ok(serde_json::Value::String(name)) => Some(name),
        _ => None,
    }
}

fn functions(
    fields: Vec<Positioned<ast::FieldDefinition>>,
    objects: &[String],
) -> Result<IndexMap<String, Function>> {
    let read = |field: Positioned<ast::FieldDefinition>| {
        let function = function(field.node, objects)?;
        Ok((function.name.clone(), function))
    };
    fields.into_iter().map(read).collect()
}

fn function(field: ast::FieldDefinition, objects: &[String]) -> Result<Function> {
    Ok(Function {
        name: field.name.node.to_string(),
        description: field.description.map(|text| text.node).unwrap_or_default(),
        args: field
            .arguments
            .into_iter()
            .map(|a| arg(a.node, objects))
            .collect::<Result<_>>()?,
        ty: type_ref(&field.ty.node, &|name| name.to_owned()),
        deprecated: None,
        check: false,
        field: false,
    })
}

fn arg(value: ast::InputValueDefinition, objects: &[String]) -> Result<Arg> {
    let meant = type_ref(&value.ty.node, &|name| name.to_owned());
    let on_wire = |name: &str| {
        if objects.iter().any(|o| o == name) {
            "ID"
        } else {
            name
        }
        .to_owned()
    };
    Ok(Arg {
        name: value.name.node.to_string(),
        description: value.description.map(|text| text.node).unwrap_or_default(),
        expected: meant.name().to_owned(),
        ty: type_ref(&value.ty.node, &on_wire),
        default: value
            .default_value
            .map(|v| v.node.into_json())
            .transpose()?,
        default_path: None,
        ignore: Vec::new(),
        deprecated: None,
    })
}

fn type_ref(ty: &ast::Type, rename: &impl Fn(&str) -> String) -> TypeRef {
    let required = !ty.nullable;
    match &ty.base {
        ast::BaseType::Named(name) => TypeRef::Named {
            name: rename(name),
            required,
        },
        ast::BaseType::List(of) => TypeRef::List {
            of: Box::new(type_ref(of, rename)),
            required,
        },
    }
}
