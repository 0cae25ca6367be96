//! `dagger.json`, edited in place: what is not understood stays as it is.

use std::path::{Component, Path, PathBuf};

use serde_json::{Map, Value as Json};

use crate::client::Failure;
use crate::suggest;

use super::change::Change;
use super::{List, entry};

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

    /// Where the module's code is.
    pub fn code(&self) -> PathBuf {
        match self.fields.get("source").and_then(Json::as_str) {
            None | Some("" | ".") => self.dir.clone(),
            Some(source) => self.dir.join(source),
        }
    }

    pub fn name(&self) -> Option<&str> {
        self.fields.get("name")?.as_str()
    }

    /// The entries of a list.
    pub fn entries(&self, list: List) -> Vec<Entry> {
        let items = self.fields.get(list.key()).and_then(Json::as_array);
        items
            .into_iter()
            .flatten()
            .filter_map(Entry::read)
            .collect()
    }

    /// Adds an entry, or takes the place of another version of its module, whose
    /// name it gives. Entries are sorted by name.
    ///
    /// # Errors
    /// When another module has the name.
    pub fn put(&mut self, list: List, entry: &Entry) -> Result<Option<String>, Failure> {
        let module = entry::identity(entry, &self.dir);
        let is_same = |item: &Json| {
            let known = Entry::read(item);
            known.is_some_and(|known| entry::identity(&known, &self.dir) == module)
        };
        let items = self.fields.get(list.key()).and_then(Json::as_array);
        let mut items = items.cloned().unwrap_or_default();
        let position = items.iter().position(is_same);
        let before = position.and_then(|at| Some(Entry::read(&items[at])?.name));
        let mut others = items
            .iter()
            .enumerate()
            .filter(|(at, _)| Some(*at) != position);
        let taken = others.find_map(|(_, item)| Entry::read(item).filter(|e| e.name == entry.name));
        if let Some(taken) = taken {
            let (one, name, source) = (list.one(), &entry.name, &taken.source);
            return Err(Failure::new(format!(
                "duplicate {one} name \"{name}\": `{source}` has it; uninstall that, or choose another with `--name`"
            )));
        }
        // Other keys of the entry stay.
        let mut item = match position {
            Some(at) => items.remove(at).as_object().cloned().unwrap_or_default(),
            None => Map::new(),
        };
        item.shift_remove("pin");
        item.insert("name".into(), entry.name.clone().into());
        item.insert("source".into(), entry.source.clone().into());
        if let Some(pin) = &entry.pin {
            item.insert("pin".into(), pin.clone().into());
        }
        items.push(Json::Object(item));
        items.sort_by_key(|item| Entry::read(item).map(|entry| entry.name));
        self.fields
            .insert(list.key().to_owned(), Json::Array(items));
        Ok(before)
    }

    /// The end of an error about an entry that is none of these.
    pub fn hint(&self, list: List, name: &str) -> String {
        let entries = self.entries(list);
        suggest::hint(name, entries.iter().map(|entry| entry.name.as_str()))
    }

    /// Removes the entries with this name or source; gives what they were. A
    /// version in `name` must be the one that is there.
    pub fn remove(&mut self, list: List, name: &str) -> Result<Vec<Entry>, Failure> {
        let mut gone = Vec::new();
        for entry in self.entries(list) {
            let module = entry::identity(&entry, &self.dir).unwrap_or_default();
            let after = [&entry.name, &module, &entry.source]
                .into_iter()
                .find_map(|known| name.strip_prefix(known.as_str()))
                .and_then(|rest| rest.strip_prefix('@').or(rest.is_empty().then_some("")));
            match after {
                None => continue,
                Some("") => {}
                Some(version) if entry.source.ends_with(&format!("@{version}")) => {}
                Some(version) if entry.source.ends_with(&format!("/{version}")) => {}
                Some(version) => {
                    let (one, source) = (list.one(), &entry.source);
                    return Err(Failure::new(format!(
                        "{one} `{}` is not there with version `{version}`, but as `{source}`: name no version",
                        entry.name
                    )));
                }
            }
            gone.push(entry);
        }
        if let Some(Json::Array(items)) = self.fields.get_mut(list.key()) {
            items.retain(|item| !Entry::read(item).is_some_and(|entry| gone.contains(&entry)));
            if items.is_empty() {
                self.fields.shift_remove(list.key());
            }
        }
        Ok(gone)
    }

    pub fn text(&self) -> String {
        // A map of JSON values is always JSON.
        serde_json::to_string_pretty(&self.fields).unwrap_or_default() + "\n"
    }

    /// The file as it shall be.
    pub fn change(&self) -> Change {
        Change::write(self.dir.join(NAME), self.text().into_bytes())
    }
}

