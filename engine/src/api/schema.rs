//! The GraphQL schema of a [`Model`], with one resolver for everything.

use std::sync::Arc;

use async_graphql::dynamic::{
    Enum, Field, FieldFuture, FieldValue, InputObject, InputValue, Interface, InterfaceField,
    Object, ResolverContext, Scalar, Schema, TypeRef as Ref,
};
use async_graphql::{Error, Value as Const};
use eyre::Result;
use indexmap::IndexSet;

use super::model::{self, Arg, Function, Model, TypeRef};
use super::support::{self, load_field};
use super::{Client, QueryError};
use crate::graph::{Args, Node, Value};

/// How deep a query may nest: a long pipeline nests one level per step.
const DEPTH: usize = 4096;

/// Builds the schema that `client` sees.
pub fn build(model: &Model) -> Result<Schema> {
    let mut schema = Schema::build("Query", None, None)
        .limit_recursive_depth(DEPTH)
        .disable_suggestions()
        .register(Interface::new("Node").field(InterfaceField::new("id", Ref::named_nn("ID"))));
    for name in &model.scalars {
        schema = schema.register(Scalar::new(name.as_str()));
    }
    let objects = model.objects.keys().filter(|name| *name != "Query");
    let loaded: IndexSet<&str> = objects
        .chain(model.interfaces.keys())
        .map(String::as_str)
        .collect();
    // Also of what is not there, so that it is told as that.
    for name in support::loadable().chain(loaded.iter().copied()) {
        if let Some(id) = own_id(model, name) {
            schema = schema
                .register(Scalar::new(id).validator(|value| matches!(value, Const::String(_))));
        }
    }
    for (name, def) in &model.interfaces {
        schema = schema.register(interface(model, name, def));
    }
    for (name, def) in &model.enums {
        let members = def.members.iter().map(|(member, _)| member.as_str());
        schema = schema.register(
            Enum::new(name.as_str())
                .description(&def.description)
                .items(members),
        );
    }
    for (name, fields) in &model.inputs {
        let input = fields
            .iter()
            .fold(InputObject::new(name.as_str()), |input, arg| {
                input.field(argument(model, arg))
            });
        schema = schema.register(input);
    }
    let mut query = Object::new("Query");
    for (name, def) in &model.objects {
        let root = name == "Query";
        let mut object = if root {
            std::mem::replace(&mut query, Object::new(""))
        } else {
            Object::new(name.as_str())
        };
        object = object.description(&def.description);
        for function in def.functions.values() {
            object = object.field(field(model, function));
        }
        if root {
            query = object;
            continue;
        }
        object = object.field(id_field()).implement("Node");
        object = def.interfaces.iter().fold(object, Object::implement);
        schema = schema.register(object);
    }
    for name in loaded {
        query = query.field(loader(model, name));
    }
    Ok(schema.register(query).finish()?)
}

fn type_ref(ty: &TypeRef) -> Ref {
    let inner = match ty {
        TypeRef::Named { name, .. } => Ref::named(name.as_str()),
        TypeRef::List { of, .. } => Ref::List(Box::new(type_ref(of))),
    };
    if ty.required() {
        Ref::NonNull(Box::new(inner))
    } else {
        inner
    }
}

/// The scalar that names ids of a type, unless a module has something of the name.
fn own_id(model: &Model, type_name: &str) -> Option<String> {
    let id = format!("{type_name}ID");
    let is_taken = model.objects.contains_key(&id)
        || model.enums.contains_key(&id)
        || model.inputs.contains_key(&id)
        || model.interfaces.contains_key(&id);
    (!is_taken).then_some(id)
}

fn interface(model: &Model, name: &str, def: &model::Object) -> Interface {
    let id = InterfaceField::new("id", Ref::named_nn("ID"));
    let start = Interface::new(name).description(&def.description).field(id);
    def.functions.values().fold(start, |interface, function| {
        let field = InterfaceField::new(function.name.as_str(), type_ref(&function.ty))
            .description(&function.description);
        let add = |field: InterfaceField, arg| field.argument(argument(model, arg));
        interface.field(function.args.iter().fold(field, add))
    })
}

fn argument(model: &Model, arg: &Arg) -> InputValue {
    // What has a default path, and the caller's workspace, may be left out: the
    // engine fills it in.
    let filled_in = arg.default_path.is_some() || arg.expected == "Workspace";
    let mut ty = type_ref(&arg.ty);
    if filled_in && let Ref::NonNull(inner) = ty {
        ty = *inner;
    }
    let mut input = InputValue::new(arg.name.as_str(), ty).description(&arg.description);
    if let Some(default) = &arg.default
        && let Ok(mut value) = Const::from_json(default.clone())
    {
        // A string that stands for an enum member is written as a name.
        if model.is_enum(arg.ty.name()) {
            value = as_member(value);
        }
        input = input.default_value(value);
    }
    input
}

