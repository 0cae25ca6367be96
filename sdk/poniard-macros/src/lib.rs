//! Proc macros of `poniard-sdk`, which documents and re-exports them.
//!
//! Each goes through the same phases: `ast` parses the item and takes our
//! attributes off it, `check` finds everything wrong with it, `expand`
//! emits the item and its description. `deps` makes clients of dependencies.

#![deny(missing_docs)]

mod ast;
mod attrs;
mod blocks;
mod check;
mod deps;
mod errors;
mod expand;
mod names;
mod shape;
#[allow(dead_code)]
mod types;

use proc_macro::TokenStream;

use crate::errors::Errors;

/// Makes a struct an object of the API.
///
/// `pub` fields can be read by callers; the others are private state. Doc
/// comments are descriptions. Options: `#[object(name = "…", deprecated = "…")]`,
/// and on a `pub` field `#[field(name = "…", deprecated = "…")]`.
#[proc_macro_attribute]
pub fn object(options: TokenStream, item: TokenStream) -> TokenStream {
    let mut errors = Errors::default();
    match ast::Object::parse(options.into(), item.into(), &mut errors) {
        Ok(object) => {
            check::object(&object, &mut errors);
            expand::object(&object, errors).into()
        }
        Err(tokens) => tokens.into(),
    }
}

/// Makes the `pub` functions of an `impl` block functions of the object, and
/// `new` its constructor. An object has one such block.
///
/// `with_packages` is `withPackages` in the API and `with-packages` on the command line,
/// where a digit is a word of its own: `with_d2` is called `with-d-2`.
///
/// On functions: `#[function(name = "…", cache = "never" | "session" | "20s",
/// check, generate, up, deprecated = "…")]`; on arguments: `#[arg(name = "…", default = …,
/// default_path = "…", default_address = "…", ignore = ["…"], deprecated = "…")]`.
#[proc_macro_attribute]
pub fn functions(options: TokenStream, item: TokenStream) -> TokenStream {
    let mut errors = Errors::default();
    match ast::Functions::parse(options.into(), item.into(), &mut errors) {
        Ok(functions) => {
            check::functions(&functions, &mut errors);
            expand::functions(&functions, errors).into()
        }
        Err(tokens) => tokens.into(),
    }
}

/// Makes an enum without payloads an enumeration of the API.
///
/// Members are named like the variants, `MY_SQL` for `MySql`. Options on a
/// variant: `#[member(name = "…", value = "…", deprecated = "…")]`.
#[proc_macro_attribute]
pub fn enumeration(options: TokenStream, item: TokenStream) -> TokenStream {
    let mut errors = Errors::default();
    match ast::Enumeration::parse(options.into(), item.into(), &mut errors) {
        Ok(enumeration) => {
            check::enumeration(&enumeration, &mut errors);
            expand::enumeration(&enumeration, errors).into()
        }
        Err(tokens) => tokens.into(),
    }
}

/// Makes typed clients of the module's dependencies: the trait `Dependencies`,
/// which gives `dag()` a function for each.
///
/// Reads `dagger.json` beside the crate's manifest, and of each dependency its
/// `dagger.types.json`; for one that is not local, `src/deps/<name>.types.json`.
/// Another folder than the manifest's can be given: `dependencies!("module")`.
#[proc_macro]
pub fn dependencies(input: TokenStream) -> TokenStream {
    deps::expand(input.into()).into()
}
