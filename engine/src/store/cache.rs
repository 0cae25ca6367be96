//! Remembered values: `cache/<kind>/<2 digits>/<key>.json`.
//!
//! An entry names the layers that its value refers to, and is absent without
//! them. Reading an entry sets its time, by which [`super::prune`] puts them in
//! order, and notes that this process uses it.

use std::fs::File;
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::PoisonError;
use std::time::SystemTime;

use eyre::{Report, Result, WrapErr};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::Value;

use super::{Digest, Store};

#[derive(Serialize, Deserialize)]
pub(super) struct Entry<T> {
    pub layers: Vec<String>,
    pub value: T,
}

impl Store {
    /// A remembered value, if it is there and what it refers to as well.
    pub fn cached<T: DeserializeOwned>(&self, kind: &str, key: &Digest) -> Option<T> {
        let path = self.entry_path(kind, key);
        let mut file = File::open(&path).ok()?;
        let mut text = Vec::new();
        file.read_to_end(&mut text).ok()?;
        let entry: Entry<T> = serde_json::from_slice(&text).ok()?;
        let layers = entry.layers.iter().map(|layer| self.layer_path(layer));
        self.note(layers.chain([path.clone()])).ok()?;
        file.set_modified(SystemTime::now()).ok()?;
        // It may have gone before it was noted.
        let own = file.metadata().ok()?;
        let now = path.metadata().ok()?;
        if (own.dev(), own.ino()) != (now.dev(), now.ino()) {
            return None;
        }
        entry
            .layers
            .iter()
            .all(|layer| self.has_layer(layer))
            .then_some(entry.value)
    }

    /// Remembers a value. The layers of every [`super::Snapshot`] in it are kept
    /// as long as the value is.
    pub fn remember<T: Serialize>(&self, kind: &str, key: &Digest, value: &T) -> Result<()> {
        let value = serde_json::to_value(value)?;
        let mut layers = Vec::new();
        layers_of(&value, &mut layers);
        layers.sort();
        layers.dedup();
        let entry = Entry { layers, value };
        let path = self.entry_path(kind, key);
        let written = serde_json::to_vec(&entry)
            .map_err(Report::from)
            .and_then(|text| {
                self.note([&path])?;
                self.write_state(&path, &text)
            });
        self.settle(&entry.layers, written.is_ok());
        written
            .wrap_err_with(|| format!("cannot remember {kind} `{key}`"))
            .map_err(|error| self.explain(error))
    }

    /// Layers that were made for an entry go with one that cannot be written:
    /// nobody would find them.
    fn settle(&self, layers: &[String], written: bool) {
        let mut fresh = self.fresh.lock().unwrap_or_else(PoisonError::into_inner);
        for layer in layers {
            if fresh.remove(layer) && !written {
                // What stays is found by the next one that lacks space.
                let _ = self.discard(&self.layer_path(layer));
            }
        }
    }

    /// Forgets a remembered value; fine when there is none.
    pub fn forget(&self, kind: &str, key: &Digest) {
        let _ = std::fs::remove_file(self.entry_path(kind, key));
    }

    /// Writes a file of the state directory: all of it or nothing.
    pub(super) fn write_state(&self, path: &Path, text: &[u8]) -> Result<()> {
        let dir = path.parent().unwrap_or(self.root());
        std::fs::create_dir_all(dir)?;
        let mut file = tempfile::NamedTempFile::new_in(self.session_dir())?;
        std::io::Write::write_all(&mut file, text)?;
        file.persist(path).map_err(|error| error.error)?;
        Ok(())
    }

    fn entry_path(&self, kind: &str, key: &Digest) -> PathBuf {
        let hex = key.hex();
        self.root()
            .join("cache")
            .join(kind)
            .join(&hex[..2])
            .join(format!("{hex}.json"))
    }
}

/// Names in the `layers` of whatever looks like a snapshot.
fn layers_of(value: &Value, layers: &mut Vec<String>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| layers_of(item, layers)),
        Value::Object(fields) => {
            if fields.contains_key("id")
                && let Some(Value::Array(names)) = fields.get("layers")
            {
                layers.extend(names.iter().filter_map(Value::as_str).map(str::to_owned));
            }
            fields.values().for_each(|field| layers_of(field, layers));
        }
        _ => {}
    }
}
