//! Everything wrong with an item, each thing at its place.

use std::collections::HashMap;

use syn::{Expr, ExprLit, ExprUnary, Ident, Lit, Type, UnOp};

use crate::ast::{Arg, Enumeration, Function, Functions, Object};
use crate::errors::Errors;
use crate::names::{CORE_ENUMS, CORE_OBJECTS, pascal};
use crate::shape::{complaint, is, is_unit, named, peel};

pub fn object(object: &Object, errors: &mut Errors) {
    if !object.item.generics.params.is_empty() {
        errors.push(
            &object.item.generics,
            "an object has no type parameters, since the API knows concrete types only: expected the type itself, such as `String`",
        );
    }
    if object.is_tuple() {
        errors.push(
            &object.item.ident,
            format!(
                "expected named fields: `pub struct {} {{ name: Type }}`",
                object.item.ident
            ),
        );
    }
    type_name(
        &object.item.ident,
        &object.name,
        &[CORE_OBJECTS, CORE_ENUMS],
        errors,
    );
    unique(
        object
            .fields
            .iter()
            .map(|field| (&field.ident, field.name.as_str())),
        errors,
    );
    for field in object.fields.iter().filter(|field| field.public) {
        name(&field.ident, &field.name, errors);
        if is_unit(&field.ty) {
            let ident = &field.ident;
            errors.push(&field.ty, format!("`{ident}` would have nothing to tell: expected a type with values, such as `String` or `bool`"));
        }
        if is(&field.ty, "Result") {
            let ident = &field.ident;
            errors.push(&field.ty, format!("`{ident}` is kept, and an error cannot be: expected the value itself, or a function `pub fn {ident}(&self) -> Result<…>`"));
        }
        if is(peel(&field.ty, "Option"), "Workspace") {
            errors.push(&field.ty, "an object cannot hold a `Workspace`: expected it as an argument of the functions that read it");
        }
        refuse(&field.ty, errors);
    }
}

pub fn functions(functions: &Functions, errors: &mut Errors) {
    let item = &functions.item;
    if let Some((_, path, _)) = &item.trait_ {
        errors.push(
            path,
            "expected an inherent impl: `#[functions] impl Name { … }`",
        );
    }
    if !item.generics.params.is_empty() {
        errors.push(
            &item.generics,
            "an object has no type parameters, since the API knows concrete types only: expected the type itself, such as `String`",
        );
    }
    let api = functions
        .functions
        .iter()
        .filter(|function| !function.is_constructor());
    unique(
        api.map(|function| (&function.sig.ident, function.name.as_str())),
        errors,
    );
    for each in &functions.functions {
        function(each, &item.self_ty, errors);
    }
}

pub fn enumeration(enumeration: &Enumeration, errors: &mut Errors) {
    type_name(
        &enumeration.item.ident,
        &enumeration.name,
        &[CORE_ENUMS],
        errors,
    );
    if enumeration.members.is_empty() {
        let ident = &enumeration.item.ident;
        errors.push(
            ident,
            format!("`{ident}` has no members, so nothing could be given for it: expected at least one, such as `First,`"),
        );
    }
    if !enumeration.item.generics.params.is_empty() {
        errors.push(
            &enumeration.item.generics,
            format!(
                "`{}` has type parameters, and the API knows concrete types only: expected an enum without",
                enumeration.item.ident
            ),
        );
    }
    for variant in &enumeration.item.variants {
        if !matches!(variant.fields, syn::Fields::Unit) {
            errors.push(
                variant,
                format!(
                    "`{0}` carries a value, and a member is only a name: expected `{0}`, or an `#[object]` with the values as fields",
                    variant.ident
                ),
            );
        }
    }
    unique(
        enumeration
            .members
            .iter()
            .map(|member| (&member.ident, member.name.as_str())),
        errors,
    );
    for member in &enumeration.members {
        identifier(&member.ident, &member.name, errors);
    }
}

