//! The items that our attributes stand on, with those attributes taken off.

use proc_macro2::{Span, TokenStream};
use quote::quote;
use syn::{
    Expr, Fields, FnArg, Ident, ImplItem, ItemEnum, ItemImpl, ItemStruct, LitStr, Pat, Receiver,
    ReturnType, Signature, Type, Visibility,
};

use crate::attrs::{Options, description, take_description};
use crate::blocks;
use crate::errors::Errors;
use crate::names::{camel, screaming};

/// A struct with `#[object]`.
pub struct Object {
    pub item: ItemStruct,
    pub name: String,
    pub description: String,
    pub deprecated: Option<LitStr>,
    pub fields: Vec<Field>,
}

pub struct Field {
    pub ident: Ident,
    pub ty: Type,
    /// Key in the state; the API name when public.
    pub name: String,
    pub public: bool,
    pub description: String,
    pub deprecated: Option<LitStr>,
}

/// An `impl` block with `#[functions]`.
pub struct Functions {
    pub item: ItemImpl,
    pub functions: Vec<Function>,
}

pub struct Function {
    pub sig: Signature,
    pub name: String,
    pub description: String,
    pub deprecated: Option<LitStr>,
    pub cache: Option<LitStr>,
    pub check: Option<Span>,
    pub generate: Option<Span>,
    pub up: Option<Span>,
    pub args: Vec<Arg>,
}

impl Function {
    pub fn is_constructor(&self) -> bool {
        self.sig.ident == "new"
    }

    pub fn receiver(&self) -> Option<&Receiver> {
        self.sig.receiver()
    }

    pub fn output(&self) -> Option<&Type> {
        match &self.sig.output {
            ReturnType::Default => None,
            ReturnType::Type(_, ty) => Some(ty),
        }
    }
}

pub struct Arg {
    pub ident: Ident,
    pub ty: Type,
    pub name: String,
    pub description: String,
    pub deprecated: Option<LitStr>,
    pub default: Option<Expr>,
    pub default_path: Option<LitStr>,
    pub default_address: Option<LitStr>,
    pub ignore: Vec<LitStr>,
}

/// An enum with `#[enumeration]`.
pub struct Enumeration {
    pub item: ItemEnum,
    pub name: String,
    pub description: String,
    pub members: Vec<Member>,
}

pub struct Member {
    pub ident: Ident,
    pub name: String,
    pub value: Option<LitStr>,
    pub description: String,
    pub deprecated: Option<LitStr>,
}

/// How the options of most attributes are written.
const NAME: &str = "name = \"…\"";
const DEPRECATED: &str = "deprecated = \"…\"";

