//! A chain of functions that starts at `Query`: what a pipeline or the words of
//! `call` add up to. Nothing is asked of the engine before the value is needed.

use serde_json::Value as Json;

use crate::api::model::{Function, Model, TypeRef};

use super::literal::Literal;

/// One function with its arguments.
#[derive(Clone, Debug)]
pub struct Call {
    /// camelCase.
    pub function: String,
    pub args: Vec<(String, Literal)>,
    pub ty: TypeRef,
}

/// Calls in order; none stands for `Query` itself.
#[derive(Clone, Debug, Default)]
pub struct Chain {
    calls: Vec<Call>,
}

impl Chain {
    pub fn root() -> Self {
        Self::default()
    }

    /// This chain and one function more.
    pub fn then(&self, function: &Function, args: Vec<(String, Literal)>) -> Self {
        self.call(&function.name, args, function.ty.clone())
    }

    /// As [`Chain::then`] for a function that is known by name and type.
    pub fn call(&self, function: &str, args: Vec<(String, Literal)>, ty: TypeRef) -> Self {
        let mut calls = self.calls.clone();
        calls.push(Call {
            function: function.to_owned(),
            args,
            ty,
        });
        Self { calls }
    }

    /// Name of the innermost type of the result.
    pub fn type_name(&self) -> &str {
        self.calls.last().map_or("Query", |call| call.ty.name())
    }

    /// Type of the last function; none at the root.
    pub fn ty(&self) -> Option<&TypeRef> {
        self.calls.last().map(|call| &call.ty)
    }

    /// camelCase name of the last function.
    pub fn last(&self) -> Option<&str> {
        self.calls.last().map(|call| call.function.as_str())
    }

    pub fn is_root(&self) -> bool {
        self.calls.is_empty()
    }

    /// Whether the result is an object or a list of objects.
    pub fn is_object(&self, model: &Model) -> bool {
        let name = self.type_name();
        model.object(name).is_some() || model.interfaces.contains_key(name)
    }

    /// Whether there is a list anywhere, so that there is more than one result.
    pub fn is_list(&self) -> bool {
        self.calls.iter().any(|call| call.ty.is_list())
    }

    /// The query document; `leaf` is selected of objects.
    pub fn document(&self, leaf: Option<&str>) -> String {
        let mut text = String::new();
        for call in &self.calls {
            text += "{";
            text += &call.function;
            for (i, (name, value)) in call.args.iter().enumerate() {
                text += if i == 0 { "(" } else { "," };
                text += &format!("{name}:{value}");
            }
            if !call.args.is_empty() {
                text += ")";
            }
        }
        let mut depth = self.calls.len();
        if let Some(leaf) = leaf {
            text += &format!("{{{leaf}");
            depth += 1;
        }
        text + &"}".repeat(depth)
    }

    /// The result in a response: lists of objects on the way are flattened.
    pub fn pick(&self, data: Json, leaf: Option<&str>) -> Json {
        let names = self.calls.iter().map(|c| c.function.as_str()).chain(leaf);
        names.fold(data, descend)
    }

    /// The result as JSON output shows it: from the first list of objects on,
    /// the objects stay as they came.
    pub fn pick_json(&self, mut data: Json) -> Json {
        for call in &self.calls {
            data = descend(data, &call.function);
            if data.is_array() {
                break;
            }
        }
        data
    }
}

fn descend(value: Json, name: &str) -> Json {
    match value {
        Json::Object(mut fields) => fields.remove(name).unwrap_or(Json::Null),
        Json::Array(items) => {
            let mut all = Vec::new();
            for item in items {
                match descend(item, name) {
                    Json::Array(inner) => all.extend(inner),
                    other => all.push(other),
                }
            }
            Json::Array(all)
        }
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn named(name: &str) -> TypeRef {
        TypeRef::Named {
            name: name.into(),
            required: true,
        }
    }

    #[test]
    fn a_chain_becomes_a_nested_query() {
        let args = vec![
            ("path".to_owned(), Literal::string("a\"\n")),
            ("permissions".to_owned(), Literal::from(384)),
        ];
        let chain = Chain::root()
            .call("directory", vec![], named("Directory"))
            .call("withNewFile", args, named("Directory"));
        assert_eq!(
            chain.document(Some("id")),
            r#"{directory{withNewFile(path:"a\"\n",permissions:384){id}}}"#
        );
    }

    #[test]
    fn lists_on_the_way_are_flattened_but_kept_for_json() {
        let people = TypeRef::List {
            of: Box::new(named("Person")),
            required: true,
        };
        let chain =
            Chain::root()
                .call("people", vec![], people)
                .call("name", vec![], named("String"));
        let data = json!({"people": [{"name": "ann"}, {"name": "bob"}]});
        assert_eq!(chain.pick(data.clone(), None), json!(["ann", "bob"]));
        assert_eq!(
            chain.pick_json(data),
            json!([{"name": "ann"}, {"name": "bob"}])
        );
    }
}
