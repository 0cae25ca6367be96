//! What the text of a user default is for an argument of some type.

use eyre::{Result, bail, eyre};
use serde_json::Value as Json;

use crate::api::model::TypeRef;
use crate::module::types::{EnumDoc, Types};

/// Objects that a user default gives by their address.
const OBJECTS: [&str; 6] = [
    "Container",
    "Directory",
    "File",
    "Secret",
    "Service",
    "Socket",
];

/// Whether the text is an address, or several with commas between them.
pub fn is_address(ty: &TypeRef) -> bool {
    OBJECTS.contains(&ty.name())
}

/// The value of an argument that is no object.
pub fn read(types: &Types, ty: &TypeRef, text: &str) -> Result<Json> {
    match ty {
        TypeRef::List { of, .. } if !of.is_list() => {
            let items = text.split(',').map(|item| item_of(types, of.name(), item));
            items.collect()
        }
        TypeRef::List { .. } => bail!("a list of lists has no user default"),
        TypeRef::Named { name, .. } => one(types, name, text),
    }
}

/// An item of a list is written without quotes, also an enum's member.
fn item_of(types: &Types, ty: &str, text: &str) -> Result<Json> {
    match (ty, member_of(types, ty)) {
        ("String" | "Int" | "Float" | "Boolean", _) => one(types, ty, text),
        (_, Some(def)) => member(def, &Json::from(text)),
        _ if types.object(ty).is_some() => no_object(ty),
        _ => Ok(text.into()),
    }
}

fn one(types: &Types, ty: &str, text: &str) -> Result<Json> {
    if ty == "String" {
        return Ok(text.into());
    }
    if ty == "Int" {
        let number: i64 = text.parse().map_err(|_| eyre!("expected a whole number"))?;
        return Ok(number.into());
    }
    if types.object(ty).is_some() {
        return no_object(ty);
    }
    let json = serde_json::from_str::<Json>(text).map_err(|_| match member_of(types, ty) {
        Some(_) => eyre!("expected a member's name in both quotes: '\"NAME\"'"),
        None => eyre!("expected a {ty} as JSON"),
    })?;
    match (ty, member_of(types, ty)) {
        ("Boolean", _) if !json.is_boolean() => bail!("expected true or false"),
        ("Float", _) if !json.is_number() => bail!("expected a number"),
        (_, Some(def)) => member(def, &json),
        _ => Ok(json),
    }
}

fn member_of<'a>(types: &'a Types, ty: &str) -> Option<&'a EnumDoc> {
    types.enums.iter().find(|def| def.name == ty)
}

fn member(def: &EnumDoc, given: &Json) -> Result<Json> {
    let mut names = def.members.iter().map(|member| member.name.as_str());
    if names.clone().any(|name| given.as_str() == Some(name)) {
        return Ok(given.clone());
    }
    let first = names.next().unwrap_or_default().to_owned();
    let all = names.fold(first, |all, name| all + ", " + name);
    bail!("expected one of {all}")
}

fn no_object(ty: &str) -> Result<Json> {
    bail!("a {ty} has no address, so that it has no user default")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::sdl::parse_type;
    use serde_json::json;
    use std::path::Path;

    fn try_read(ty: &str, text: &str) -> Result<Json> {
        let types = r#"{"objects":[{"name":"Person"}],
            "enums":[{"name":"Size","members":[{"name":"SMALL"},{"name":"LARGE"}]}]}"#;
        let types = Types::parse(types, Path::new("x"))?;
        read(&types, &parse_type(ty)?, text)
    }

    #[test]
    fn values_are_written_as_for_dagger() {
        let cases = [
            ("String!", "a, b", json!("a, b")),
            ("Int", "-42", json!(-42)),
            ("Boolean!", "true", json!(true)),
            ("Float!", "1.5", json!(1.5)),
            ("Size!", "\"LARGE\"", json!("LARGE")),
            ("[Size!]!", "SMALL,LARGE", json!(["SMALL", "LARGE"])),
            ("[String!]!", "a,b c", json!(["a", "b c"])),
            ("[Int!]!", "1,2", json!([1, 2])),
            ("Platform", "\"linux/amd64\"", json!("linux/amd64")),
        ];
        for (ty, text, want) in cases {
            assert_eq!(try_read(ty, text).expect(text), want, "{ty}");
        }
    }

    #[test]
    fn others_are_refused() {
        let cases = [
            ("Int", "4.2", "whole number"),
            ("Boolean", "yes", "Boolean as JSON"),
            ("Boolean", "1", "true or false"),
            ("Float", "\"x\"", "a number"),
            ("Size", "LARGE", "both quotes"),
            ("Size", "\"HUGE\"", "one of SMALL, LARGE"),
            ("[Size!]", "HUGE", "one of SMALL, LARGE"),
            ("Person", "ann", "no address"),
            ("[Person!]", "ann", "no address"),
        ];
        for (ty, text, want) in cases {
            let said = try_read(ty, text).expect_err(ty).to_string();
            assert!(said.contains(want), "{ty}: {said}");
        }
    }
}
