//! How results look on stdout.

use std::io::{self, Write};

use serde::Serialize;
use serde_json::Value as Json;
use serde_json::ser::{Formatter, PrettyFormatter};
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
        Json::Number(number) if number.is_f64() => {
            float(number.as_f64().unwrap_or_default(), 1e-4, 2)
        }
        other => other.to_string(),
    }
}

/// As Go writes a float: digits that are needed, `20` and `1.5`, with an exponent
/// from 1e21 on and below `smallest`, of at least so many digits if negative.
fn float(number: f64, smallest: f64, exponent_digits: usize) -> String {
    let size = number.abs();
    if size == 0.0 || (smallest..1e21).contains(&size) {
        return number.to_string();
    }
    let text = format!("{number:e}");
    match text.split_once('e') {
        Some((digits, exponent)) => match exponent.strip_prefix('-') {
            Some(exponent) => format!("{digits}e-{exponent:0>exponent_digits$}"),
            None => format!("{digits}e+{exponent:0>2}"),
        },
        None => text,
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
    let formatter = GoFormatter(PrettyFormatter::with_indent(b"    "));
    let mut writer = serde_json::Serializer::with_formatter(&mut out, formatter);
    if value.serialize(&mut writer).is_err() {
        return value.to_string();
    }
    String::from_utf8_lossy(&out).into_owned() + "\n"
}

/// Floats as Go's `encoding/json` writes them; all else is indented.
struct GoFormatter(PrettyFormatter<'static>);

macro_rules! as_inner {
    ($($method:ident($($arg:ident: $ty:ty)?);)*) => {
        $(fn $method<W: ?Sized + Write>(&mut self, to: &mut W $(, $arg: $ty)?) -> io::Result<()> {
            self.0.$method(to $(, $arg)?)
        })*
    };
}

impl Formatter for GoFormatter {
    fn write_f64<W: ?Sized + Write>(&mut self, to: &mut W, value: f64) -> io::Result<()> {
        to.write_all(float(value, 1e-6, 1).as_bytes())
    }

    as_inner! {
        begin_array();
        end_array();
        begin_array_value(first: bool);
        end_array_value();
        begin_object();
        end_object();
        begin_object_key(first: bool);
        begin_object_value();
        end_object_value();
    }
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
    fn floats_are_printed_as_in_go() {
        // Of `fmt.Println(x)` and `json.Marshal(x)`.
        let cases = [
            (20.0, "20", "20"),
            (1.5, "1.5", "1.5"),
            (0.0, "0", "0"),
            (-0.1, "-0.1", "-0.1"),
            (1e20, "100000000000000000000", "100000000000000000000"),
            (1e21, "1e+21", "1e+21"),
            (-1.25e100, "-1.25e+100", "-1.25e+100"),
            (0.0001, "0.0001", "0.0001"),
            (0.00001, "1e-05", "0.00001"),
            (1.5e-7, "1.5e-07", "1.5e-7"),
            (1e-12, "1e-12", "1e-12"),
        ];
        for (number, text, in_json) in cases {
            assert_eq!(value(&json!([number])), format!("{text}\n"));
            let want = format!("{{\n    \"n\": {in_json}\n}}\n");
            assert_eq!(json(&json!({"n": number})), want);
        }
        assert_eq!(value(&json!(1_000_000_000_000_i64)), "1000000000000");
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
