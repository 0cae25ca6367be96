//! Rust names as API names, and back.

use proc_macro2::Span;
use syn::Ident;
use syn::ext::IdentExt;

/// `some_word` as `someWord`; leading underscores do not count.
pub fn camel(ident: &Ident) -> String {
    let name = ident.unraw().to_string();
    let mut out = String::new();
    for word in name.split('_').filter(|word| !word.is_empty()) {
        if out.is_empty() {
            out += word;
        } else {
            out += &capitalised(word);
        }
    }
    out
}

/// `MySql` as `MY_SQL`, `HTTPHost` as `HTTP_HOST`.
pub fn screaming(ident: &Ident) -> String {
    words(&ident.unraw().to_string()).join("_").to_uppercase()
}

/// `gitlab-comment` and `myModule` as `GitlabComment` and `MyModule`.
pub fn pascal(name: &str) -> String {
    name.split(|c: char| !c.is_alphanumeric())
        .map(capitalised)
        .collect()
}

/// `toV2URL` as `to_v2_url`, a Rust identifier whatever the words are.
pub fn snake(name: &str) -> Ident {
    let snake = words(name).join("_").to_lowercase();
    match snake.as_str() {
        "self" | "super" | "crate" => Ident::new(&format!("{snake}_"), Span::call_site()),
        _ => syn::parse_str(&snake).unwrap_or_else(|_| Ident::new_raw(&snake, Span::call_site())),
    }
}

/// `RED_HOT` as `RedHot`.
pub fn variant(member: &str) -> String {
    if member.contains(|c: char| c.is_lowercase()) {
        return pascal(member);
    }
    member
        .split('_')
        .map(|word| capitalised(&word.to_lowercase()))
        .collect()
}

fn words(name: &str) -> Vec<String> {
    let chars: Vec<char> = name.chars().collect();
    let mut words = vec![String::new()];
    for (at, &c) in chars.iter().enumerate() {
        let before = at.checked_sub(1).map(|at| chars[at]);
        let after = chars.get(at + 1);
        let starts = c.is_uppercase()
            && before.is_some_and(|before| {
                !before.is_uppercase() || after.is_some_and(|after| after.is_lowercase())
            });
        if c == '_' || c == '-' || starts {
            words.push(String::new());
        }
        if c != '_'
            && c != '-'
            && let Some(word) = words.last_mut()
        {
            word.push(c);
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

fn capitalised(word: &str) -> String {
    let mut chars = word.chars();
    match chars.next() {
        Some(first) => first.to_uppercase().chain(chars).collect(),
        None => String::new(),
    }
}
