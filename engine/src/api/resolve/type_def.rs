//! The fields of `TypeDef` and its kin, from the same types that the schema is
//! made of.

use std::collections::BTreeMap;
use std::sync::Arc;

use eyre::Result;
use serde_json::json;

use super::unsupported;
use crate::api::client::Client;
use crate::api::model::{Arg, Function, Model, TypeRef};
use crate::graph::node::Answer;
use crate::graph::{Args, Call, Object};
use crate::module::Module;
use crate::module::definition::{Definition, Part};
use crate::module::types::{Names, join};

/// `Query.currentTypeDefs`: the types that this client sees now.
pub fn current(client: &Client, args: &Args) -> Result<Answer> {
    let mut model = client.model();
    if args.flag("hideCore")? {
        let mut without = Model::clone(&model);
        if let Some(query) = without.objects.get_mut("Query") {
            let is_of_module = |function: &Function| module_of(&model, function).is_some();
            query.functions.retain(|_, function| is_of_module(function));
        }
        model = Arc::new(without);
    }
    let mut types: BTreeMap<String, TypeRef> = BTreeMap::new();
    let mut add = |ty: TypeRef| drop(types.insert(ty.to_string(), ty));
    named(&model).for_each(&mut add);
    if args.flag("returnAllTypes")? {
        used(&model).for_each(&mut add);
    }
    let mut call = Call::root("currentTypeDefs", args.json.clone());
    // Others see other types, and this client may come to see more.
    let seen = json!([client.serial, model.objects.len()]);
    call.args.insert("seen".to_owned(), seen);
    let node = |(nth, ty)| {
        let part = Part::Type(ty);
        let model = model.clone();
        let object = Object::TypeDef(Arc::new(Definition { model, part }));
        let call = Call {
            nth: Some(nth),
            ..call.clone()
        };
        client.make("TypeDef", object, call, false)
    };
    Ok(Answer::Nodes(
        types.into_values().enumerate().map(node).collect(),
    ))
}

/// The types that are declared.
fn named(model: &Model) -> impl Iterator<Item = TypeRef> {
    let objects = model.objects.keys().chain(model.enums.keys());
    let all = objects.chain(model.inputs.keys()).chain(&model.scalars);
    all.map(|name| type_of(name))
}

/// The types that functions give and take.
fn used(model: &Model) -> impl Iterator<Item = TypeRef> {
    let functions = model.objects.values().flat_map(|o| o.functions.values());
    let args = |function: &Function| function.args.iter().map(meant).collect::<Vec<_>>();
    let fields = model.inputs.values().flatten().map(meant);
    functions
        .flat_map(move |function| [vec![function.ty.clone()], args(function)].concat())
        .chain(fields)
}

/// `Module.objects`, `enums` and `interfaces`: by the names that they have in the
/// API.
pub fn of_module(client: &Client, module: &Module, field: &str) -> Result<Answer> {
    let mut model = Model::clone(&client.model());
    if module.config.sdk.is_some() {
        join(&mut model, &Names::new(module))?;
    }
    let model = Arc::new(model);
    let is_own = |of: &Option<String>| of.as_deref() == Some(&module.name);
    let names: Vec<&String> = match field {
        "objects" => {
            let own = model.objects.values().filter(|def| is_own(&def.module));
            own.map(|def| &def.name).collect()
        }
        "enums" => {
            let own = model.enums.values().filter(|def| is_own(&def.module));
            own.map(|def| &def.name).collect()
        }
        // A module in Rust declares none.
        _ => Vec::new(),
    };
    let parts = names.into_iter().map(|name| Part::Type(type_of(name)));
    Ok(many(&model, "TypeDef", parts))
}

