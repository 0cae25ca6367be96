//! What can be told of a type from its tokens. The compiler judges the rest,
//! through the traits of `poniard_sdk::value`.

use syn::{GenericArgument, PathArguments, Type, TypePath};

/// Last word of a path and its type arguments: `Vec` and `[String]`.
pub fn named(ty: &Type) -> Option<(String, Vec<&Type>)> {
    let Type::Path(TypePath { qself: None, path }) = ungrouped(ty) else {
        return None;
    };
    let last = path.segments.last()?;
    let args = match &last.arguments {
        PathArguments::AngleBracketed(args) => args
            .args
            .iter()
            .filter_map(|arg| match arg {
                GenericArgument::Type(ty) => Some(ty),
                _ => None,
            })
            .collect(),
        _ => Vec::new(),
    };
    Some((last.ident.to_string(), args))
}

fn ungrouped(ty: &Type) -> &Type {
    match ty {
        Type::Group(group) => ungrouped(&group.elem),
        Type::Paren(paren) => ungrouped(&paren.elem),
        other => other,
    }
}

/// The type in `Wrapper<…>`, or the type itself.
pub fn peel<'a>(ty: &'a Type, wrapper: &str) -> &'a Type {
    match named(ty) {
        Some((name, args)) if name == wrapper => args.first().copied().unwrap_or(ty),
        _ => ty,
    }
}

pub fn is(ty: &Type, name: &str) -> bool {
    named(ty).is_some_and(|(found, _)| found == name)
}

pub fn is_unit(ty: &Type) -> bool {
    matches!(ungrouped(ty), Type::Tuple(tuple) if tuple.elems.is_empty())
}

/// Why the API cannot have a type, with the expected form.
pub fn complaint(ty: &Type) -> Option<String> {
    let says = |text: &str| Some(text.to_owned());
    match ungrouped(ty) {
        Type::Reference(reference) if is(&reference.elem, "str") => {
            says("`&str` borrows, and values come from the engine: expected `String`")
        }
        Type::Reference(_) => says(
            "a reference borrows, and values come from the engine: expected the type without `&`",
        ),
        Type::Slice(_) | Type::Array(_) => {
            says("the API knows lists of any length: expected `Vec<T>`")
        }
        Type::Tuple(_) if is_unit(ty) => None,
        Type::Tuple(_) => {
            says("a tuple's parts have no names: expected an `#[object]` with a field for each")
        }
        Type::ImplTrait(_) => says(
            "the API knows concrete types only: expected a named type, such as `String` for `impl Into<String>`",
        ),
        Type::Path(_) => path_complaint(ty),
        _ => says("expected a type of Dagger's API, such as `String`, `i64`, `Directory`"),
    }
}

fn path_complaint(ty: &Type) -> Option<String> {
    let (name, args) = named(ty)?;
    let instead = match name.as_str() {
        "HashMap" | "BTreeMap" => "a list of an `#[object]`, or of strings such as `KEY=value`",
        "HashSet" | "BTreeSet" | "VecDeque" => "a list: `Vec<T>`",
        "Path" | "PathBuf" => "`String`, or `Directory` or `File` for what is there",
        "str" | "OsString" | "char" | "Cow" => "`String`",
        "f32" => "`f64`",
        "i128" | "u128" => "an integer of 64 bits at most",
        "Box" | "Rc" | "Arc" => "the type itself",
        "Duration" => "an integer, with its unit in the name: `timeout_secs: u64`",
        "Option" | "Vec" | "Result" => {
            let inner = args.first()?;
            return match name.as_str() {
                "Option" if is(inner, "Option") => {
                    Some("expected one `Option`: null is null".into())
                }
                "Vec" if is(inner, "Option") => {
                    Some("expected a list without empty places: `Vec<T>`".into())
                }
                _ => complaint(inner),
            };
        }
        _ => return None,
    };
    Some(format!(
        "`{name}` is not a type of Dagger's API: expected {instead}"
    ))
}
