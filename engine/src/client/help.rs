//! Help texts: of a function with its arguments, of a type with its functions.

use crate::api::model::{Arg, Function, Model, Object, kebab};

use super::{lookup, print};

/// How arguments that must be given are written.
#[derive(Clone, Copy, PartialEq)]
pub enum Style {
    /// By position, in the shell.
    Positional,
    /// As flags, in `call`.
    Flags,
}

/// `with-new-file <path> <contents> [--permissions Int]`
pub fn usage(function: &Function, style: Style) -> String {
    let mut out = kebab(&function.name);
    for arg in function.args.iter().filter(|a| lookup::is_flag(a)) {
        let (name, ty) = (kebab(&arg.name), shown_type(arg));
        out += &match (lookup::is_required(arg), style) {
            (true, Style::Positional) => format!(" <{name}>"),
            (true, Style::Flags) => format!(" --{name} {ty}"),
            (false, _) => format!(" [--{name} {ty}]"),
        };
    }
    out
}

/// Everything about a function.
pub fn function(model: &Model, function: &Function, style: Style) -> String {
    let mut out = paragraph(&function.description);
    if let Some(reason) = &function.deprecated {
        out += &format!("Deprecated: {reason}\n\n");
    }
    out += &format!("Usage: {}\n", usage(function, style));
    out += &arguments(model, &function.args);
    out + &format!("\nReturns: {}\n", function.ty)
}

/// The flags of a function, one a line.
pub fn arguments(model: &Model, args: &[Arg]) -> String {
    let rows: Vec<(String, String)> = args
        .iter()
        .filter(|arg| lookup::is_flag(arg))
        .map(|arg| {
            (
                format!("  --{} {}", kebab(&arg.name), shown_type(arg)),
                about(model, arg),
            )
        })
        .collect();
    if rows.is_empty() {
        String::new()
    } else {
        "\n".to_owned() + &print::table(["Arguments:", ""], &rows)
    }
}

/// A type and its functions.
pub fn object(object: &Object) -> String {
    let rows = functions(object);
    paragraph(&object.description) + &print::table(["Function", "Description"], &rows)
}

/// Name and first line of each function that users see, by name.
pub fn functions(object: &Object) -> Vec<(String, String)> {
    let mut rows: Vec<_> = lookup::visible(object).map(row).collect();
    rows.sort();
    rows
}

/// Name and first line of a function.
pub fn row(function: &Function) -> (String, String) {
    let summary = lookup::summary(&function.description);
    let summary = if summary.is_empty() { "-" } else { summary };
    (kebab(&function.name), summary.to_owned())
}

fn paragraph(text: &str) -> String {
    let text = text.trim();
    if text.is_empty() {
        String::new()
    } else {
        format!("{text}\n\n")
    }
}

fn shown_type(arg: &Arg) -> String {
    let name = if arg.expected.is_empty() {
        arg.ty.name()
    } else {
        &arg.expected
    };
    if arg.ty.is_list() {
        format!("[{name}]")
    } else {
        name.to_owned()
    }
}

fn about(model: &Model, arg: &Arg) -> String {
    let mut parts = vec![lookup::summary(&arg.description).to_owned()];
    if let Some(members) = model.enums.get(&arg.expected) {
        let names: Vec<&str> = members
            .members
            .iter()
            .map(|(name, _)| name.as_str())
            .collect();
        parts.push(format!("(one of {})", names.join(", ")));
    }
    match &arg.default {
        Some(value) if !value.is_null() => parts.push(format!("(default {value})")),
        _ if lookup::is_required(arg) => parts.push("(required)".to_owned()),
        _ => {}
    }
    if let Some(path) = &arg.default_path {
        parts.push(format!("(default path {path})"));
    }
    if let Some(reason) = &arg.deprecated {
        parts.push(format!("(deprecated: {reason})"));
    }
    parts.retain(|part| !part.is_empty());
    parts.join(" ")
}
