//! Our attributes and doc comments, taken off an item.

use proc_macro2::Span;
use syn::ext::IdentExt;
use syn::parse::{Parse, ParseStream, Parser};
use syn::punctuated::Punctuated;
use syn::{Attribute, Expr, ExprLit, Ident, Lit, LitStr, Token};

use crate::errors::Errors;

/// `key = value` and `key` of one attribute.
#[derive(Default)]
pub struct Options(Vec<(Ident, Option<Expr>)>);

struct Pair(Ident, Option<Expr>);

impl Parse for Pair {
    fn parse(input: ParseStream) -> syn::Result<Self> {
        if !input.peek(Ident::peek_any) {
            return Err(input.error("expected an option with its name, such as `name = \"…\"`"));
        }
        let key = input.call(Ident::parse_any)?;
        let value = if input.peek(Token![=]) {
            input.parse::<Token![=]>()?;
            Some(input.parse()?)
        } else {
            None
        };
        Ok(Self(key, value))
    }
}

/// Attributes of ours within an item, each with its own place.
const PLACES: [&str; 4] = ["arg", "field", "function", "member"];

impl Options {
    pub fn parse(tokens: proc_macro2::TokenStream, errors: &mut Errors) -> Self {
        match Punctuated::<Pair, Token![,]>::parse_terminated.parse2(tokens) {
            Ok(pairs) => Self(pairs.into_iter().map(|pair| (pair.0, pair.1)).collect()),
            Err(error) => {
                errors.add(error);
                Self::default()
            }
        }
    }

    /// Takes `#[name(…)]` off; what is left are attributes for the compiler. `meant`
    /// are others that authors write here, with what is expected instead.
    pub fn take(
        attrs: &mut Vec<Attribute>,
        name: &str,
        meant: &[(&str, &str)],
        errors: &mut Errors,
    ) -> Option<Self> {
        let mut taken: Option<Self> = None;
        attrs.retain(|attr| {
            if !attr.path().is_ident(name) {
                return true;
            }
            let more = match &attr.meta {
                syn::Meta::Path(_) => Self::default(),
                syn::Meta::List(list) => Self::parse(list.tokens.clone(), errors),
                syn::Meta::NameValue(_) => {
                    errors.push(attr, format!("expected `#[{name}(…)]`"));
                    Self::default()
                }
            };
            taken.get_or_insert_default().0.extend(more.0);
            false
        });
        refuse_strays(attrs, name, meant, errors);
        taken
    }

    pub fn expr(&mut self, key: &str) -> Option<Expr> {
        let at = self
            .0
            .iter()
            .position(|(name, value)| name == key && value.is_some())?;
        self.0.remove(at).1
    }

    pub fn flag(&mut self, key: &str) -> Option<Span> {
        let at = self
            .0
            .iter()
            .position(|(name, value)| name == key && value.is_none())?;
        Some(self.0.remove(at).0.span())
    }

    pub fn text(&mut self, key: &str, errors: &mut Errors) -> Option<LitStr> {
        let value = self.expr(key)?;
        let text = as_text(&value);
        if text.is_none() {
            errors.push(&value, format!("expected a string: `{key} = \"…\"`"));
        }
        text
    }

    pub fn texts(&mut self, key: &str, errors: &mut Errors) -> Vec<LitStr> {
        let Some(value) = self.expr(key) else {
            return Vec::new();
        };
        let texts = match &value {
            Expr::Array(list) => list.elems.iter().map(as_text).collect(),
            _ => None,
        };
        texts.unwrap_or_else(|| {
            errors.push(
                &value,
                format!("expected a list of strings: `{key} = [\"…\"]`"),
            );
            Vec::new()
        })
    }

    /// Complains about what nobody asked for; `forms` are what there is, as it is
    /// written: `name = "…"`, `check`.
    pub fn finish(self, forms: &[&str], errors: &mut Errors) {
        for (key, value) in &self.0 {
            let name = key.to_string();
            let known = forms.iter().find(|form| key_of(form) == name);
            let message = match known {
                Some(form) if form.contains('=') && value.is_none() => {
                    format!("`{name}` has no value: expected `{form}`")
                }
                Some(form) if !form.contains('=') && value.is_some() => {
                    format!("`{name}` takes no value: expected `{form}`")
                }
                Some(_) => format!("`{name}` is there twice: expected one"),
                None => unknown(&name, forms),
            };
            errors.push(key, message);
        }
    }
}

fn key_of(form: &str) -> &str {
    form.split(' ').next().unwrap_or_default()
}

fn unknown(name: &str, forms: &[&str]) -> String {
    let begins = |word: &str| word.chars().take(3).collect::<String>().to_lowercase();
    let meant = forms
        .iter()
        .find(|form| begins(form) == begins(name))
        .map_or_else(String::new, |form| format!(", did you mean `{form}`?"));
    let forms: Vec<_> = forms.iter().map(|form| format!("`{form}`")).collect();
    let expected = match forms.is_empty() {
        true => "none".to_owned(),
        false => forms.join(", "),
    };
    match meant.is_empty() {
        true => format!("unknown option `{name}`: expected {expected}"),
        false => format!("unknown option `{name}`{meant} There are {expected}"),
    }
}

/// Takes off what was meant to be ours and is not `own`. The compiler would only
/// say that it does not know it.
fn refuse_strays(
    attrs: &mut Vec<Attribute>,
    own: &str,
    meant: &[(&str, &str)],
    errors: &mut Errors,
) {
    let form = format!("`#[{own}(…)]`");
    let others = PLACES.map(|name| (name, form.as_str()));
    attrs.retain(|attr| {
        let mut strays = meant.iter().chain(&others);
        let found = strays.find(|(name, _)| attr.path().is_ident(name));
        if let Some((name, expected)) = found {
            errors.push(
                attr,
                format!("`#[{name}]` has no meaning here: expected {expected}"),
            );
        }
        found.is_none()
    });
}

fn as_text(value: &Expr) -> Option<LitStr> {
    match value {
        Expr::Lit(ExprLit {
            lit: Lit::Str(text),
            ..
        }) => Some(text.clone()),
        _ => None,
    }
}

/// Text of the doc comments; lines keep their breaks, the common blank goes.
pub fn description(attrs: &[Attribute]) -> String {
    let mut lines = Vec::new();
    for attr in attrs.iter().filter(|attr| attr.path().is_ident("doc")) {
        let syn::Meta::NameValue(meta) = &attr.meta else {
            continue;
        };
        if let Some(text) = as_text(&meta.value) {
            // Not `lines()`: an empty comment is an empty line.
            for line in text.value().split('\n') {
                let line = line.strip_prefix(' ').unwrap_or(line);
                lines.push(line.trim_end().to_owned());
            }
        }
    }
    lines.join("\n").trim().to_owned()
}

/// Takes the doc comments off: the compiler allows none on arguments.
pub fn take_description(attrs: &mut Vec<Attribute>) -> String {
    let text = description(attrs);
    attrs.retain(|attr| !attr.path().is_ident("doc"));
    text
}
