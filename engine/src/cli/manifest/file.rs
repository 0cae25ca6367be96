//! `dagger.json`, edited in place: what is not understood stays as it is.

use std::path::{Component, Path, PathBuf};

use serde_json::{Map, Value as Json};

use crate::client::Failure;

pub const NAME: &str = "dagger.json";

/// The version of Dagger whose API this is.
pub const ENGINE_VERSION: &str = "v0.21.8";

/// A `dagger.json` and where it is.
#[derive(Debug)]
pub struct Manifest {
    pub dir: PathBuf,
    pub fields: Map<String, Json>,
}

/// A dependency or toolchain.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    pub name: String,
    pub source: String,
    pub pin: Option<String>,
}

impl Manifest {
    /// That of a directory, if there is one.
    pub fn read_if_there(dir: &Path) -> Result<Option<Self>, Failure> {
        let path = dir.join(NAME);
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => {
                return Err(Failure::new(format!(
                    "cannot read `{}`: {error}",
                    path.display()
                )));
            }
        };
        Self::parse(dir, &text)
            .map(Some)
            .map_err(|e| e.within(format!("cannot read `{}`", path.display())))
    }

    /// Reads the text of one.
    pub fn parse(dir: &Path, text: &str) -> Result<Self, Failure> {
        match serde_json::from_str(text) {
            Ok(Json::Object(fields)) => Ok(Self {
                dir: dir.to_owned(),
                fields,
            }),
            Ok(_) => Err(Failure::new("expected a JSON object")),
            Err(error) => Err(Failure::new(error.to_string())),
        }
    }

    /// The nearest one, from `dir` upward.
    pub fn find(dir: &Path) -> Result<Self, Failure> {
        for dir in dir.ancestors() {
            if let Some(manifest) = Self::read_if_there(dir)? {
                return Ok(manifest);
            }
        }
        let message = format!(
            "there is no {NAME} in `{}` or above: make one with `poniard init`",
            dir.display()
        );
        Err(Failure::new(message))
    }

    pub fn name(&self) -> Option<&str> {
        self.fields.get("name")?.as_str()
    }

    /// The entries of `dependencies` or `toolchains`.
    pub fn entries(&self, list: &str) -> Vec<Entry> {
        let items = self.fields.get(list).and_then(Json::as_array);
        let text = |item: &Json, key: &str| item.get(key).and_then(Json::as_str).map(str::to_owned);
        let entry = |item: &Json| {
            let source = text(item, "source")?;
            let name = text(item, "name").unwrap_or_else(|| last_part(&source).to_owned());
            Some(Entry {
                name,
                source,
                pin: text(item, "pin"),
            })
        };
        items.into_iter().flatten().filter_map(entry).collect()
    }

    /// Adds an entry, or takes the place of the one with its name.
    pub fn put(&mut self, list: &str, entry: &Entry) {
        let mut item = Map::new();
        item.insert("name".into(), entry.name.clone().into());
        item.insert("source".into(), entry.source.clone().into());
        if let Some(pin) = &entry.pin {
            item.insert("pin".into(), pin.clone().into());
        }
        let position = self.entries(list).iter().position(|e| e.name == entry.name);
        let items = self
            .fields
            .entry(list)
            .or_insert_with(|| Json::Array(Vec::new()));
        let Json::Array(items) = items else { return };
        match position.and_then(|at| items.get_mut(at)) {
            // Other keys of the entry stay.
            Some(Json::Object(old)) => {
                old.remove("pin");
                old.extend(item);
            }
            _ => items.push(Json::Object(item)),
        }
    }

    /// Removes the entries with this name or source; gives how many they were.
    pub fn remove(&mut self, list: &str, name: &str) -> usize {
        let gone: Vec<bool> = self
            .entries(list)
            .iter()
            .map(|e| e.name == name || e.source == name)
            .collect();
        if let Some(Json::Array(items)) = self.fields.get_mut(list) {
            let mut at = 0;
            items.retain(|_| {
                at += 1;
                !gone.get(at - 1).copied().unwrap_or(false)
            });
            if items.is_empty() {
                self.fields.shift_remove(list);
            }
        }
        gone.into_iter().filter(|gone| *gone).count()
    }

    pub fn text(&self) -> String {
        // A map of JSON values is always JSON.
        serde_json::to_string_pretty(&self.fields).unwrap_or_default() + "\n"
    }

    /// Writes the file: all of it or nothing.
    pub fn write(&self) -> Result<(), Failure> {
        replace(&self.dir.join(NAME), self.text().as_bytes())
    }
}

