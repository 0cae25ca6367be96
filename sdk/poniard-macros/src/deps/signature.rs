//! Types of the API as Rust types of a client.

use proc_macro2::TokenStream;
use quote::{format_ident, quote};

use crate::names::{CORE_ENUMS, pascal};
use crate::types::{Arg, ModuleTypes};

/// What the types of one module are called by those who depend on it.
pub struct Scope<'a> {
    types: &'a ModuleTypes,
    prefix: String,
}

/// A type of the API.
pub enum Shape {
    Void,
    /// `String`, `Int`, a scalar or an enumeration: a value.
    Value(TokenStream),
    /// Something with an id.
    Object(TokenStream),
    List(Box<Shape>),
}

impl<'a> Scope<'a> {
    pub fn new(name: &str, types: &'a ModuleTypes) -> Self {
        Self {
            types,
            prefix: pascal(name),
        }
    }

    /// Name in the API of an own type, as the engine makes it
    /// (core/module.go: `namespaceObject`).
    pub fn name(&self, own: &str) -> String {
        let main = self.types.objects.first().map_or("", |main| &main.name);
        match own.strip_prefix(main) {
            Some("") => self.prefix.clone(),
            Some(rest) if rest.starts_with(|c: char| c.is_ascii_uppercase()) => {
                format!("{}{rest}", self.prefix)
            }
            _ => format!("{}{own}", self.prefix),
        }
    }

    /// The shape of a type, and whether it may be null.
    pub fn shape(&self, type_ref: &str) -> (Shape, bool) {
        let (inner, nullable) = match type_ref.strip_suffix('!') {
            Some(inner) => (inner, false),
            None => (type_ref, true),
        };
        let list = inner
            .strip_prefix('[')
            .and_then(|inner| inner.strip_suffix(']'));
        let shape = match list {
            Some(item) => Shape::List(Box::new(self.shape(item).0)),
            None => self.named(inner),
        };
        (shape, nullable)
    }

    fn named(&self, name: &str) -> Shape {
        if self.types.objects.iter().any(|object| object.name == name) {
            let ident = format_ident!("{}", self.name(name));
            return Shape::Object(quote!(#ident));
        }
        if self.types.enums.iter().any(|known| known.name == name) {
            let ident = format_ident!("{}", self.name(name));
            return Shape::Value(quote!(#ident));
        }
        match name {
            "Void" => Shape::Void,
            "String" => Shape::Value(quote!(::std::string::String)),
            "Int" => Shape::Value(quote!(i64)),
            "Float" => Shape::Value(quote!(f64)),
            "Boolean" => Shape::Value(quote!(bool)),
            "ID" => Shape::Value(quote!(::poniard_sdk::api::Id)),
            "JSON" => Shape::Value(quote!(::poniard_sdk::api::Json)),
            "Platform" => Shape::Value(quote!(::poniard_sdk::api::Platform)),
            core if CORE_ENUMS.contains(&core) => {
                let ident = format_ident!("{core}");
                Shape::Value(quote!(::poniard_sdk::api::#ident))
            }
            core => {
                // `dagger-sdk` writes acronyms as words.
                let ident = match core {
                    "HTTPState" => format_ident!("HttpState"),
                    "JSONValue" => format_ident!("JsonValue"),
                    "LLM" => format_ident!("Llm"),
                    "LLMTokenUsage" => format_ident!("LlmTokenUsage"),
                    "SDKConfig" => format_ident!("SdkConfig"),
                    other => format_ident!("{other}"),
                };
                Shape::Object(quote!(::poniard_sdk::api::#ident))
            }
        }
    }

    /// Type of a required argument, and how it goes onto the link.
    pub fn required(&self, arg: &Arg, ident: &TokenStream) -> (TokenStream, TokenStream) {
        let name = &arg.name;
        match self.shape(&arg.r#type).0 {
            Shape::Value(ty) if arg.r#type == "String!" => (
                quote!(impl ::std::convert::Into<#ty>),
                quote!(.arg(#name, ::std::convert::Into::<#ty>::into(#ident))),
            ),
            Shape::Object(_) => (
                quote!(impl ::poniard_sdk::api::id::IntoID<::poniard_sdk::api::Id>),
                quote!(.arg_id(#name, #ident)),
            ),
            Shape::List(item) if matches!(*item, Shape::Value(_)) && arg.r#type == "[String!]!" => {
                (
                    quote!(
                        impl ::std::iter::IntoIterator<
                            Item = impl ::std::convert::Into<::std::string::String>,
                        >
                    ),
                    quote!(.arg(#name, #ident.into_iter().map(::std::convert::Into::into).collect::<::std::vec::Vec<::std::string::String>>())),
                )
            }
            shape => {
                let ty = plain(&shape);
                (ty, quote!(.arg(#name, #ident)))
            }
        }
    }

    /// Type of an optional argument inside its `Option`.
    pub fn optional(&self, arg: &Arg) -> TokenStream {
        plain(&self.shape(&arg.r#type).0)
    }
}

/// An owned value; objects by id.
fn plain(shape: &Shape) -> TokenStream {
    match shape {
        Shape::Void => quote!(()),
        Shape::Value(ty) => ty.clone(),
        Shape::Object(_) => quote!(::poniard_sdk::api::Id),
        Shape::List(item) => {
            let item = plain(item);
            quote!(::std::vec::Vec<#item>)
        }
    }
}