/// Whatever the text is: what `install` and `uninstall` do to it keeps the rest.
#[cfg(any(test, feature = "fuzz"))]
pub(crate) fn read_and_change(dir: &Path, text: &str) {
    let Ok(mut manifest) = Manifest::parse(dir, text) else {
        return;
    };
    let fields = manifest.fields.clone();
    let entry = Entry {
        name: "of-nobody".to_owned(),
        source: "example.com/of/nobody".to_owned(),
        pin: None,
    };
    for list in [List::Dependencies, List::Toolchains] {
        if manifest.put(list, &entry).is_err() {
            continue;
        }
        let written = Manifest::parse(dir, &manifest.text());
        assert!(written.is_ok_and(|written| written.fields == manifest.fields));
        assert!(manifest.remove(list, &entry.name).is_ok());
        for (key, value) in fields.iter().filter(|(key, _)| *key != list.key()) {
            assert_eq!(manifest.fields.get(key), Some(value), "`{key}`");
        }
        manifest.fields = fields.clone();
    }
}

impl Entry {
    fn read(item: &Json) -> Option<Self> {
        let text = |key: &str| item.get(key).and_then(Json::as_str).map(str::to_owned);
        let source = text("source")?;
        Some(Self {
            name: text("name").unwrap_or_else(|| last_part(&source).to_owned()),
            source,
            pin: text("pin").filter(|pin| !pin.is_empty()),
        })
    }
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

    fn entry(name: &str, source: &str, pin: Option<&str>) -> Entry {
        Entry {
            name: name.into(),
            source: source.into(),
            pin: pin.map(str::to_owned),
        }
    }

    const LIST: List = List::Dependencies;

    #[test]
    fn what_is_not_understood_stays_as_it_is() {
        let text = r#"{"name":"a","zeta":{"y":1,"x":2},"dependencies":[{"name":"lab","source":"git.test/r.git/lab@v1","extra":true}],"alpha":1}"#;
        let mut manifest = Manifest::parse(Path::new("/m"), text).expect("parses");
        let lab = entry("lab", "git.test/r.git/lab@v2", Some("abc"));
        assert_eq!(manifest.put(LIST, &lab).expect("put"), Some("lab".into()));
        let near = entry("a-near", "../near", None);
        assert_eq!(manifest.put(LIST, &near).expect("put"), None);
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
      "name": "a-near",
      "source": "../near"
    },
    {
      "name": "lab",
      "source": "git.test/r.git/lab@v2",
      "extra": true,
      "pin": "abc"
    }
  ],
  "alpha": 1
}
"#
        );
    }

    #[test]
    fn a_name_is_for_one_module() {
        let mut manifest = Manifest::parse(Path::new("/m"), r#"{"name":"a"}"#).expect("parses");
        let mut put = |name: &str, source: &str| manifest.put(LIST, &entry(name, source, None));
        assert_eq!(put("lab", "../lab").expect("put"), None);
        assert_eq!(put("new", "../x/../lab").expect("put"), Some("lab".into()));
        assert_eq!(put("lab", "../other").expect("put"), None);
        let error = put("new", "git.test/r.git").expect_err("taken").message;
        assert!(
            error.contains("duplicate dependency name \"new\""),
            "{error}"
        );
    }

    #[test]
    fn an_entry_is_removed_by_its_name_or_source_with_its_version_or_none() {
        for name in [
            "lab",
            "lab@v1",
            "lab@lab/v1",
            "git.test/r.git/lab",
            "git.test/r.git/lab@v1",
        ] {
            let mut manifest = Manifest::parse(Path::new("/m"), r#"{"name":"a"}"#).expect("parses");
            let lab = entry("lab", "git.test/r.git/lab@lab/v1", Some("abc"));
            manifest.put(LIST, &lab).expect("put");
            assert_eq!(manifest.remove(LIST, "other").expect("removes"), []);
            assert!(manifest.remove(LIST, "lab@v2").is_err());
            assert_eq!(manifest.remove(LIST, name).expect(name), [lab]);
            assert!(!manifest.fields.contains_key("dependencies"));
        }
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
