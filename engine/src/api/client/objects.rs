//! How a caller gets objects: by a field, or by an id, which may be of an earlier run.

use std::sync::Arc;

use eyre::{Result, bail, eyre};
use serde_json::{Map, Value as Json};

use super::Client;
use crate::api::resolve;
use crate::graph::node::Answer;
use crate::graph::{Args, Call, Node, Object, Value, secret};
use crate::store::Digest;

impl Client {
    /// Answers a field of an object, or of the root.
    pub async fn select(
        self: &Arc<Self>,
        this: Option<Arc<Node>>,
        field: &str,
        mut args: Args,
    ) -> Result<Value> {
        let type_name = this
            .as_ref()
            .map_or("Query", |node| node.type_name.as_str());
        self.bind(type_name, field, &mut args).await?;
        let call = self.call_of(this.as_deref(), field, &args);
        // A secret that the caller may have is not one that every module may have.
        let asks_anew = field == "secret" && this.is_none() && self.confined;
        let stable = resolve::stable(type_name, field) && !asks_anew;
        if stable
            && let Some(node) = self.shared.known(&call.digest())
            && !node.failed()
        {
            return Ok(Value::Node(node));
        }
        let lasting = this.as_ref().is_none_or(|node| node.lasting)
            && args.bound().all(|node| node.lasting)
            && !(this.is_none()
                && matches!(field, "setSecret" | "currentModule" | "currentFunctionCall"));
        let answer = resolve::field(self, this.as_ref(), field, &args).await?;
        self.value(answer, this, call, lasting)
    }

    /// Finds the objects that ids among the arguments stand for, and writes
    /// members of enums in one way.
    async fn bind(self: &Arc<Self>, type_name: &str, field: &str, args: &mut Args) -> Result<()> {
        let model = self.model();
        let Some(function) = model
            .object(type_name)
            .and_then(|object| object.functions.get(field))
        else {
            return Ok(());
        };
        for arg in &function.args {
            if let Some(members) = model.enums.get(arg.ty.name())
                && let Some(value) = args.json.get_mut(&arg.name)
            {
                members.unalias(value);
            }
        }
        for arg in function
            .args
            .iter()
            .filter(|arg| arg.ty.name() == "ID" && arg.expected != "ID")
        {
            let ids: Vec<String> = match args.json.get(&arg.name) {
                Some(Json::String(id)) => vec![id.clone()],
                Some(Json::Array(ids)) => ids
                    .iter()
                    .filter_map(|id| id.as_str().map(str::to_owned))
                    .collect(),
                _ => continue,
            };
            for id in ids {
                let node = self.node(&id, Some(&arg.expected)).await?;
                args.bind(id, node);
            }
        }
        Ok(())
    }

    fn call_of(&self, this: Option<&Node>, field: &str, args: &Args) -> Call {
        let mut given: Map<String, Json> = args
            .json
            .iter()
            .filter(|(_, v)| !v.is_null())
            .map(|(k, v)| (k.clone(), v.clone()))
            .collect();
        if this.is_none()
            && field == "setSecret"
            && let Some(Json::String(plaintext)) = given.get("plaintext")
        {
            let fingerprint = secret::fingerprint(self.engine(), plaintext).to_string();
            given.insert("plaintext".to_owned(), fingerprint.into());
        }
        if this.is_none() && field == "cacheVolume" {
            // Part of the call, so that it is the same volume for whoever recalls it.
            given.entry("scope").or_insert_with(|| self.scope().into());
        }
        Call {
            receiver: this.map(|node| node.id),
            field: field.to_owned(),
            args: given,
            nth: None,
        }
    }

    /// Gives ids to the objects of an answer.
    fn value(
        &self,
        answer: Answer,
        this: Option<Arc<Node>>,
        call: Call,
        lasting: bool,
    ) -> Result<Value> {
        let node = |type_name: String, object: Object, call: Call| {
            self.shared.add(Node {
                id: call.digest(),
                type_name,
                object,
                call,
                lasting,
            })
        };
        let list = |type_name: String, objects: Vec<Object>| {
            let nodes = objects.into_iter().enumerate().map(|(n, object)| {
                node(
                    type_name.clone(),
                    object,
                    Call {
                        nth: Some(n),
                        ..call.clone()
                    },
                )
            });
            Value::Nodes(nodes.collect())
        };
        Ok(match answer {
            Answer::Null => Value::Null,
            Answer::Json(json) => Value::Json(json),
            Answer::Object(type_name, object) => {
                Value::Node(node(type_name.to_owned(), object, call))
            }
            Answer::As(type_name, object, own) => {
                Value::Node(node(type_name, object, own.unwrap_or(call)))
            }
            Answer::Objects(type_name, objects) => list(type_name.to_owned(), objects),
            Answer::AsList(type_name, objects) => list(type_name, objects),
            Answer::Nodes(nodes) => Value::Nodes(nodes),
            Answer::Node(node) => Value::Node(node),
            Answer::Receiver => Value::Node(this.ok_or_else(|| eyre!("the root is no object"))?),
            Answer::This => {
                let this = this.ok_or_else(|| eyre!("the root has no id"))?;
                Value::Json(this.id.to_string().into())
            }
        })
    }

    /// An object that was not asked for by a field: for example a state.
    pub fn make(&self, type_name: &str, object: Object, call: Call, lasting: bool) -> Arc<Node> {
        self.shared.add(Node {
            id: call.digest(),
            type_name: type_name.to_owned(),
            object,
            call,
            lasting,
        })
    }

    /// The object with an id, made again if it is of an earlier run.
    pub async fn node(self: &Arc<Self>, id: &str, expected: Option<&str>) -> Result<Arc<Node>> {
        let digest: Digest = id.parse()?;
        let node = match self.shared.known(&digest) {
            Some(node) => node,
            None => Box::pin(self.recall(digest)).await?,
        };
        let is = |expected: &str| {
            expected == node.type_name
                || expected == "Node"
                || (self.model().object(&node.type_name))
                    .is_some_and(|object| object.interfaces.iter().any(|own| own == expected))
        };
        match expected {
            Some(expected) if !is(expected) => {
                bail!("`{id}` is a {}, not a {expected}", node.type_name)
            }
            _ => Ok(node),
        }
    }

    async fn recall(self: &Arc<Self>, id: Digest) -> Result<Arc<Node>> {
        let Some(call) = self.engine().store.cached::<Call>("call", &id) else {
            bail!("no object has the id `{id}`");
        };
        let receiver = match call.receiver {
            Some(receiver) => Some(self.node(&receiver.to_string(), None).await?),
            None => None,
        };
        let value = match resolve::recalled(self, &call).await? {
            Some(node) => return Ok(node),
            None => {
                self.select(receiver, &call.field, Args::new(call.args.clone()))
                    .await?
            }
        };
        match (value, call.nth) {
            (Value::Node(node), _) => Ok(node),
            (Value::Nodes(nodes), Some(n)) => nodes
                .get(n)
                .cloned()
                .ok_or_else(|| eyre!("no object has the id `{id}`")),
            _ => bail!("no object has the id `{id}`"),
        }
    }
}