/// Writes a file beside `path` and renames it.
pub fn replace(path: &Path, contents: &[u8]) -> Result<(), Failure> {
    let failed =
        |e: std::io::Error| Failure::new(format!("cannot write `{}`: {e}", path.display()));
    let dir = path.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(dir).map_err(failed)?;
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o644);
    let mut file = tempfile::Builder::new()
        .permissions(mode)
        .tempfile_in(dir)
        .map_err(failed)?;
    std::io::Write::write_all(&mut file, contents).map_err(failed)?;
    file.persist(path).map_err(|e| failed(e.error))?;
    Ok(())
}

fn last_part(source: &str) -> &str {
    let source = source.split('@').next().unwrap_or(source);
    source
        .trim_end_matches('/')
        .rsplit('/')
        .next()
        .unwrap_or(source)
}

/// The git repository around a directory, or the directory itself.
pub fn context(dir: &Path) -> &Path {
    dir.ancestors()
        .find(|d| d.join(".git").exists())
        .unwrap_or(dir)
}

/// The way from one absolute directory to another.
pub fn relative(from: &Path, to: &Path) -> String {
    let (mut a, mut b) = (from.components().peekable(), to.components().peekable());
    while let (Some(x), Some(y)) = (a.peek(), b.peek())
        && x == y
    {
        a.next();
        b.next();
    }
    let up = a.map(|_| Component::ParentDir);
    let path: PathBuf = up.chain(b).collect();
    let text = path.to_string_lossy().into_owned();
    if text.is_empty() {
        ".".to_owned()
    } else {
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_understood_stays_as_it_is() {
        let text = r#"{"name":"a","zeta":{"y":1,"x":2},"dependencies":[{"name":"lab","source":"../lab","extra":true}],"alpha":1}"#;
        let mut manifest = Manifest::parse(Path::new("/m"), text).expect("parses");
        let entry = |name: &str, pin: Option<&str>| Entry {
            name: name.into(),
            source: format!("../{name}"),
            pin: pin.map(str::to_owned),
        };
        manifest.put("dependencies", &entry("lab", Some("abc")));
        manifest.put("dependencies", &entry("two", None));
        assert_eq!(
            manifest.text(),
            r#"{
  "name": "a",
  "zeta": {
    "y": 1,
    "x": 2
  },
  "dependencies": [
    {
      "name": "lab",
      "source": "../lab",
      "extra": true,
      "pin": "abc"
    },
    {
      "name": "two",
      "source": "../two"
    }
  ],
  "alpha": 1
}
"#
        );
        assert_eq!(manifest.remove("dependencies", "../lab"), 1);
        assert_eq!(manifest.remove("dependencies", "two"), 1);
        assert_eq!(manifest.remove("dependencies", "two"), 0);
        let keys: Vec<&String> = manifest.fields.keys().collect();
        assert_eq!(keys, ["name", "zeta", "alpha"]);
    }

    #[test]
    fn the_way_between_directories_is_relative() {
        let cases = [
            ("/a/b", "/a/b/c/d", "c/d"),
            ("/a/b", "/a/c", "../c"),
            ("/a", "/a", "."),
            ("/a/b/c", "/a", "../.."),
        ];
        for (from, to, want) in cases {
            assert_eq!(relative(Path::new(from), Path::new(to)), want);
        }
    }
}