/// Parses an item; another kind of item stays, beside the error.
fn item<T: syn::parse::Parse>(tokens: TokenStream, expected: &str) -> Result<T, TokenStream> {
    syn::parse2(tokens.clone()).map_err(|error| {
        // What does not parse as any item is the compiler's to explain.
        let error = match syn::parse2::<syn::Item>(tokens.clone()) {
            Ok(other) => syn::Error::new_spanned(first_line(&other), expected),
            Err(_) => error,
        };
        let error = error.to_compile_error();
        quote!(#tokens #error)
    })
}

/// What to underline of an item: its name, not all its lines.
fn first_line(item: &syn::Item) -> TokenStream {
    match item {
        syn::Item::Struct(item) => quote::ToTokens::to_token_stream(&item.ident),
        syn::Item::Enum(item) => quote::ToTokens::to_token_stream(&item.ident),
        syn::Item::Fn(item) => quote::ToTokens::to_token_stream(&item.sig.ident),
        syn::Item::Trait(item) => quote::ToTokens::to_token_stream(&item.ident),
        other => quote::ToTokens::to_token_stream(other),
    }
}

impl Object {
    pub fn parse(
        options: TokenStream,
        tokens: TokenStream,
        errors: &mut Errors,
    ) -> Result<Self, TokenStream> {
        let mut item: ItemStruct = item(
            tokens,
            "expected a struct: `#[object] pub struct Name { … }`; an enum takes `#[enumeration]`, an impl block `#[functions]`",
        )?;
        let mut options = Options::parse(options, errors);
        let name = options.text("name", errors);
        let deprecated = options.text("deprecated", errors);
        options.finish(&[NAME, DEPRECATED], errors);
        let fields = item
            .fields
            .iter_mut()
            .filter_map(|field| Field::parse(field, errors))
            .collect();
        Ok(Self {
            name: name.map_or_else(|| camel_type(&item.ident), |name| name.value()),
            description: description(&item.attrs),
            deprecated,
            fields,
            item,
        })
    }

    pub fn is_tuple(&self) -> bool {
        matches!(self.item.fields, Fields::Unnamed(_))
    }
}

impl Field {
    fn parse(field: &mut syn::Field, errors: &mut Errors) -> Option<Self> {
        let options = Options::take(&mut field.attrs, "field", &[], errors);
        let ident = field.ident.clone()?;
        let public = matches!(field.vis, Visibility::Public(_));
        if options.is_some() && !public {
            errors.push(
                &ident,
                format!("private state takes no `#[field]`: expected `pub {ident}`"),
            );
        }
        let mut options = options.unwrap_or_default();
        let name = options.text("name", errors);
        let deprecated = options.text("deprecated", errors);
        options.finish(&[NAME, DEPRECATED], errors);
        let own = if public {
            camel(&ident)
        } else {
            ident.to_string()
        };
        Some(Self {
            name: name.map_or(own, |name| name.value()),
            ty: field.ty.clone(),
            public,
            description: description(&field.attrs),
            deprecated,
            ident,
        })
    }
}

impl Functions {
    pub fn parse(
        options: TokenStream,
        tokens: TokenStream,
        errors: &mut Errors,
    ) -> Result<Self, TokenStream> {
        let mut item: ItemImpl = item(
            tokens,
            "expected an impl block: `#[functions] impl Name { … }`",
        )?;
        if blocks::is_second(&item) {
            let this = quote::ToTokens::to_token_stream(&item.self_ty);
            errors.push(
                &item.self_ty,
                format!("`{this}` has a block of functions before this one: expected all of them in one; what is no function of the API may stand in others, without `#[functions]`"),
            );
        }
        Options::parse(options, errors).finish(&[], errors);
        let functions = item
            .items
            .iter_mut()
            .filter_map(|item| match item {
                ImplItem::Fn(function) => Function::parse(function, errors),
                _ => None,
            })
            .collect();
        Ok(Self { item, functions })
    }
}

impl Function {
    fn parse(item: &mut syn::ImplItemFn, errors: &mut Errors) -> Option<Self> {
        let meant = [
            ("arg", "it on an argument"),
            ("cache", "`#[function(cache = \"never\")]`"),
            ("check", "`#[function(check)]`"),
            ("generate", "`#[function(generate)]`"),
            ("up", "`#[function(up)]`"),
        ];
        let options = Options::take(&mut item.attrs, "function", &meant, errors);
        let public = matches!(item.vis, Visibility::Public(_));
        if options.is_some() && !public {
            let ident = &item.sig.ident;
            errors.push(
                ident,
                format!("a private function is not part of the API: expected `pub fn {ident}`"),
            );
        }
        let args = item
            .sig
            .inputs
            .iter_mut()
            .filter_map(|input| match input {
                FnArg::Receiver(_) => None,
                FnArg::Typed(arg) => Arg::parse(arg, public, errors),
            })
            .collect();
        if !public {
            return None;
        }
        let mut options = options.unwrap_or_default();
        let name = options.text("name", errors);
        let function = Self {
            name: name.map_or_else(|| camel(&item.sig.ident), |name| name.value()),
            description: description(&item.attrs),
            deprecated: options.text("deprecated", errors),
            cache: options.text("cache", errors),
            check: options.flag("check"),
            generate: options.flag("generate"),
            up: options.flag("up"),
            args,
            sig: item.sig.clone(),
        };
        let cache = "cache = \"never\"";
        options.finish(
            &[NAME, cache, "check", "generate", "up", DEPRECATED],
            errors,
        );
        Some(function)
    }
}

impl Arg {
    fn parse(arg: &mut syn::PatType, public: bool, errors: &mut Errors) -> Option<Self> {
        let meant = [
            ("default", "`#[arg(default = …)]`"),
            ("default_path", "`#[arg(default_path = …)]`"),
            ("ignore", "`#[arg(ignore = [\"…\"])]`"),
        ];
        let options = Options::take(&mut arg.attrs, "arg", &meant, errors);
        let description = take_description(&mut arg.attrs);
        if !public {
            return None;
        }
        let Pat::Ident(pattern) = &*arg.pat else {
            errors.push(&arg.pat, "expected a name: callers give the argument by it");
            return None;
        };
        let ident = pattern.ident.clone();
        let mut options = options.unwrap_or_default();
        let name = options.text("name", errors);
        let parsed = Self {
            name: name.map_or_else(|| camel(&ident), |name| name.value()),
            ty: (*arg.ty).clone(),
            description,
            deprecated: options.text("deprecated", errors),
            default: options.expr("default"),
            default_path: options.text("default_path", errors),
            default_address: options.text("default_address", errors),
            ignore: options.texts("ignore", errors),
            ident,
        };
        let default = [
            "default = …",
            "default_path = \"…\"",
            "default_address = \"…\"",
            "ignore = [\"…\"]",
        ];
        options.finish(&[&[NAME], &default[..], &[DEPRECATED]].concat(), errors);
        Some(parsed)
    }
}

impl Enumeration {
    pub fn parse(
        options: TokenStream,
        tokens: TokenStream,
        errors: &mut Errors,
    ) -> Result<Self, TokenStream> {
        let mut item: ItemEnum = item(
            tokens,
            "expected an enum: `#[enumeration] pub enum Name { … }`; a struct takes `#[object]`",
        )?;
        let mut options = Options::parse(options, errors);
        let name = options.text("name", errors);
        options.finish(&[NAME], errors);
        let members = item
            .variants
            .iter_mut()
            .map(|variant| Member::parse(variant, errors))
            .collect();
        Ok(Self {
            name: name.map_or_else(|| camel_type(&item.ident), |name| name.value()),
            description: description(&item.attrs),
            members,
            item,
        })
    }
}

impl Member {
    fn parse(variant: &mut syn::Variant, errors: &mut Errors) -> Self {
        let options = Options::take(&mut variant.attrs, "member", &[], errors);
        let mut options = options.unwrap_or_default();
        let name = options.text("name", errors);
        let member = Self {
            name: name.map_or_else(|| screaming(&variant.ident), |name| name.value()),
            value: options.text("value", errors),
            description: description(&variant.attrs),
            deprecated: options.text("deprecated", errors),
            ident: variant.ident.clone(),
        };
        options.finish(&[NAME, "value = \"…\"", DEPRECATED], errors);
        member
    }
}

// Type names are the same in Rust and in the API.
fn camel_type(ident: &Ident) -> String {
    syn::ext::IdentExt::unraw(ident).to_string()
}
