//! The item, what it says about itself, and the way to call it.

use proc_macro2::TokenStream;
use quote::{format_ident, quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{Expr, LitStr};

use crate::ast::{Arg, Enumeration, Function, Functions, Object};
use crate::errors::Errors;
use crate::shape::peel;

pub fn object(object: &Object, errors: Errors) -> TokenStream {
    let item = &object.item;
    let ident = &item.ident;
    if !errors.is_empty() {
        let errors = errors.into_tokens();
        let (impls, types, wheres) = item.generics.split_for_impl();
        // Enough for the rest of the crate to be checked; it is never compiled.
        return quote! {
            #item
            #errors
            const _: () = {
                use ::poniard_sdk::__private as __poniard;

                impl #impls __poniard::ApiType for #ident #types #wheres {
                    fn type_ref() -> ::std::string::String {
                        loop {}
                    }
                }

                impl #impls __poniard::FromApi for #ident #types #wheres {
                    fn from_api(_: __poniard::Value) -> __poniard::Result<Self> {
                        loop {}
                    }
                }

                impl #impls __poniard::IntoApi for #ident #types #wheres {
                    fn into_api(self) -> __poniard::Later<__poniard::Value> {
                        loop {}
                    }
                }
            };
        };
    }
    let name = &object.name;
    let type_ref = format!("{name}!");
    let description = &object.description;
    let deprecated = option(&object.deprecated);
    let public = || object.fields.iter().filter(|field| field.public);
    let public_types = public().map(|field| &field.ty);
    let fields = public().map(|field| {
        let (name, ty, description) = (&field.name, &field.ty, &field.description);
        let deprecated = option(&field.deprecated);
        quote! {
            __poniard::item::Field {
                name: #name,
                r#type: <#ty as __poniard::ApiType>::type_ref,
                description: #description,
                deprecated: #deprecated,
            }
        }
    });
    // Errors about a type stand at the type.
    let reads = object.fields.iter().map(|field| {
        let (ident, key, ty) = (&field.ident, &field.name, &field.ty);
        quote_spanned!(ty.span()=> #ident: state.take::<#ty>(#key)?)
    });
    let writes = object.fields.iter().map(|field| {
        let (ident, key, ty) = (&field.ident, &field.name, &field.ty);
        quote_spanned!(ty.span()=> __poniard::put::<#ty>(&mut state, #name, #key, self.#ident).await?;)
    });
    quote! {
        #item

        const _: () = {
            #[allow(unused_imports)]
            use ::poniard_sdk::__private::{self as __poniard, NoFunctions as _};

            #[automatically_derived]
            impl __poniard::ApiType for #ident {
                fn type_ref() -> ::std::string::String {
                    #type_ref.into()
                }

                fn register(registry: &mut __poniard::Registry) {
                    if registry.add_object::<Self>() {
                        #(<#public_types as __poniard::ApiType>::register(registry);)*
                        (Self::__one_block_with_functions().register)(registry);
                    }
                }
            }

            #[automatically_derived]
            impl __poniard::Object for #ident {
                const NAME: &'static str = #name;

                fn item() -> __poniard::item::Item {
                    __poniard::item::Item {
                        description: #description,
                        deprecated: #deprecated,
                        fields: const { &[#(#fields),*] },
                        functions: Self::__one_block_with_functions(),
                    }
                }
            }

            #[automatically_derived]
            impl __poniard::FromApi for #ident {
                fn from_api(state: __poniard::Value) -> __poniard::Result<Self> {
                    #[allow(unused_mut, unused_variables)]
                    let mut state = __poniard::Fields::new(#name, state)?;
                    ::std::result::Result::Ok(Self { #(#reads),* })
                }
            }

            #[automatically_derived]
            impl __poniard::IntoApi for #ident {
                fn into_api(self) -> __poniard::Later<__poniard::Value> {
                    ::std::boxed::Box::pin(async move {
                        #[allow(unused_mut)]
                        let mut state = __poniard::Map::new();
                        #(#writes)*
                        ::std::result::Result::Ok(__poniard::Value::Object(state))
                    })
                }
            }
        };
    }
}

pub fn functions(functions: &Functions, errors: Errors) -> TokenStream {
    let item = &functions.item;
    if !errors.is_empty() {
        let errors = errors.into_tokens();
        return quote!(#item #errors);
    }
    let this = &item.self_ty;
    let described = functions.functions.iter().map(describe);
    let mut registered: Vec<TokenStream> = Vec::new();
    for function in &functions.functions {
        let args = function.args.iter().map(|arg| &arg.ty);
        registered.extend(args.map(|ty| quote!(#ty)));
        registered.push(output(function));
    }
    quote! {
        // Names and numbers of arguments are those of the command line.
        #[allow(
            clippy::new_ret_no_self,
            clippy::new_without_default,
            clippy::should_implement_trait,
            clippy::too_many_arguments,
            clippy::wrong_self_convention
        )]
        #item

        const _: () = {
            #[allow(unused_imports)]
            use ::poniard_sdk::__private::{self as __poniard, NoFunctions as _};

            #[allow(clippy::all, deprecated)]
            impl #this {
                #[doc(hidden)]
                pub fn __one_block_with_functions() -> __poniard::item::Functions {
                    __poniard::item::Functions {
                        functions: const { &[#(#described),*] },
                        #[allow(unused_variables)]
                        register: |registry| { #(<#registered as __poniard::ApiType>::register(registry);)* },
                    }
                }
            }
        };
    }
}

pub fn enumeration(enumeration: &Enumeration, errors: Errors) -> TokenStream {
    let item = &enumeration.item;
    let ident = &item.ident;
    if !errors.is_empty() {
        let errors = errors.into_tokens();
        return quote!(#item #errors);
    }
    let name = &enumeration.name;
    let type_ref = format!("{name}!");
    let description = &enumeration.description;
    let idents: Vec<_> = enumeration
        .members
        .iter()
        .map(|member| &member.ident)
        .collect();
    let names: Vec<_> = enumeration
        .members
        .iter()
        .map(|member| &member.name)
        .collect();
    let members = enumeration.members.iter().map(|member| {
        let (name, description) = (&member.name, &member.description);
        let value = member.value.as_ref().map(LitStr::value).unwrap_or_default();
        let deprecated = option(&member.deprecated);
        quote! {
            __poniard::types::Member {
                name: #name.into(),
                value: #value.into(),
                description: #description.into(),
                deprecated: ::std::option::Option::<&str>::map(#deprecated, ::std::convert::Into::into),
            }
        }
    });
    quote! {
        #item

        const _: () = {
            use ::poniard_sdk::__private as __poniard;

            #[automatically_derived]
            impl __poniard::Enumeration for #ident {
                const NAME: &'static str = #name;
                const MEMBERS: &'static [&'static str] = &[#(#names),*];

                fn name(&self) -> &'static str {
                    match self { #(Self::#idents => #names),* }
                }

                fn from_name(name: &str) -> ::std::option::Option<Self> {
                    match name {
                        #(#names => ::std::option::Option::Some(Self::#idents),)*
                        _ => ::std::option::Option::None,
                    }
                }

                fn describe() -> __poniard::types::EnumType {
                    __poniard::types::EnumType {
                        name: #name.into(),
                        description: #description.into(),
                        members: ::std::vec![#(#members),*],
                    }
                }
            }

            #[automatically_derived]
            impl __poniard::ApiType for #ident {
                fn type_ref() -> ::std::string::String {
                    #type_ref.into()
                }

                fn register(registry: &mut __poniard::Registry) {
                    registry.add_enum::<Self>();
                }
            }

            #[automatically_derived]
            impl __poniard::FromApi for #ident {
                fn from_api(value: __poniard::Value) -> __poniard::Result<Self> {
                    __poniard::member_from_api(&value)
                }
            }

            #[automatically_derived]
            impl __poniard::IntoApi for #ident {
                fn into_api(self) -> __poniard::Later<__poniard::Value> {
                    __poniard::member_into_api(&self)
                }
            }

            #[automatically_derived]
            impl __poniard::DefaultValue<Self> for #ident {
                fn default_value(&self) -> __poniard::Value {
                    __poniard::Enumeration::name(self).into()
                }
            }
        };
    }
}

fn describe(function: &Function) -> TokenStream {
    let name = if function.is_constructor() {
        ""
    } else {
        &function.name
    };
    let ty = output(function);
    let description = &function.description;
    let deprecated = option(&function.deprecated);
    let cache = option(&function.cache);
    let check = function.check.is_some();
    let generate = function.generate.is_some();
    let up = function.up.is_some();
    let args = function.args.iter().map(describe_arg);
    let call = call(function);
    quote! {
        __poniard::item::Function {
            name: #name,
            r#type: <#ty as __poniard::ApiType>::type_ref,
            description: #description,
            deprecated: #deprecated,
            cache: #cache,
            check: #check,
            generate: #generate,
            up: #up,
            args: &[#(#args),*],
            #[allow(unused_variables, unused_mut)]
            call: #call,
        }
    }
}

fn describe_arg(arg: &Arg) -> TokenStream {
    let (name, ty, description) = (&arg.name, &arg.ty, &arg.description);
    let deprecated = option(&arg.deprecated);
    let default_path = option(&arg.default_path);
    let default_address = option(&arg.default_address);
    let ignore = &arg.ignore;
    let default = match &arg.default {
        None => quote!(::std::option::Option::None),
        // An empty list has no type of its own.
        Some(Expr::Array(list)) if list.elems.is_empty() => {
            quote!(::std::option::Option::Some(|| "[]".into()))
        }
        Some(value) => {
            let ty = peel(ty, "Option");
            let text = quote_spanned!(value.span()=> __poniard::default_text::<#ty, _>(&(#value)));
            quote!(::std::option::Option::Some(|| #text))
        }
    };
    quote! {
        __poniard::item::Arg {
            name: #name,
            r#type: <#ty as __poniard::ApiType>::type_ref,
            description: #description,
            deprecated: #deprecated,
            default_value: #default,
            default_path: #default_path,
            default_address: #default_address,
            ignore: &[#(#ignore),*],
        }
    }
}

/// What reads state and arguments, calls, and writes the result.
fn call(function: &Function) -> TokenStream {
    let ident = &function.sig.ident;
    let idents: Vec<_> = (0..function.args.len())
        .map(|at| format_ident!("arg{at}"))
        .collect();
    let takes = function.args.iter().zip(&idents).map(|(arg, ident)| {
        let (name, ty) = (&arg.name, &arg.ty);
        quote_spanned!(ty.span()=> let #ident = args.take::<#ty>(#name)?;)
    });
    let wait = function.sig.asyncness.map(|_| quote!(.await));
    let (read, call) = match function.receiver() {
        None => (quote!(), quote!(Self::#ident(#(#idents),*))),
        Some(receiver) => {
            let borrow = receiver.reference.as_ref().map(|_| quote!(&));
            (
                quote!(let this = <Self as __poniard::FromApi>::from_api(state)?;),
                quote!(Self::#ident(#borrow this #(, #idents)*)),
            )
        }
    };
    let ty = output(function);
    quote! {
        |state, mut args| ::std::boxed::Box::pin(async move {
            #read
            #(#takes)*
            let result: #ty = #call #wait;
            __poniard::IntoApi::into_api(result).await
        })
    }
}

fn output(function: &Function) -> TokenStream {
    match function.output() {
        Some(ty) => quote!(#ty),
        None => quote!(()),
    }
}

fn option(text: &Option<LitStr>) -> TokenStream {
    match text {
        Some(text) => quote!(::std::option::Option::Some(#text)),
        None => quote!(::std::option::Option::None),
    }
}