pub fn resolve(this: &Definition, type_name: &str, field: &str) -> Result<Answer> {
    let model = &this.model;
    Ok(match (&this.part, field) {
        (Part::Type(ty), _) => of_type(model, ty, field)?,
        (Part::List(ty), "elementTypeDef") => ty_def(model, ty),
        (Part::Object(def), "name") => def.name.clone().into(),
        (Part::Object(def), "description") => def.description.clone().into(),
        (Part::Object(def), "deprecated") => def.deprecated.clone().into(),
        (Part::Object(def), "sourceModuleName") => def.module.clone().unwrap_or_default().into(),
        (Part::Object(def), "constructor") => match &def.constructor {
            Some(found) => one(
                model,
                "Function",
                Part::Function(found.clone(), def.module.clone()),
            ),
            None => Answer::Null,
        },
        (Part::Object(def), "fields") => {
            let fields = def.functions.values().filter(|function| function.field);
            many(model, "FieldTypeDef", fields.cloned().map(Part::Field))
        }
        (Part::Object(def), "functions") => {
            let functions = def.functions.values().filter(|function| !function.field);
            let part = |function: &Function| {
                let module = def.module.clone().or_else(|| module_of(model, function));
                Part::Function(function.clone(), module)
            };
            many(model, "Function", functions.map(part))
        }
        (Part::Interface(name), "name") => name.clone().into(),
        (Part::Interface(_), "description" | "sourceModuleName") => "".into(),
        (Part::Interface(_), "functions") => many(model, "Function", std::iter::empty()),
        (Part::Input(name, _), "name") => name.clone().into(),
        (Part::Input(_, fields), "fields") => many(
            model,
            "FieldTypeDef",
            fields.iter().cloned().map(Part::InputField),
        ),
        (Part::Enum(def), "name") => def.name.clone().into(),
        (Part::Enum(def), "description") => def.description.clone().into(),
        (Part::Enum(def), "sourceModuleName") => def.module.clone().unwrap_or_default().into(),
        (Part::Enum(def), "members" | "values") => {
            let members = def.members.iter().cloned();
            let part = |(name, description)| Part::Member(name, description);
            many(model, "EnumValueTypeDef", members.map(part))
        }
        (Part::Member(name, _), "name" | "value") => name.clone().into(),
        (Part::Member(_, description), "description") => description.clone().into(),
        (Part::Member(..), "deprecated") => Answer::Null,
        (Part::Scalar(name), "name") => name.clone().into(),
        (Part::Scalar(_), "description" | "sourceModuleName") => "".into(),
        (Part::Field(def) | Part::Function(def, _), "name") => def.name.clone().into(),
        (Part::Field(def) | Part::Function(def, _), "description") => {
            def.description.clone().into()
        }
        (Part::Field(def) | Part::Function(def, _), "deprecated") => def.deprecated.clone().into(),
        (Part::Field(def), "typeDef") | (Part::Function(def, _), "returnType") => {
            ty_def(model, &def.ty)
        }
        (Part::Function(def, _), "args") => many(
            model,
            "FunctionArg",
            def.args.iter().cloned().map(Part::Arg),
        ),
        (Part::Function(_, module), "sourceModuleName") => {
            module.clone().unwrap_or_default().into()
        }
        (Part::Arg(arg) | Part::InputField(arg), "name") => arg.name.clone().into(),
        (Part::Arg(arg) | Part::InputField(arg), "description") => arg.description.clone().into(),
        (Part::Arg(arg) | Part::InputField(arg), "deprecated") => arg.deprecated.clone().into(),
        (Part::Arg(arg) | Part::InputField(arg), "typeDef") => ty_def(model, &meant(arg)),
        (Part::Arg(arg), "defaultPath") => arg.default_path.clone().unwrap_or_default().into(),
        (Part::Arg(arg), "defaultValue") => {
            let value = arg.default.as_ref().map(ToString::to_string);
            value.unwrap_or_default().into()
        }
        (Part::Arg(arg), "ignore") => arg.ignore.clone().into(),
        _ => unsupported(type_name, field)?,
    })
}

