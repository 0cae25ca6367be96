//! How results look on stdout.

use serde::Serialize;
use serde_json::Value as Json;
use sha2::{Digest, Sha256};

/// A string is raw and nothing follows it; the items of a list are lines; null
/// is `<nil>`.
pub fn value(value: &Json) -> String {
    match value {
        Json::Array(items) => items.iter().map(|item| self::value(item) + "\n").collect(),
        other => scalar(other),
    }
}

/// One value.
pub fn scalar(value: &Json) -> String {
    match value {
        Json::Null => "<nil>".to_owned(),
        Json::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// `Type@digest` of an id, or a line with a dash for each of several.
pub fn objects(type_name: &str, ids: &Json) -> String {
    let one = |id: &Json| match id {
        Json::Null => "<nil>".to_owned(),
        id => format!("{type_name}@{}", digest(&scalar(id))),
    };
    match ids {
        Json::Array(ids) => ids.iter().map(|id| format!("- {}\n", one(id))).collect(),
        Json::Null => "<nil>".to_owned(),
        id => one(id) + "\n",
    }
}

/// An id that is a digest stands for itself.
fn digest(id: &str) -> String {
    let is_digest = id.split_once(':').is_some_and(|(algorithm, hex)| {
        !algorithm.is_empty()
            && algorithm.bytes().all(|b| b.is_ascii_alphanumeric())
            && !hex.is_empty()
            && hex.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
    });
    if is_digest {
        return id.to_owned();
    }
    let hash = Sha256::digest(id.as_bytes());
    let hex: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("sha256:{hex}")
}

/// JSON with an indentation of four, and a line end.
pub fn json(value: &Json) -> String {
    let mut out = Vec::new();
    let formatter = serde_json::ser::PrettyFormatter::with_indent(b"    ");
    let mut writer = serde_json::Serializer::with_formatter(&mut out, formatter);
    if value.serialize(&mut writer).is_err() {
        return value.to_string();
    }
    String::from_utf8_lossy(&out).into_owned() + "\n"
}

/// Lines of two columns under a heading.
pub fn table(heading: [&str; 2], rows: &[(String, String)]) -> String {
    let width = rows
        .iter()
        .map(|(name, _)| name.chars().count())
        .max()
        .unwrap_or(0);
    let width = width.max(heading[0].chars().count()) + 3;
    let line = |name: &str, text: &str| {
        let line = format!("{name:<width$}{text}");
        line.trim_end().to_owned() + "\n"
    };
    let mut out = line(heading[0], heading[1]);
    rows.iter()
        .for_each(|(name, text)| out += &line(name, text));
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn results_are_printed_as_recorded() {
        let cases = [
            (json!("two\n\n"), "two\n\n"),
            (json!(""), ""),
            (json!(3), "3"),
            (json!(2.5), "2.5"),
            (json!(true), "true"),
            (json!(null), "<nil>"),
            (json!(["a", "b"]), "a\nb\n"),
            (json!([]), ""),
        ];
        for (result, want) in cases {
            assert_eq!(value(&result), want, "{result}");
        }
    }

    #[test]
    fn objects_are_printed_as_digests() {
        assert_eq!(objects("File", &json!("sha256:0a1b")), "File@sha256:0a1b\n");
        assert_eq!(
            objects("Port", &json!(["xxh3:01", "xxh3:02"])),
            "- Port@xxh3:01\n- Port@xxh3:02\n"
        );
        let opaque = objects("File", &json!("EhMI"));
        assert!(
            opaque.starts_with("File@sha256:") && opaque.len() == 12 + 64 + 1,
            "{opaque}"
        );
    }

    #[test]
    fn json_is_indented_by_four() {
        assert_eq!(json(&json!([1, 2])), "[\n    1,\n    2\n]\n");
        assert_eq!(json(&json!(null)), "null\n");
    }

    #[test]
    fn columns_are_as_wide_as_the_longest_name() {
        let rows = [
            ("hello".to_owned(), "Greets".to_owned()),
            ("prefix".to_owned(), "-".to_owned()),
        ];
        assert_eq!(
            table(["Name", "Description"], &rows),
            "Name     Description\nhello    Greets\nprefix   -\n"
        );
    }
}
