//! `dagger.types.json`: what a module offers, without compiling it.

use std::path::Path;

use eyre::{Result, WrapErr, bail};
use serde::Deserialize;

use crate::api::model::{Arg, Enum, Function, Model, Object, TypeRef};
use crate::api::sdl::parse_type;

use super::{Module, TYPES_FILE};

/// The file. Types are written as in GraphQL; own types without the module's name.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Types {
    pub description: String,
    pub objects: Vec<ObjectDoc>,
    pub enums: Vec<EnumDoc>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct ObjectDoc {
    pub name: String,
    pub description: String,
    pub deprecated: Option<String>,
    pub fields: Vec<FieldDoc>,
    pub functions: Vec<FunctionDoc>,
    pub constructor: Option<FunctionDoc>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct FieldDoc {
    pub name: String,
    #[serde(rename = "type")]
    pub ty: String,
    pub description: String,
    pub deprecated: Option<String>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct FunctionDoc {
    pub name: String,
    #[serde(rename = "type")]
    pub ty: String,
    pub description: String,
    pub deprecated: Option<String>,
    pub args: Vec<ArgDoc>,
    /// `never`, `session` or a duration; none is the engine's default.
    pub cache: Option<String>,
    pub check: bool,
    /// Whether it gives changes that `generate` applies.
    pub generate: bool,
    /// Whether it gives a service that `up` starts.
    pub up: bool,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ArgDoc {
    pub name: String,
    #[serde(rename = "type")]
    pub ty: String,
    pub description: String,
    pub deprecated: Option<String>,
    /// JSON as text.
    pub default_value: Option<String>,
    pub default_path: Option<String>,
    pub ignore: Vec<String>,
    /// Address that a `.env` file gives for an object, or several with commas.
    #[serde(skip)]
    pub user_default: Option<String>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct EnumDoc {
    pub name: String,
    pub description: String,
    pub members: Vec<MemberDoc>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct MemberDoc {
    pub name: String,
    pub description: String,
}

impl Types {
    pub fn parse(text: &str, path: &Path) -> Result<Self> {
        let types: Self = serde_json::from_str(text).map_err(|error| {
            let cause = error.to_string();
            let cause = cause
                .split(" at line ")
                .next()
                .unwrap_or_default()
                .to_owned();
            eyre::eyre!(
                "cannot read `{}:{}:{}`: {cause}",
                path.display(),
                error.line(),
                error.column()
            )
        })?;
        for (place, ty) in types.all_types() {
            parse_type(ty)
                .wrap_err_with(|| format!("cannot read `{}`: {place}", path.display()))?;
        }
        Ok(types)
    }

    fn all_types(&self) -> Vec<(String, &str)> {
        let mut all = Vec::new();
        for object in &self.objects {
            for field in &object.fields {
                all.push((
                    format!("field `{}` of `{}`", field.name, object.name),
                    field.ty.as_str(),
                ));
            }
            for function in object.functions.iter().chain(&object.constructor) {
                all.push((
                    format!("function `{}` of `{}`", function.name, object.name),
                    &function.ty,
                ));
                for arg in &function.args {
                    all.push((
                        format!("argument `{}` of `{}`", arg.name, function.name),
                        &arg.ty,
                    ));
                }
            }
        }
        all
    }

    pub fn object(&self, name: &str) -> Option<&ObjectDoc> {
        self.objects.iter().find(|object| object.name == name)
    }
}

/// `bun-website` → `BunWebsite`.
pub fn pascal(name: &str) -> String {
    let mut starts = true;
    let mut out = String::new();
    for letter in name.chars() {
        if matches!(letter, '-' | '_' | ' ' | '.') {
            starts = true;
            continue;
        }
        if starts {
            out.extend(letter.to_uppercase());
        } else {
            out.push(letter);
        }
        // As in Dagger, a digit ends a word.
        starts = letter.is_ascii_digit();
    }
    out
}

/// `bun-website` → `bunWebsite`.
pub fn camel(name: &str) -> String {
    let pascal = pascal(name);
    let mut letters = pascal.chars();
    letters
        .next()
        .map(|first| first.to_lowercase().chain(letters).collect())
        .unwrap_or_default()
}

/// Names of a module's types in the API.
pub struct Names<'a> {
    /// What the module is known by here.
    pub module: &'a str,
    /// Its main object, as the module calls it.
    main: String,
    types: &'a Types,
}

impl<'a> Names<'a> {
    pub fn new(module: &'a Module) -> Self {
        Self {
            module: &module.name,
            main: module.main(),
            types: &module.types,
        }
    }

    pub fn is_object(&self, own: &str) -> bool {
        self.types.objects.iter().any(|object| object.name == own)
    }

    pub fn is_enum(&self, own: &str) -> bool {
        self.types.enums.iter().any(|def| def.name == own)
    }

    /// The main object is called like the module; the others get its name in
    /// front, in place of the main object's if that is there.
    pub fn api(&self, own: &str) -> String {
        if !(self.is_object(own) || self.is_enum(own)) {
            return own.to_owned();
        }
        let rest = own.strip_prefix(&self.main).filter(|rest| {
            let next = rest.chars().next();
            next.is_none_or(char::is_uppercase)
        });
        format!("{}{}", pascal(self.module), rest.unwrap_or(own))
    }
}

/// Adds a module's types to the model, and its constructor to `Query`.
pub fn join(model: &mut Model, names: &Names) -> Result<()> {
    let Names { module, types, .. } = *names;
    known(model, module, types, names)?;
    for def in &types.enums {
        let name = names.api(&def.name);
        let members = def
            .members
            .iter()
            .map(|m| (m.name.clone(), m.description.clone()))
            .collect();
        let module = Some(module.to_owned());
        model.enums.insert(
            name.clone(),
            Enum {
                name,
                description: def.description.clone(),
                module,
                members,
                ..Enum::default()
            },
        );
    }
    for object in &types.objects {
        let name = names.api(&object.name);
        let mut def = Object {
            name: name.clone(),
            description: if object.description.is_empty() {
                types.description.clone()
            } else {
                object.description.clone()
            },
            module: Some(module.to_owned()),
            deprecated: object.deprecated.clone(),
            constructor: constructor(model, object, names)?,
            ..Object::default()
        };
        for field in &object.fields {
            let function = Function {
                name: field.name.clone(),
                description: field.description.clone(),
                args: Vec::new(),
                ty: rename(&parse_type(&field.ty)?, names),
                deprecated: field.deprecated.clone(),
                check: false,
                field: true,
            };
            def.functions.insert(field.name.clone(), function);
        }
        for function in &object.functions {
            def.functions
                .insert(function.name.clone(), to_function(model, function, names)?);
        }
        model.objects.insert(name, def);
    }
    let main = types.object(&names.main);
    let made = main.and_then(|object| object.constructor.clone());
    let about = main
        .map(|object| object.description.clone())
        .unwrap_or_default();
    let mut function = to_function(
        model,
        &FunctionDoc {
            ty: format!("{}!", names.main),
            ..made.unwrap_or_default()
        },
        names,
    )?;
    function.name = camel(module);
    if function.description.is_empty() {
        function.description = if about.is_empty() {
            types.description.clone()
        } else {
            about
        };
    }
    if let Some(query) = model.objects.get_mut("Query") {
        query.functions.insert(function.name.clone(), function);
    }
    Ok(())
}

/// The constructor that an object declares.
fn constructor(model: &Model, object: &ObjectDoc, names: &Names) -> Result<Option<Function>> {
    let Some(doc) = &object.constructor else {
        return Ok(None);
    };
    let doc = FunctionDoc {
        ty: format!("{}!", object.name),
        ..doc.clone()
    };
    to_function(model, &doc, names).map(Some)
}

/// Refuses types that nobody declares.
fn known(model: &Model, module: &str, types: &Types, names: &Names) -> Result<()> {
    for (place, text) in types.all_types() {
        let ty = parse_type(text)?;
        let name = ty.name();
        let declared = BUILT_IN.contains(&name)
            || names.is_object(name)
            || names.is_enum(name)
            || model.objects.contains_key(name)
            || model.enums.contains_key(name)
            || model.scalars.iter().any(|scalar| scalar == name);
        if !declared {
            bail!(
                "cannot read {TYPES_FILE} of module `{module}`: {place} has the type `{text}`, which \
                 neither the module nor poniard's API declares"
            );
        }
    }
    Ok(())
}

/// Types of GraphQL itself.
const BUILT_IN: [&str; 5] = ["Boolean", "Float", "ID", "Int", "String"];

fn rename(ty: &TypeRef, names: &Names) -> TypeRef {
    match ty {
        TypeRef::Named { name, required } => TypeRef::Named {
            name: names.api(name),
            required: *required,
        },
        TypeRef::List { of, required } => TypeRef::List {
            of: Box::new(rename(of, names)),
            required: *required,
        },
    }
}

fn to_function(model: &Model, doc: &FunctionDoc, names: &Names) -> Result<Function> {
    Ok(Function {
        name: doc.name.clone(),
        description: doc.description.clone(),
        args: doc
            .args
            .iter()
            .map(|arg| to_arg(model, arg, names))
            .collect::<Result<_>>()?,
        ty: rename(&parse_type(&doc.ty)?, names),
        deprecated: doc.deprecated.clone(),
        check: doc.check,
        field: false,
    })
}

fn to_arg(model: &Model, doc: &ArgDoc, names: &Names) -> Result<Arg> {
    let own = parse_type(&doc.ty)?;
    let is_object = names.is_object(own.name()) || model.objects.contains_key(own.name());
    let expected = names.api(own.name());
    let ty = if is_object {
        on_wire(&own)
    } else {
        rename(&own, names)
    };
    Ok(Arg {
        name: doc.name.clone(),
        description: doc.description.clone(),
        ty,
        expected,
        default: doc
            .default_value
            .as_deref()
            .map(serde_json::from_str)
            .transpose()
            .wrap_err_with(|| format!("default of argument `{}` is not JSON", doc.name))?,
        default_path: doc.default_path.clone().filter(|path| !path.is_empty()),
        ignore: doc.ignore.clone(),
        deprecated: doc.deprecated.clone(),
    })
}

fn on_wire(ty: &TypeRef) -> TypeRef {
    match ty {
        TypeRef::Named { required, .. } => TypeRef::Named {
            name: "ID".to_owned(),
            required: *required,
        },
        TypeRef::List { of, required } => TypeRef::List {
            of: Box::new(on_wire(of)),
            required: *required,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = r#"{"objects":[{"name":"Sink","functions":[
            {"name":"meet","type":"String!","args":[{"name":"who","type":"Person!"},{"name":"mood","type":"Mood!","defaultValue":"\"HAPPY\""}]}]},
            {"name":"Person","fields":[{"name":"name","type":"String!"}]}],
            "enums":[{"name":"Mood","members":[{"name":"HAPPY"}]}]}"#;

    fn joined(module: &str) -> Model {
        let types = Types::parse(TEXT, Path::new("dagger.types.json")).unwrap();
        let mut model = crate::api::sdl::core().unwrap();
        let main = "Sink".to_owned();
        let types = &types;
        join(
            &mut model,
            &Names {
                module,
                main,
                types,
            },
        )
        .unwrap();
        model
    }

    #[test]
    fn own_types_carry_the_name_of_the_module() {
        let model = joined("sink");
        let meet = &model.objects["Sink"].functions["meet"];
        assert_eq!(
            (
                meet.args[0].ty.to_string().as_str(),
                meet.args[0].expected.as_str()
            ),
            ("ID!", "SinkPerson")
        );
        assert_eq!(meet.args[1].ty.to_string(), "SinkMood!");
        assert!(model.objects.contains_key("SinkPerson"));
        assert_eq!(
            model.objects["Query"].functions["sink"].ty.to_string(),
            "Sink!"
        );
    }

    #[test]
    fn a_module_under_another_name_has_types_of_that_name() {
        let model = joined("the-drain");
        let constructor = &model.objects["Query"].functions["theDrain"];
        assert_eq!(constructor.ty.to_string(), "TheDrain!");
        let meet = &model.objects["TheDrain"].functions["meet"];
        assert_eq!(meet.args[0].expected, "TheDrainPerson");
        assert!(model.enums.contains_key("TheDrainMood"));
        assert!(!model.objects.keys().any(|name| name.starts_with("Sink")));
    }

    #[test]
    fn names_are_converted() {
        assert_eq!(
            (pascal("bun-website"), camel("bun-website")),
            ("BunWebsite".into(), "bunWebsite".into())
        );
    }

    #[test]
    fn a_broken_file_is_named_with_the_place() {
        let error =
            Types::parse("{\"objects\": [\n 1]}", Path::new("m/dagger.types.json")).unwrap_err();
        assert!(
            error.to_string().contains("m/dagger.types.json:2:"),
            "{error}"
        );
    }
}