fn of_type(model: &Arc<Model>, ty: &TypeRef, field: &str) -> Result<Answer> {
    let name = ty.name();
    let kind = kind(model, ty);
    Ok(match field {
        "kind" => format!("{kind}_KIND").into(),
        "name" => shown(ty).into(),
        "optional" => (!ty.required()).into(),
        "asList" => match ty {
            TypeRef::List { of, .. } => one(model, "ListTypeDef", Part::List(TypeRef::clone(of))),
            TypeRef::Named { .. } => Answer::Null,
        },
        "asObject" if kind == "OBJECT" => {
            let part = model.object(name).cloned().unwrap_or_default();
            one(model, "ObjectTypeDef", Part::Object(part))
        }
        "asInterface" if kind == "INTERFACE" => {
            one(model, "InterfaceTypeDef", Part::Interface(name.to_owned()))
        }
        "asInput" if kind == "INPUT" => {
            let fields = model.inputs.get(name).cloned().unwrap_or_default();
            one(model, "InputTypeDef", Part::Input(name.to_owned(), fields))
        }
        "asEnum" if kind == "ENUM" => {
            let part = model.enums.get(name).cloned().unwrap_or_default();
            one(model, "EnumTypeDef", Part::Enum(part))
        }
        "asScalar" if kind == "SCALAR" => {
            one(model, "ScalarTypeDef", Part::Scalar(name.to_owned()))
        }
        "asObject" | "asInterface" | "asInput" | "asEnum" | "asScalar" => Answer::Null,
        _ => unsupported("TypeDef", field)?,
    })
}

fn kind(model: &Model, ty: &TypeRef) -> &'static str {
    match ty.name() {
        _ if ty.is_list() => "LIST",
        "String" => "STRING",
        "Int" => "INTEGER",
        "Float" => "FLOAT",
        "Boolean" => "BOOLEAN",
        "Void" => "VOID",
        "Node" => "INTERFACE",
        name if model.objects.contains_key(name) => "OBJECT",
        name if model.enums.contains_key(name) => "ENUM",
        name if model.inputs.contains_key(name) => "INPUT",
        _ => "SCALAR",
    }
}

/// As Dagger names types: `[String?]` is a list some of whose items may be null.
fn shown(ty: &TypeRef) -> String {
    match ty {
        TypeRef::Named { name, .. } => name.clone(),
        TypeRef::List { of, .. } if of.required() => format!("[{}]", shown(of)),
        TypeRef::List { of, .. } => format!("[{}?]", shown(of)),
    }
}

/// The type of an argument, with the object that an `ID` stands for.
fn meant(arg: &Arg) -> TypeRef {
    fn of(ty: &TypeRef, expected: &str) -> TypeRef {
        match ty {
            TypeRef::Named { required, .. } => TypeRef::Named {
                name: expected.to_owned(),
                required: *required,
            },
            TypeRef::List {
                of: items,
                required,
            } => TypeRef::List {
                of: Box::new(of(items, expected)),
                required: *required,
            },
        }
    }
    of(&arg.ty, &arg.expected)
}

/// The module whose constructor a function of `Query` is.
fn module_of(model: &Model, function: &Function) -> Option<String> {
    model.object(function.ty.name())?.module.clone()
}

fn type_of(name: &str) -> TypeRef {
    TypeRef::Named {
        name: name.to_owned(),
        required: true,
    }
}

fn object(model: &Arc<Model>, part: Part) -> Object {
    let model = model.clone();
    Object::TypeDef(Arc::new(Definition { model, part }))
}

fn ty_def(model: &Arc<Model>, ty: &TypeRef) -> Answer {
    one(model, "TypeDef", Part::Type(ty.clone()))
}

fn one(model: &Arc<Model>, type_name: &'static str, part: Part) -> Answer {
    Answer::Object(type_name, object(model, part))
}

fn many(model: &Arc<Model>, type_name: &'static str, parts: impl Iterator<Item = Part>) -> Answer {
    Answer::Objects(type_name, parts.map(|part| object(model, part)).collect())
}
