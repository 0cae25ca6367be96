//! Given words become GraphQL literals of the argument's type.

use serde_json::Value as Json;

use crate::api::model::{Arg, Function, kebab};

use super::flags::{Assigned, Given};
use super::literal::Literal;
use super::{Engine, Failure, Paths, Value, address, csv, print, query, scalar};

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
        if given == wanted || wanted == "ID" || model.interfaces.contains_key(wanted) {
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
            "Int" => scalar::integer(text)
                .map(Literal::from)
                .ok_or("not a whole number".to_owned()),
            "Float" => scalar::float(text).ok_or("not a number".to_owned()),
            "Boolean" => scalar::truth(text)
                .map(Literal::from)
                .ok_or("not a truth value".to_owned()),
            _ => match model.enums.get(expected) {
                Some(members) => scalar::member(members, text),
                None if model.inputs.contains_key(expected) => scalar::input(expected, text),
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
