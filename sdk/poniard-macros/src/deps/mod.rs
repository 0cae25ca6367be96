//! Typed clients of dependencies: `manifest` finds them and their types, also in
//! an engine's `introspection`, `signature` maps types, `client` emits.

mod client;
mod introspection;
mod manifest;
mod signature;

use std::path::Path;

use proc_macro2::{Span, TokenStream};
use quote::quote;
use syn::parse::{Parse, ParseStream};

use crate::errors::Errors;

pub fn expand(input: TokenStream) -> TokenStream {
    let mut errors = Errors::default();
    let folder = match syn::parse2::<Folder>(input) {
        Ok(folder) => folder.0,
        Err(error) => return error.to_compile_error(),
    };
    let Some(dir) = std::env::var_os("CARGO_MANIFEST_DIR") else {
        return error("`CARGO_MANIFEST_DIR` is not set: expected to be run by cargo");
    };
    let found = match manifest::read(Path::new(&dir), &folder) {
        Ok(found) => found,
        Err(message) => return error(message),
    };
    let clients = found.dependencies.iter().map(client::types);
    let declared = found.dependencies.iter().map(client::declared);
    let implemented = found.dependencies.iter().map(client::implemented);
    for message in found.problems {
        errors.add(syn::Error::new(Span::call_site(), message));
    }
    let errors = errors.into_tokens();
    // Compile again when one of them changes.
    let files = found.files.iter().map(|file| {
        quote!(
            const _: &[u8] = ::std::include_bytes!(#file);
        )
    });
    quote! {
        #errors
        #(#files)*
        #(#clients)*

        /// The dependencies of this module, on `dag()`.
        #[allow(dead_code, clippy::all, rustdoc::all)]
        pub trait Dependencies {
            #(#declared)*
        }

        #[allow(dead_code)]
        impl Dependencies for ::poniard_sdk::Dag {
            #(#implemented)*
        }
    }
}

/// Nothing, or the folder of `dagger.json` relative to the crate.
struct Folder(String);

impl Parse for Folder {
    fn parse(input: ParseStream) -> syn::Result<Self> {
        if input.is_empty() {
            return Ok(Self(String::new()));
        }
        let folder: syn::LitStr = input.parse()?;
        if !input.is_empty() {
            return Err(input.error("expected one folder: dependencies are in its `dagger.json`"));
        }
        Ok(Self(folder.value()))
    }
}

fn error(message: impl std::fmt::Display) -> TokenStream {
    syn::Error::new(Span::call_site(), message).to_compile_error()
}