fn function(function: &Function, self_ty: &Type, errors: &mut Errors) {
    let lifetime = function.sig.generics.lifetimes().next();
    if let Some(lifetime) = lifetime {
        errors.push(
            lifetime,
            format!(
                "`{}` borrows, and values come from the engine and go to it: expected owned types without lifetimes, such as `String` for `&str`",
                function.sig.ident
            ),
        );
    } else if !function.sig.generics.params.is_empty() {
        errors.push(
            &function.sig.generics,
            format!(
                "`{}` has type parameters, and the API knows concrete types only: expected the type itself, such as `String`",
                function.sig.ident
            ),
        );
    }
    if let Some(token) = &function.sig.unsafety {
        let ident = &function.sig.ident;
        errors.push(token, format!("`{ident}` is unsafe, and callers cannot promise anything: expected `pub fn {ident}`"));
    }
    if function.is_constructor() {
        constructor(function, self_ty, errors);
    } else {
        name(&function.sig.ident, &function.name, errors);
        receiver(function, errors);
    }
    if let Some(output) = function.output() {
        refuse(output, errors);
        error_type(output, errors);
    }
    unique(
        function
            .args
            .iter()
            .map(|arg| (&arg.ident, arg.name.as_str())),
        errors,
    );
    for each in &function.args {
        arg(each, errors);
    }
    if let Some(cache) = &function.cache
        && !cache_policy(&cache.value())
    {
        errors.push(cache, "expected \"never\", \"session\", or a time to live from \"1s\" to \"168h\", such as \"20s\" or \"1h30m\"");
    }
    if function.is_constructor() {
        return;
    }
    if function.check.is_some() {
        gives("a check fails or gives nothing", "()", function, errors);
        without_arguments("a check", function, errors);
    }
    if function.generate.is_some() {
        gives("a generator gives changes", "Changeset", function, errors);
        without_arguments("a generator", function, errors);
    }
    if function.up.is_some() {
        gives("`dagger up` starts a service", "Service", function, errors);
        without_arguments("what is up", function, errors);
    }
}

fn constructor(function: &Function, self_ty: &Type, errors: &mut Errors) {
    if let Some(receiver) = function.receiver() {
        errors.push(
            receiver,
            "the constructor makes the object: expected `pub fn new(…) -> Self`",
        );
    }
    let made = function.output().map(|output| peel(output, "Result"));
    let own = named(self_ty).map(|(name, _)| name).unwrap_or_default();
    if !made.is_some_and(|made| is(made, "Self") || is(made, &own)) {
        errors.push(&function.sig.ident, "expected `pub fn new(…) -> Self` or `-> Result<Self>`; rename a helper, or put it in an impl block without `#[functions]`");
    }
    for (found, what) in [
        (function.check, "a check"),
        (function.generate, "a generator"),
        (function.up, "a service"),
    ] {
        if let Some(found) = found {
            errors.add(syn::Error::new(
                found,
                format!("a constructor is not {what}: expected a function of its own"),
            ));
        }
    }
    if let Some(cache) = &function.cache {
        errors.push(
            cache,
            "a constructor has no cache policy: it is kept with the functions called on it",
        );
    }
}

fn receiver(function: &Function, errors: &mut Errors) {
    let ident = &function.sig.ident;
    match function.receiver() {
        None => errors.push(ident, format!("expected `pub fn {ident}(&self, …)`; a helper is private, or in an impl block without `#[functions]`")),
        Some(receiver) if receiver.reference.is_some() && receiver.mutability.is_some() => {
            errors.push(receiver, format!("what `{ident}` changes would be lost, since every call gets a copy: expected `mut self` and `-> Self`"));
        }
        Some(receiver) if receiver.colon_token.is_some() => {
            errors.push(receiver, format!("`{ident}` gets the object as a plain value: expected `&self` or `self`"));
        }
        Some(_) => {}
    }
}

