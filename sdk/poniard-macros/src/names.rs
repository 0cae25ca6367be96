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

/// `gitlab-comment` and `myModule` as `GitlabComment` and `MyModule`. A digit
/// ends a word, as for an engine: `d2site` is `D2Site`.
pub fn pascal(name: &str) -> String {
    let mut starts = true;
    let mut out = String::new();
    for c in name.chars() {
        if c.is_alphanumeric() {
            match starts {
                true => out.extend(c.to_uppercase()),
                false => out.push(c),
            }
        }
        starts = !c.is_alphabetic();
    }
    out
}

/// `toV2URL` as `to_v2_url`, a Rust identifier whatever the words are.
pub fn snake(name: &str) -> Ident {
    let snake = words(name).join("_").to_lowercase();
    match snake.as_str() {
        "self" | "super" | "crate" => Ident::new(&format!("{snake}_"), Span::call_site()),
        _ => syn::parse_str(&snake).unwrap_or_else(|_| Ident::new_raw(&snake, Span::call_site())),
    }
}

/// `RED_HOT` as `RedHot`, a Rust identifier whatever the words are.
pub fn variant(member: &str) -> String {
    let variant = if member.contains(|c: char| c.is_lowercase()) {
        pascal(member)
    } else {
        let words = member.split('_');
        words
            .map(|word| capitalised(&word.to_lowercase()))
            .collect()
    };
    match variant.as_str() {
        "Self" => "Self_".into(),
        // `_8`
        other if other.starts_with(|c: char| c.is_ascii_digit()) => format!("_{other}"),
        _ => variant,
    }
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

/// Enumerations of the core.
pub const CORE_ENUMS: &[&str] = &[
    "CacheSharingMode",
    "ChangesetMergeConflict",
    "ChangesetsMergeConflict",
    "DiffStatKind",
    "ExistsType",
    "FileType",
    "FunctionCachePolicy",
    "ImageLayerCompression",
    "ImageMediaTypes",
    "ModuleSourceKind",
    "NetworkProtocol",
    "ReturnType",
    "TypeDefKind",
];

/// Objects, interfaces and scalars of the core.
pub const CORE_OBJECTS: &[&str] = &[
    "Address",
    "Binding",
    "Boolean",
    "CacheVolume",
    "Changeset",
    "Check",
    "CheckGroup",
    "ClientFilesyncMirror",
    "Cloud",
    "Container",
    "CurrentModule",
    "DiffStat",
    "Directory",
    "Engine",
    "EngineCache",
    "EngineCacheEntry",
    "EngineCacheEntrySet",
    "EnumTypeDef",
    "EnumValueTypeDef",
    "Env",
    "EnvFile",
    "EnvVariable",
    "Error",
    "ErrorValue",
    "Exportable",
    "FieldTypeDef",
    "File",
    "Float",
    "Function",
    "FunctionArg",
    "FunctionCall",
    "FunctionCallArgValue",
    "GeneratedCode",
    "Generator",
    "GeneratorGroup",
    "GitRef",
    "GitRepository",
    "HTTPState",
    "HealthcheckConfig",
    "Host",
    "ID",
    "InputTypeDef",
    "Int",
    "InterfaceTypeDef",
    "JSON",
    "JSONValue",
    "LLM",
    "LLMTokenUsage",
    "Label",
    "ListTypeDef",
    "Module",
    "ModuleConfigClient",
    "ModuleSource",
    "Node",
    "ObjectTypeDef",
    "Platform",
    "Port",
    "Query",
    "RemoteGitMirror",
    "SDKConfig",
    "ScalarTypeDef",
    "SearchResult",
    "SearchSubmatch",
    "Secret",
    "Service",
    "Socket",
    "SourceMap",
    "Stat",
    "String",
    "Syncer",
    "Terminal",
    "TypeDef",
    "Up",
    "UpGroup",
    "Void",
    "Workspace",
];

#[cfg(test)]
mod tests {
    use super::*;

    fn ident(name: &str) -> Ident {
        Ident::new(name, Span::call_site())
    }

    #[test]
    fn rust_names_become_api_names() {
        assert_eq!(camel(&ident("with_exec")), "withExec");
        assert_eq!(camel(&ident("_unused_word")), "unusedWord");
        assert_eq!(camel(&ident("port_8080")), "port8080");
        assert_eq!(camel(&Ident::new_raw("type", Span::call_site())), "type");
        assert_eq!(screaming(&ident("MySql")), "MY_SQL");
        assert_eq!(screaming(&ident("HTTPHost")), "HTTP_HOST");
        assert_eq!(screaming(&ident("Mysql8")), "MYSQL8");
    }

    #[test]
    fn api_names_become_rust_names() {
        assert_eq!(snake("toV2URL").to_string(), "to_v2_url");
        assert_eq!(snake("someHTTPHost").to_string(), "some_http_host");
        assert_eq!(snake("gitlab-comment").to_string(), "gitlab_comment");
        assert_eq!(snake("type").to_string(), "r#type");
        assert_eq!(snake("self").to_string(), "self_");
        assert_eq!(pascal("gitlab-comment"), "GitlabComment");
        assert_eq!(variant("DARK_RED"), "DarkRed");
        assert_eq!(variant("EStarGZ"), "EStarGZ");
        assert_eq!(variant("SELF"), "Self_");
        assert_eq!(variant("_8_BIT"), "_8Bit");
    }
}
