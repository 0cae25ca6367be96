//! `Engine` and what it keeps: layers and cache volumes as entries of its cache.

use std::sync::Arc;

use eyre::{Result, eyre};
use serde_json::{Map, Value as Json, json};

use super::{callers_only, records, unsupported};
use crate::api::client::Client;
use crate::graph::engine::blocking;
use crate::graph::node::Answer;
use crate::graph::{Args, Object};
use crate::store::{Prune, Store, Usage, parse_size};

pub fn engine(client: &Arc<Client>, field: &str) -> Result<Answer> {
    callers_only(client, "Query.engine")?;
    Ok(match field {
        "clients" => Vec::<String>::new().into(),
        "localCache" => Answer::Object("EngineCache", Object::EngineCache),
        "name" => "poniard".into(),
        _ => unsupported("Engine", field)?,
    })
}

pub async fn cache(client: &Arc<Client>, field: &str, args: &Args) -> Result<Answer> {
    callers_only(client, "Engine.localCache")?;
    let store = client.engine().store.clone();
    let limits = store.limits()?;
    Ok(match field {
        "entrySet" => {
            let all = blocking(move || store.usage()).await?;
            entry_set(&all)
        }
        "maxUsedSpace" => limits.max_used.into(),
        "minFreeSpace" => limits.min_free.into(),
        "reservedSpace" => limits.reserved.into(),
        "targetSpace" => limits.max_used.into(),
        "prune" => {
            let keep = match args.flag("useDefaultPolicy")? {
                true => Some(limits.max_used),
                false => wanted(&store, args)?,
            };
            let prune = Prune {
                keep_bytes: keep,
                // As on a Dagger Engine, all goes that nothing asks to keep.
                volumes: keep.is_none(),
                ..Prune::default()
            };
            blocking(move || store.prune(&prune)).await?;
            Answer::Null
        }
        _ => unsupported("EngineCache", field)?,
    })
}

/// The size that a call wants to be left, if it says one.
fn wanted(store: &Arc<Store>, args: &Args) -> Result<Option<u64>> {
    let bytes = |name: &str| {
        let text = args.text(name)?;
        let read = || {
            parse_size(&text).ok_or_else(|| {
                eyre!("argument `{name}`: `{text}` is no size: expected a form like `10GB`")
            })
        };
        if text.is_empty() {
            Ok(None)
        } else {
            read().map(Some)
        }
    };
    let mut keep = bytes("targetSpace")?.or(bytes("maxUsedSpace")?);
    if let Some(min_free) = bytes("minFreeSpace")? {
        let used: u64 = store.usage()?.iter().map(|usage| usage.bytes).sum();
        let within_disk = (used + store.free()?).saturating_sub(min_free);
        keep = Some(keep.map_or(within_disk, |keep| keep.min(within_disk)));
    }
    let reserved = bytes("reservedSpace")?;
    Ok(keep.max(reserved))
}

fn entry_set(all: &[Usage]) -> Answer {
    let bytes: u64 = all.iter().map(|usage| usage.bytes).sum();
    let fields = json!({"diskSpaceBytes": bytes, "entryCount": all.len()});
    let entries = all.iter().map(entry).collect();
    let lists = vec![("entries".to_owned(), "EngineCacheEntry".to_owned(), entries)];
    Answer::Object(
        "EngineCacheEntrySet",
        records::with_list_fields(fields, lists),
    )
}

fn entry(usage: &Usage) -> Map<String, Json> {
    let kind = match usage.volume {
        true => "exec.cachemount",
        false => "regular",
    };
    let time = usage.changed_unix_nanos();
    let fields = json!({
        "activelyUsed": false, "createdTimeUnixNano": time, "dagqlCall": "",
        "description": usage.name, "diskSpaceBytes": usage.bytes,
        "mostRecentUseTimeUnixNano": time, "recordType": kind, "recordTypes": [kind],
    });
    fields.as_object().cloned().unwrap_or_default()
}
