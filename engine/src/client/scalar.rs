//! Words as numbers, truth values, members of enums and input objects.

use serde_json::Value as Json;

use crate::api::model::Enum;
use crate::suggest;

use super::literal::Literal;

/// As Go's `strconv.ParseInt` with base 0: `0600`, `0o600`, `0x180`, `0b11`.
pub fn integer(text: &str) -> Option<i64> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let lower = digits.to_ascii_lowercase();
    let (radix, digits) = match lower.as_bytes() {
        [b'0', b'x', ..] => (16, &lower[2..]),
        [b'0', b'o', ..] => (8, &lower[2..]),
        [b'0', b'b', ..] => (2, &lower[2..]),
        [b'0', _, ..] => (8, &lower[1..]),
        _ => (10, lower.as_str()),
    };
    if digits.starts_with(['+', '-']) {
        return None;
    }
    let value = i128::from_str_radix(digits, radix).ok()?;
    i64::try_from(if negative { -value } else { value }).ok()
}

pub fn float(text: &str) -> Option<Literal> {
    let number: f64 = text.parse().ok()?;
    serde_json::Number::from_f64(number).map(|n| Literal::Json(Json::Number(n)))
}

/// As Go's `strconv.ParseBool`.
pub fn truth(text: &str) -> Option<bool> {
    match text {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Some(true),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Some(false),
        _ => None,
    }
}

pub fn member(members: &Enum, text: &str) -> Result<Literal, String> {
    let names = || members.members.iter().map(|(name, _)| name.as_str());
    match names().find(|name| name.eq_ignore_ascii_case(text)) {
        Some(name) => Ok(Literal::Enum(name.to_owned())),
        None => Err(format!(
            "value should be one of {}{}",
            names().collect::<Vec<_>>().join(","),
            suggest::hint(text, names())
        )),
    }
}

/// `8080:80` or `80` for a port, `KEY=VALUE` for the others.
pub fn input(type_name: &str, text: &str) -> Result<Literal, String> {
    if type_name != "PortForward" {
        let (name, value) = text.split_once('=').ok_or("expected NAME=VALUE")?;
        return Ok(Literal::Object(vec![
            ("name".into(), Literal::string(name)),
            ("value".into(), Literal::string(value)),
        ]));
    }
    let port = |text: &str| {
        text.parse::<u16>()
            .map_err(|_| "expected FRONTEND:BACKEND or PORT".to_owned())
    };
    let (frontend, backend) = text.split_once(':').unwrap_or((text, text));
    Ok(Literal::Object(vec![
        ("frontend".into(), Literal::from(port(frontend)?)),
        ("backend".into(), Literal::from(port(backend)?)),
    ]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_numbers_are_read_as_in_go() {
        let cases = [
            ("42", Some(42)),
            ("-2", Some(-2)),
            ("0600", Some(0o600)),
            ("0x1F", Some(31)),
            ("0", Some(0)),
            ("one", None),
            ("1.5", None),
            ("", None),
            ("--1", None),
            ("9223372036854775808", None),
        ];
        for (text, want) in cases {
            assert_eq!(integer(text), want, "{text}");
        }
    }

    #[test]
    fn ports_and_build_arguments_are_input_objects() {
        let port = input("PortForward", "8080:80").expect("a port");
        assert_eq!(port.to_string(), "{frontend:8080,backend:80}");
        let arg = input("BuildArg", "A=b=c").expect("an argument");
        assert_eq!(arg.to_string(), r#"{name:"A",value:"b=c"}"#);
        assert!(input("PortForward", "web").is_err());
    }
}