fn arg(arg: &Arg, errors: &mut Errors) {
    name(&arg.ident, &arg.name, errors);
    if is_unit(&arg.ty) || is(&arg.ty, "Result") {
        errors.push(
            &arg.ty,
            format!(
                "callers have no value to give for `{}`: expected a type of Dagger's API, such as `String`, `i64`, `Directory`",
                arg.ident
            ),
        );
    }
    refuse(&arg.ty, errors);
    let ty = peel(&arg.ty, "Option");
    let one_of = |names: &[&str]| names.iter().any(|name| is(ty, name));
    if let Some(path) = &arg.default_path
        && !one_of(&["Directory", "File", "GitRepository", "GitRef"])
    {
        errors.push(
            path,
            format!("`{}` has no path: `default_path` is for a `Directory`, `File`, `GitRepository` or `GitRef`; expected `default = …`", arg.ident),
        );
    }
    if let Some(address) = &arg.default_address
        && !one_of(&["Container"])
    {
        errors.push(
            address,
            format!(
                "`{}` is made from no image: `default_address` is for a `Container`",
                arg.ident
            ),
        );
    }
    if let Some(pattern) = arg.ignore.first()
        && !one_of(&["Directory"])
    {
        errors.push(
            pattern,
            format!(
                "`{}` has no files to leave out: `ignore` is for a `Directory`",
                arg.ident
            ),
        );
    }
    let Some(default) = &arg.default else { return };
    if matches!(default, Expr::Path(path) if path.path.is_ident("None")) {
        errors.push(
            default,
            format!(
                "`{}` is `None` when a caller leaves it out: expected no `default`",
                arg.ident
            ),
        );
        return;
    }
    if let Some(other) = arg.default_path.as_ref().or(arg.default_address.as_ref()) {
        errors.push(
            other,
            format!("`{}` has two defaults: expected one", arg.ident),
        );
    }
    if let Some((place, expected)) = mismatch(ty, default) {
        errors.push(
            place,
            format!(
                "this is no value for `{}`: expected {expected} as the default",
                arg.ident
            ),
        );
    }
}

/// Commands that find functions by themselves know what to do with one type.
fn gives(what: &str, wanted: &str, function: &Function, errors: &mut Errors) {
    let output = function.output().map(|output| peel(output, "Result"));
    let message = format!("{what}: expected `Result<{wanted}>`");
    match output {
        Some(output) if wanted == "()" && is_unit(output) => {}
        Some(output) if is(output, wanted) => {}
        Some(output) => errors.push(output, message),
        None if wanted == "()" => {}
        None => errors.push(&function.sig.ident, message),
    }
}

fn without_arguments(what: &str, function: &Function, errors: &mut Errors) {
    for arg in &function.args {
        let given = is(&arg.ty, "Option")
            || is(&arg.ty, "Workspace")
            || arg.default.is_some()
            || arg.default_path.is_some()
            || arg.default_address.is_some();
        if !given {
            errors.push(
                &arg.ident,
                format!(
                    "{what} is called without arguments: expected a default, or `Option`, for `{}`",
                    arg.ident
                ),
            );
        }
    }
}

fn refuse(ty: &Type, errors: &mut Errors) {
    if let Some(complaint) = complaint(ty) {
        errors.push(ty, complaint);
    }
}

/// What fails must be an error, which a text is not.
fn error_type(output: &Type, errors: &mut Errors) {
    let Some((name, args)) = named(output) else {
        return;
    };
    if let (true, Some(cause)) = (name == "Result", args.get(1))
        && (is(cause, "String") || matches!(cause, Type::Reference(_)))
    {
        errors.push(
            cause,
            "a text is no error: expected `Result<T>` of the prelude, and `bail!(\"…\")` or `Err(eyre!(\"…\"))`",
        );
    }
}

/// Names of fields, functions and arguments.
fn name(ident: &Ident, name: &str, errors: &mut Errors) {
    // The engine gives every object an id (core/module.go of v0.21).
    if name == "id" {
        errors.push(
            ident,
            "`id` is reserved by the engine: expected a longer name, such as `note_id`",
        );
    }
    identifier(ident, name, errors);
}

/// Names of objects and enumerations. An engine asks its own types first.
fn type_name(ident: &Ident, name: &str, taken: &[&[&str]], errors: &mut Errors) {
    identifier(ident, name, errors);
    if name.starts_with(|c: char| c.is_ascii_lowercase()) {
        errors.push(
            ident,
            format!(
                "`{name}` begins with a small letter, and types do not: expected `{}`",
                pascal(name)
            ),
        );
    }
    if taken.concat().contains(&name) {
        errors.push(
            ident,
            format!(
                "`{name}` is a type of Dagger's own: expected another name, such as `My{name}`"
            ),
        );
    }
}

fn identifier(ident: &Ident, name: &str, errors: &mut Errors) {
    let mut chars = name.chars();
    let starts = chars.next().is_some_and(|c| c.is_ascii_alphabetic());
    if !starts || !chars.all(|c| c.is_ascii_alphanumeric() || c == '_') {
        errors.push(
            ident,
            format!("`{name}` is no name of the API: expected letters and digits, a letter first"),
        );
    }
}