fn as_member(value: Const) -> Const {
    match value {
        Const::String(name) => Const::Enum(async_graphql::Name::new(name)),
        Const::List(values) => Const::List(values.into_iter().map(as_member).collect()),
        other => other,
    }
}

fn field(model: &Model, function: &Function) -> Field {
    let name = function.name.clone();
    let ty = function.ty.name();
    let interface = ty == "Node" || model.interfaces.contains_key(ty);
    // `Void!` says that nothing comes back, not that something does.
    let void = ty == "Void" && function.ty.required();
    let mut field = Field::new(
        function.name.as_str(),
        type_ref(&function.ty),
        move |context| {
            let name = name.clone();
            FieldFuture::new(async move {
                let client = client(&context)?;
                let this = receiver(&context);
                let args = arguments(&context)?;
                let value = client
                    .select(this, &name, args)
                    .await
                    .map_err(into_graphql)?;
                Ok(match value {
                    Value::Null if void => Some(FieldValue::NULL),
                    value => into_field(value, interface),
                })
            })
        },
    )
    .description(&function.description);
    if let Some(reason) = &function.deprecated {
        field = field.deprecation(Some(reason));
    }
    function
        .args
        .iter()
        .fold(field, |field, arg| field.argument(argument(model, arg)))
}

fn id_field() -> Field {
    Field::new("id", Ref::named_nn("ID"), |context| {
        FieldFuture::new(async move {
            let node = context
                .parent_value
                .try_downcast_ref::<Arc<Node>>()?
                .clone();
            Ok(Some(FieldValue::value(node.id.to_string())))
        })
    })
}

/// The field that gives an object, or what implements an interface, by its id.
fn loader(model: &Model, type_name: &str) -> Field {
    let expected = type_name.to_owned();
    let interface = model.interfaces.contains_key(type_name);
    let result = if support::may_load_null(type_name) {
        Ref::named(type_name)
    } else {
        Ref::named_nn(type_name)
    };
    let id = own_id(model, type_name).unwrap_or_else(|| Ref::ID.to_owned());
    Field::new(load_field(type_name), result, move |context| {
        let expected = expected.clone();
        FieldFuture::new(async move {
            let id = context.args.try_get("id")?.string()?.to_owned();
            let node = client(&context)?
                .node(&id, Some(&expected))
                .await
                .map_err(into_graphql)?;
            Ok(into_field(Value::Node(node), interface))
        })
    })
    .argument(InputValue::new("id", Ref::named_nn(id)))
}

fn client<'a>(context: &'a ResolverContext<'_>) -> Result<&'a Arc<Client>, Error> {
    context.data::<Arc<Client>>()
}

/// The object that a field is asked of; none at the root.
fn receiver(context: &ResolverContext<'_>) -> Option<Arc<Node>> {
    context.parent_value.downcast_ref::<Arc<Node>>().cloned()
}

fn arguments(context: &ResolverContext<'_>) -> Result<Args, Error> {
    let mut args = serde_json::Map::new();
    for (name, value) in context.args.iter() {
        args.insert(name.to_string(), value.as_value().clone().into_json()?);
    }
    Ok(Args::new(args))
}

/// `interface`: the declared type is one, so that the concrete one must be told.
fn into_field(value: Value, interface: bool) -> Option<FieldValue<'static>> {
    let object = |node: Arc<Node>| {
        let name = node.type_name.clone();
        let value = FieldValue::owned_any(node);
        if interface {
            value.with_type(name)
        } else {
            value
        }
    };
    match value {
        Value::Null => None,
        Value::Json(json) => Some(FieldValue::value(
            Const::from_json(json).unwrap_or(Const::Null),
        )),
        Value::Node(node) => Some(object(node)),
        Value::Nodes(nodes) => Some(FieldValue::list(nodes.into_iter().map(object))),
    }
}

fn into_graphql(error: eyre::Report) -> Error {
    let QueryError {
        message,
        extensions,
    } = QueryError::from(&error);
    let mut graphql = Error::new(message);
    for (name, value) in extensions {
        let value = Const::from_json(value).unwrap_or(Const::Null);
        graphql = async_graphql::ErrorExtensions::extend_with(graphql, |_, e| e.set(name, value));
    }
    graphql
}
