//! Given words become GraphQL literals of the argument's type.

use serde_json::Value as Json;

use crate::api::model::{Arg, Enum, Function, kebab};

use super::flags::{Assigned, Given};
use super::literal::Literal;
use super::{Engine, Failure, Paths, Value, address, csv, print, query};

/// Makes the arguments of a call; objects are asked of the engine for their ids.
///
/// # Errors
/// `invalid argument "x" for "--flag" flag: …`
pub async fn literals(
    engine: &dyn Engine,
    paths: &Paths,
    function: &Function,
    mut assigned: Assigned,
) -> Result<Vec<(String, Literal)>, Failure> {
    let mut out = Vec::new();
    for arg in &function.args {
        if let Some(given) = assigned.swap_remove(&arg.name) {
            let reader = Reader { engine, paths, arg };
            out.push((arg.name.clone(), reader.literal(given).await?));
        }
    }
    Ok(out)
}

struct Reader<'a> {
    engine: &'a dyn Engine,
    paths: &'a Paths,
    arg: &'a Arg,
}

impl Reader<'_> {
    async fn literal(&self, given: Given) -> Result<Literal, Failure> {
        match given {
            Given::Words(words) if self.arg.ty.is_list() => {
                let mut items = Vec::new();
                for word in words {
                    items.extend(self.list(word).await?);
                }
                Ok(Literal::List(items))
            }
            Given::Items(values) => {
                let mut items = Vec::new();
                for value in values {
                    items.extend(self.item(value).await?);
                }
                Ok(Literal::List(items))
            }
            Given::Words(words) => {
                let last = words.into_iter().next_back().unwrap_or_default();
                self.single(last).await
            }
        }
    }

    /// One word for a list.
    async fn list(&self, word: Value) -> Result<Vec<Literal>, Failure> {
        if word.as_chain().is_some() {
            return self.item(word).await;
        }
        let text = query::text(self.engine, &word).await?;
        let items = csv::split(&text).map_err(|why| self.invalid(&text, why))?;
        let mut out = Vec::new();
        for item in items {
            out.push(self.word(&item).await?);
        }
        Ok(out)
    }

    /// One item of a list; a pipeline that gives a list gives all its items.
    async fn item(&self, value: Value) -> Result<Vec<Literal>, Failure> {
        let Some(chain) = value.as_chain().filter(|chain| chain.is_list()) else {
            return Ok(vec![self.single(value).await?]);
        };
        let model = self.engine.model();
        if chain.is_object(&model) {
            self.check_type(chain.type_name())?;
            let ids = query::ids(self.engine, chain).await?;
            return Ok(ids.into_iter().map(Literal::string).collect());
        }
        let Json::Array(items) = query::json(self.engine, chain).await? else {
            return Ok(Vec::new());
        };
        let mut out = Vec::new();
        for item in items {
            out.push(self.word(&print::scalar(&item)).await?);
        }
        Ok(out)
    }

    async fn single(&self, value: Value) -> Result<Literal, Failure> {
        let model = self.engine.model();
        if let Some(chain) = value.as_chain().filter(|chain| chain.is_object(&model)) {
            self.check_type(chain.type_name())?;
            return Ok(Literal::string(query::id(self.engine, chain).await?));
        }
        let text = query::text(self.engine, &value).await?;
        self.word(&text).await
    }

    fn check_type(&self, given: &str) -> Result<(), Failure> {
        let wanted = self.arg.expected.as_str();
        let model = self.engine.model();
        if given == wanted || wanted == "ID" || model.interfaces.iter().any(|i| i == wanted) {
            return Ok(());
        }
        let flag = kebab(&self.arg.name);
        Err(Failure::new(format!(
            "invalid argument for \"--{flag}\" flag: a {given} was given, a {wanted} is wanted"
        )))
    }

    /// A word, as a value of the innermost type.
    async fn word(&self, text: &str) -> Result<Literal, Failure> {
        let model = self.engine.model();
        let expected = self.arg.expected.as_str();
        let literal = match expected {
            "Int" => integer(text)
                .map(Literal::from)
                .ok_or("not a whole number".to_owned()),
            "Float" => float(text).ok_or("not a number".to_owned()),
            "Boolean" => truth(text)
                .map(Literal::from)
                .ok_or("not a truth value".to_owned()),
            _ => match model.enums.get(expected) {
                Some(members) => member(members, text),
                None if model.inputs.contains_key(expected) => input(expected, text),
                None if model.object(expected).is_some() || address::is_addressable(expected) => {
                    return self.object(text).await;
                }
                None => Ok(Literal::string(text)),
            },
        };
        literal.map_err(|why| self.invalid(text, why))
    }

    async fn object(&self, text: &str) -> Result<Literal, Failure> {
        let flag = kebab(&self.arg.name);
        let context = format!("invalid argument for \"--{flag}\" flag");
        let chain = address::chain(self.paths, self.arg, text).map_err(|e| e.within(&context))?;
        let id = query::id(self.engine, &chain)
            .await
            .map_err(|e| e.within(format!("cannot use {flag}")))?;
        Ok(Literal::string(id))
    }

    fn invalid(&self, text: &str, why: String) -> Failure {
        let flag = kebab(&self.arg.name);
        Failure::new(format!(
            "invalid argument {text:?} for \"--{flag}\" flag: {why}"
        ))
    }
}

/// As Go's `strconv.ParseInt` with base 0: `0600`, `0o600`, `0x180`, `0b11`.
fn integer(text: &str) -> Option<i64> {
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

fn float(text: &str) -> Option<Literal> {
    let number: f64 = text.parse().ok()?;
    serde_json::Number::from_f64(number).map(|n| Literal::Json(Json::Number(n)))
}

/// As Go's `strconv.ParseBool`.
fn truth(text: &str) -> Option<bool> {
    match text {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Some(true),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Some(false),
        _ => None,
    }
}

fn member(members: &Enum, text: &str) -> Result<Literal, String> {
    let names = || members.members.iter().map(|(name, _)| name.as_str());
    match names().find(|name| name.eq_ignore_ascii_case(text)) {
        Some(name) => Ok(Literal::Enum(name.to_owned())),
        None => Err(format!(
            "value should be one of {}",
            names().collect::<Vec<_>>().join(",")
        )),
    }
}

/// `8080:80` or `80` for a port, `KEY=VALUE` for the others.
fn input(type_name: &str, text: &str) -> Result<Literal, String> {
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