fn unique<'a>(names: impl Iterator<Item = (&'a Ident, &'a str)>, errors: &mut Errors) {
    let mut seen = HashMap::new();
    for (ident, name) in names {
        if let Some(first) = seen.insert(name, ident) {
            errors.push(ident, format!("two things cannot be called `{name}`, and `{first}` is: expected another name here, by `name = \"…\"` if need be"));
        }
    }
}

/// Which literal does not fit, and what it should be.
fn mismatch<'a>(ty: &Type, default: &'a Expr) -> Option<(&'a Expr, String)> {
    let (name, args) = named(ty)?;
    let wrong = |expected: &str| Some((default, expected.to_owned()));
    let (literal, negative) = match default {
        Expr::Array(list) if name == "Vec" => {
            let item = args.first()?;
            return list.elems.iter().find_map(|value| mismatch(item, value));
        }
        Expr::Array(_) => return wrong(expected(&name)),
        Expr::Macro(found) if found.mac.path.is_ident("vec") => return wrong("`[…]`"),
        Expr::Call(call) if matches!(&*call.func, Expr::Path(path) if path.path.is_ident("Some")) =>
        {
            return wrong("the value without `Some`");
        }
        Expr::Unary(ExprUnary {
            op: UnOp::Neg(_),
            expr,
            ..
        }) => (&**expr, true),
        other => (other, false),
    };
    let Expr::Lit(ExprLit { lit, .. }) = literal else {
        return None;
    };
    let fits = match name.as_str() {
        "String" | "Platform" | "Json" => matches!(lit, Lit::Str(_)),
        "bool" => matches!(lit, Lit::Bool(_)),
        "f64" => matches!(lit, Lit::Float(_) | Lit::Int(_)),
        _ => match (range(&name), lit) {
            (Some((least, most)), Lit::Int(number)) => {
                let number = number.base10_parse::<i128>().ok();
                let number = number.map(|number| if negative { -number } else { number });
                if number.is_some_and(|number| !(least..=most).contains(&number)) {
                    return wrong(&format!("an integer from {least} to {most}"));
                }
                true
            }
            // An enumeration, a list or an object.
            _ => false,
        },
    };
    (!fits).then(|| (default, expected(&name).to_owned()))
}

/// Least and most of an integer's type.
fn range(name: &str) -> Option<(i128, i128)> {
    Some(match name {
        "i16" => (i16::MIN.into(), i16::MAX.into()),
        "i32" => (i32::MIN.into(), i32::MAX.into()),
        "i64" | "isize" => (i64::MIN.into(), i64::MAX.into()),
        "u8" => (0, u8::MAX.into()),
        "u16" => (0, u16::MAX.into()),
        "u32" => (0, u32::MAX.into()),
        "u64" | "usize" => (0, u64::MAX.into()),
        _ => return None,
    })
}

fn expected(name: &str) -> &'static str {
    match name {
        "String" | "Platform" | "Json" => "a string",
        "bool" => "`true` or `false`",
        "f64" => "a number",
        _ if range(name).is_some() => "an integer",
        "Vec" => "a list",
        "Directory" | "File" | "GitRepository" | "GitRef" => "`default_path = \"…\"`",
        "Container" => "`default_address = \"…\"`",
        _ => "a member, such as `Mood::Happy`,",
    }
}

/// `never`, `session`, or a duration as Go writes it, 1 s to 7 days.
fn cache_policy(policy: &str) -> bool {
    if matches!(policy, "never" | "session") {
        return true;
    }
    let mut rest = policy;
    let mut secs = 0u64;
    while !rest.is_empty() {
        let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let (number, unit) = rest.split_at(digits);
        let scale = match unit.chars().next() {
            Some('s') => 1,
            Some('m') if !unit.starts_with("ms") => 60,
            Some('h') => 3600,
            _ => return false,
        };
        let Ok(number) = number.parse::<u64>() else {
            return false;
        };
        secs = secs.saturating_add(number.saturating_mul(scale));
        rest = &unit[1..];
    }
    (1..=7 * 24 * 3600).contains(&secs)
}
