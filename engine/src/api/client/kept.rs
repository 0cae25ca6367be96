//! What of a caller's objects outlives the run: how each of them is made.

use std::collections::HashSet;

use eyre::Result;
use serde_json::Value as Json;

use super::Client;
use crate::graph::Call;
use crate::store::Digest;

impl Client {
    /// How an object is made, if an object has the id.
    fn made(&self, id: &Digest) -> Option<Call> {
        match self.shared.known(id) {
            Some(node) => Some(node.call.clone()),
            None => self.engine().store.cached("call", id),
        }
    }

    /// The objects among `ids`, and all that they are made of, these last. None
    /// if one of those is gone.
    fn closure(&self, mut ids: Vec<Digest>) -> Option<Vec<(Digest, Call)>> {
        let (mut seen, mut found) = (HashSet::new(), Vec::new());
        while let Some(id) = ids.pop() {
            if !seen.insert(id) {
                continue;
            }
            // A text among the arguments may look like an id and be none.
            let Some(call) = self.made(&id) else { continue };
            if let Some(receiver) = call.receiver {
                self.made(&receiver)?;
                ids.push(receiver);
            }
            call.args
                .values()
                .for_each(|value| ids_in(value, &mut |id| ids.push(id)));
            found.push((id, call));
        }
        Some(found)
    }

    /// Keeps how the objects in a value are made for later runs; gives the ids
    /// that are needed for it. None if something only lives in this run.
    pub fn persist(&self, value: &Json) -> Result<Option<Vec<Digest>>> {
        let mut ids = Vec::new();
        ids_in(value, &mut |id| ids.push(id));
        let Some(all) = self.closure(ids) else {
            return Ok(None);
        };
        let lasts = |id| self.shared.known(id).is_none_or(|node| node.lasting);
        if !all.iter().all(|(id, _)| lasts(id)) {
            return Ok(None);
        }
        let store = &self.engine().store;
        for (id, call) in all.iter().rev() {
            if store.cached::<Call>("call", id).is_none() {
                store.remember("call", id, call)?;
            }
        }
        Ok(Some(all.into_iter().map(|(id, _)| id).collect()))
    }

    /// Whether an object that was kept can be made.
    pub async fn is_kept(&self, id: &Digest) -> bool {
        match self.made(id) {
            None => false,
            Some(call) if call.is_module_object() => {
                let text = |name: &str| call.args.get(name).and_then(Json::as_str);
                match (text("name"), text("module")) {
                    (Some(name), Some(key)) => self.shared.module_by_key(name, key).await.is_some(),
                    _ => false,
                }
            }
            Some(_) => true,
        }
    }

    /// Secrets whose plaintext is not part of their id, among objects and all
    /// that they are made of.
    pub fn secrets_of(&self, ids: Vec<Digest>) -> Vec<Digest> {
        let all = self.closure(ids).unwrap_or_default();
        let mut secrets: Vec<_> = all
            .into_iter()
            .filter(|(_, call)| call.field == "secret")
            .map(|(id, _)| id)
            .collect();
        secrets.sort();
        secrets
    }
}

/// Every id that a JSON value holds.
pub fn ids_in(value: &Json, found: &mut dyn FnMut(Digest)) {
    match value {
        Json::String(text) if text.starts_with("sha256:") => {
            if let Ok(id) = text.parse() {
                found(id);
            }
        }
        Json::Array(values) => values.iter().for_each(|value| ids_in(value, found)),
        Json::Object(fields) => fields.values().for_each(|value| ids_in(value, found)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_found_wherever_they_are() {
        let id = Digest::of(b"x");
        let mut found = Vec::new();
        let value =
            serde_json::json!({"a": [id.to_string(), "sha256:short"], "b": {"c": id.to_string()}});
        ids_in(&value, &mut |id| found.push(id));
        assert_eq!(found, [id, id]);
    }
}
