//! The code of a client.

use proc_macro2::TokenStream;
use quote::{format_ident, quote};

use super::manifest::Dependency;
use super::signature::{Scope, Shape};
use crate::names::{pascal, snake, variant};
use crate::types::{Arg, EnumType, Function, ObjectType};

/// Objects, enumerations and options of a dependency.
pub fn types(dependency: &Dependency) -> TokenStream {
    let scope = Scope::new(&dependency.name, &dependency.types);
    let objects = dependency
        .types
        .objects
        .iter()
        .map(|each| object(&scope, each));
    let enums = dependency
        .types
        .enums
        .iter()
        .map(|each| enumeration(&scope, each));
    let constructor = constructor(dependency);
    let options = options(&scope, &pascal(&dependency.name), &constructor.args);
    quote!(#(#objects)* #(#enums)* #options)
}

/// What the trait declares for a dependency.
pub fn declared(dependency: &Dependency) -> TokenStream {
    entry(dependency, |doc, signature, _| quote!(#doc #signature;))
}

/// What the client of the engine does for a dependency.
pub fn implemented(dependency: &Dependency) -> TokenStream {
    entry(
        dependency,
        |_, signature, body| quote!(#signature { #body }),
    )
}

fn entry(
    dependency: &Dependency,
    write: impl Fn(&TokenStream, TokenStream, TokenStream) -> TokenStream,
) -> TokenStream {
    let scope = Scope::new(&dependency.name, &dependency.types);
    let constructor = constructor(dependency);
    let own = format_ident!("{}", pascal(&dependency.name));
    let field = uncapitalise(&own.to_string());
    let description = if constructor.description.is_empty() {
        &dependency.types.description
    } else {
        &constructor.description
    };
    let doc = doc(description);
    let link = quote!(::poniard_sdk::dependency::Link::root(self).select(#field));
    variants(
        &scope,
        &snake(&dependency.name),
        &own.to_string(),
        &constructor.args,
        |name, params, args| {
            write(
                &doc,
                quote!(fn #name(&self #params) -> #own),
                quote!(#own { link: #link #args }),
            )
        },
    )
}

fn constructor(dependency: &Dependency) -> Function {
    let main = dependency.types.objects.first();
    main.and_then(|main| main.constructor.clone())
        .unwrap_or_default()
}

fn object(scope: &Scope, object: &ObjectType) -> TokenStream {
    let name = scope.name(&object.name);
    let ident = format_ident!("{name}");
    let doc = doc(&object.description);
    let fields = object.fields.iter().map(|field| {
        let as_function = Function {
            name: field.name.clone(),
            r#type: field.r#type.clone(),
            description: field.description.clone(),
            deprecated: field.deprecated.clone(),
            ..Function::default()
        };
        function(scope, &name, &as_function)
    });
    let functions = object
        .functions
        .iter()
        .map(|each| function(scope, &name, each));
    let opts = object.functions.iter().map(|each| {
        options(
            scope,
            &format!("{name}{}", pascal(&capitalise(&each.name))),
            &each.args,
        )
    });
    quote! {
        #doc
        #[derive(Clone)]
        #[allow(dead_code, rustdoc::all)]
        pub struct #ident {
            link: ::poniard_sdk::dependency::Link,
        }

        #[allow(dead_code, clippy::all, rustdoc::all)]
        impl #ident {
            /// The object's id, valid in the running engine.
            pub async fn id(&self) -> ::std::result::Result<::poniard_sdk::api::Id, ::poniard_sdk::EngineError> {
                self.link.select("id").value().await
            }

            #(#fields)*
            #(#functions)*
        }

        impl ::poniard_sdk::api::loadable::Loadable for #ident {
            fn graphql_type() -> &'static str {
                #name
            }

            fn from_query(
                _: ::std::option::Option<::std::sync::Arc<::poniard_sdk::api::core::cli_session::DaggerSessionProc>>,
                selection: ::poniard_sdk::api::Selection,
                client: ::poniard_sdk::api::core::graphql_client::DynGraphQLClient,
            ) -> Self {
                Self { link: ::poniard_sdk::dependency::Link::new(selection, client) }
            }
        }

        impl ::poniard_sdk::api::id::IntoID<::poniard_sdk::api::Id> for #ident {
            fn into_id(self) -> ::std::pin::Pin<::std::boxed::Box<dyn ::std::future::Future<
                Output = ::std::result::Result<::poniard_sdk::api::Id, ::poniard_sdk::api::errors::DaggerError>,
            > + Send>> {
                self.link.into_id()
            }
        }

        #(#opts)*
    }
}

fn function(scope: &Scope, object: &str, function: &Function) -> TokenStream {
    let opts = format!("{object}{}", pascal(&capitalise(&function.name)));
    let (field, doc) = (&function.name, doc(&function.description));
    let deprecated = function
        .deprecated
        .as_ref()
        .map(|note| quote!(#[deprecated(note = #note)]));
    let (shape, nullable) = scope.shape(&function.r#type);
    if is_list_of_object_lists(&shape) {
        return quote!();
    }
    let (result, finish) = result(&shape, nullable);
    let asked = matches!(result, Answer::Asked(_)).then(|| quote!(async));
    let output = match result {
        Answer::Lazy(ty) => ty,
        Answer::Asked(ty) => quote!(::std::result::Result<#ty, ::poniard_sdk::EngineError>),
    };
    variants(
        scope,
        &snake(&function.name),
        &opts,
        &function.args,
        |name, params, args| {
            quote! {
                #doc
                #deprecated
                pub #asked fn #name(&self #params) -> #output {
                    self.link.select(#field) #args #finish
                }
            }
        },
    )
}

enum Answer {
    /// An object: nothing is asked before one of its values is.
    Lazy(TokenStream),
    Asked(TokenStream),
}

fn result(shape: &Shape, nullable: bool) -> (Answer, TokenStream) {
    match (shape, nullable) {
        (Shape::Void, _) => (Answer::Asked(quote!(())), quote!(.value().await)),
        (Shape::Object(ty), false) => (Answer::Lazy(ty.clone()), quote!(.object())),
        (Shape::Object(ty), true) => (
            Answer::Asked(quote!(::std::option::Option<#ty>)),
            quote!(.maybe_object().await),
        ),
        (Shape::List(item), _) if let Shape::Object(ty) = &**item => (
            Answer::Asked(quote!(::std::vec::Vec<#ty>)),
            quote!(.objects().await),
        ),
        (shape, nullable) => {
            let ty = value(shape);
            let ty = if nullable {
                quote!(::std::option::Option<#ty>)
            } else {
                ty
            };
            (Answer::Asked(ty), quote!(.value().await))
        }
    }
}

/// GraphQL gives no ids of objects in lists of lists, so no client can ask for
/// them: such a function is left out.
fn is_list_of_object_lists(shape: &Shape) -> bool {
    let holds_objects = |item: &Shape| match item {
        Shape::List(inner) => matches!(**inner, Shape::Object(_)) || is_list_of_object_lists(item),
        _ => false,
    };
    matches!(shape, Shape::List(item) if holds_objects(item))
}

fn value(shape: &Shape) -> TokenStream {
    match shape {
        Shape::Void => quote!(()),
        Shape::Value(ty) | Shape::Object(ty) => ty.clone(),
        Shape::List(item) => {
            let item = value(item);
            quote!(::std::vec::Vec<#item>)
        }
    }
}

/// A function with required arguments only and, when there are others, one
/// more with the suffix `_opts`.
fn variants(
    scope: &Scope,
    name: &syn::Ident,
    opts: &str,
    args: &[Arg],
    write: impl Fn(&syn::Ident, &TokenStream, &TokenStream) -> TokenStream,
) -> TokenStream {
    let mut params = quote!();
    let mut given = quote!();
    for arg in args.iter().filter(|arg| arg.required()) {
        let ident = match snake(&arg.name) {
            own if own == "opts" => format_ident!("opts_"),
            other => other,
        };
        let (ty, call) = scope.required(arg, &quote!(#ident));
        params.extend(quote!(, #ident: #ty));
        given.extend(call);
    }
    let plain = write(name, &params, &given);
    let optional: Vec<_> = args.iter().filter(|arg| !arg.required()).collect();
    if optional.is_empty() {
        return plain;
    }
    let opts = format_ident!("{opts}Opts");
    for arg in optional {
        let (ident, name) = (snake(&arg.name), &arg.name);
        given.extend(quote!(.arg_opt(#name, opts.#ident)));
    }
    params.extend(quote!(, opts: #opts));
    let name = format_ident!("{}_opts", syn::ext::IdentExt::unraw(name));
    let full = write(&name, &params, &given);
    quote!(#plain #full)
}

fn options(scope: &Scope, name: &str, args: &[Arg]) -> TokenStream {
    let optional: Vec<_> = args.iter().filter(|arg| !arg.required()).collect();
    if optional.is_empty() {
        return quote!();
    }
    let ident = format_ident!("{name}Opts");
    let fields = optional.iter().map(|arg| {
        let (ident, ty, doc) = (snake(&arg.name), scope.optional(arg), doc(&arg.description));
        quote!(#doc pub #ident: ::std::option::Option<#ty>)
    });
    quote! {
        /// Optional arguments; what is `None` is left to the default.
        #[derive(Clone, Debug, Default)]
        #[allow(dead_code, rustdoc::all)]
        pub struct #ident {
            #(#fields),*
        }
    }
}

fn enumeration(scope: &Scope, enumeration: &EnumType) -> TokenStream {
    let ident = format_ident!("{}", scope.name(&enumeration.name));
    let of_all = doc(&enumeration.description);
    let members = enumeration.members.iter().map(|member| {
        let (name, doc) = (&member.name, doc(&member.description));
        let variant = format_ident!("{}", variant(name));
        quote!(#doc #[serde(rename = #name)] #variant)
    });
    quote! {
        #of_all
        #[derive(Clone, Copy, Debug, PartialEq, Eq, ::poniard_sdk::serde::Serialize, ::poniard_sdk::serde::Deserialize)]
        #[serde(crate = "::poniard_sdk::serde")]
        #[allow(dead_code, rustdoc::all)]
        pub enum #ident {
            #(#members),*
        }
    }
}

/// What others wrote. Code in it is of another language, perhaps, and no test of
/// the crate that it ends up in.
fn doc(description: &str) -> TokenStream {
    quote!(#[cfg_attr(not(doctest), doc = #description)])
}

fn uncapitalise(name: &str) -> String {
    let mut chars = name.chars();
    chars.next().map_or_else(String::new, |first| {
        first.to_lowercase().chain(chars).collect()
    })
}

fn capitalise(name: &str) -> String {
    let mut chars = name.chars();
    chars.next().map_or_else(String::new, |first| {
        first.to_uppercase().chain(chars).collect()
    })
}
