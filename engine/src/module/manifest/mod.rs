//! `dagger.json`, edited in place: what is not understood stays as it is.

use std::path::{Component, Path, PathBuf};

use eyre::{Result, WrapErr, bail, eyre};
use serde_json::{Map, Value as Json};

use super::config;
use super::git::Reference;
use crate::graph::engine::clean;
use crate::suggest;

mod nearby;
mod update;

pub use nearby::nearby;
pub use update::wanted;

pub use config::FILE as NAME;

/// The version of Dagger whose API this is.
pub const ENGINE_VERSION: &str = "v0.21.8";

/// A list of modules in `dagger.json`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum List {
    Dependencies,
    Toolchains,
}

impl List {
    /// Its key.
    pub fn key(self) -> &'static str {
        match self {
            Self::Dependencies => "dependencies",
            Self::Toolchains => "toolchains",
        }
    }

    /// What one of it is called.
    pub fn one(self) -> &'static str {
        match self {
            Self::Dependencies => "dependency",
            Self::Toolchains => "toolchain",
        }
    }
}

/// A `dagger.json` and where it is.
#[derive(Clone, Debug)]
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
    pub fn read_if_there(dir: &Path) -> Result<Option<Self>> {
        let path = dir.join(NAME);
        let failed = || format!("cannot read `{}`", path.display());
        match std::fs::read_to_string(&path) {
            Ok(text) => Self::parse(dir, &text).map(Some).wrap_err_with(failed),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error).wrap_err_with(failed),
        }
    }

    /// Reads the text of one.
    pub fn parse(dir: &Path, text: &str) -> Result<Self> {
        match serde_json::from_str(text)? {
            Json::Object(fields) => Ok(Self {
                dir: dir.to_owned(),
                fields,
            }),
            _ => bail!("expected a JSON object"),
        }
    }

    /// The nearest one, from `dir` upward.
    pub fn find(dir: &Path) -> Result<Self> {
        for dir in dir.ancestors() {
            if let Some(manifest) = Self::read_if_there(dir)? {
                return Ok(manifest);
            }
        }
        bail!(
            "there is no {NAME} in `{}` or above: make one with `poniard init`",
            dir.display()
        )
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

    /// The name, without which no other module can list this one.
    pub fn own_name(&self) -> Result<&str> {
        self.name().ok_or_else(|| eyre!("the module has no name"))
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
    pub fn put(&mut self, list: List, entry: &Entry) -> Result<Option<String>> {
        let module = identity(entry, &self.dir);
        let is_same = |item: &Json| {
            let known = Entry::read(item);
            known.is_some_and(|known| identity(&known, &self.dir) == module)
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
            bail!(
                "duplicate {one} name \"{name}\": `{source}` has it; remove that, or give another name"
            );
        }
        // Other keys of the entry stay.
        let mut item = match position {
            Some(at) => items.remove(at).as_object().cloned().unwrap_or_default(),
            None => Map::new(),
        };
        item.shift_remove("pin");
        item.extend(entry.item());
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
    pub fn remove(&mut self, list: List, name: &str) -> Result<Vec<Entry>> {
        let mut gone = Vec::new();
        for entry in self.entries(list) {
            let module = identity(&entry, &self.dir).unwrap_or_default();
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
                    bail!(
                        "{one} `{}` is not there with version `{version}`, but as `{source}`: name no version",
                        entry.name
                    );
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

impl Entry {
    /// As it is written.
    pub fn item(&self) -> Map<String, Json> {
        let mut item = Map::new();
        item.insert("name".into(), self.name.clone().into());
        item.insert("source".into(), self.source.clone().into());
        if let Some(pin) = &self.pin {
            item.insert("pin".into(), pin.clone().into());
        }
        item
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

/// The module that an entry names, whatever its version: a directory or a place
/// in a repository. None for what cannot be read.
pub fn identity(entry: &Entry, dir: &Path) -> Option<String> {
    let reference = match entry.pin {
        Some(_) => Some(Reference::parse(&entry.source).ok()?),
        None => Reference::read(&entry.source, dir).ok()?,
    };
    Some(match reference {
        Some(reference) => reference.module(),
        None => clean(&dir.join(&entry.source))
            .to_string_lossy()
            .into_owned(),
    })
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
        let error = put("new", "git.test/r.git").expect_err("taken").to_string();
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
    fn versions_of_one_module_are_the_same_module() {
        let dir = Path::new("/m/a");
        let identity = |source: &str, pin: Option<&str>| identity(&entry("x", source, pin), dir);
        let git = "https://git.test/r.git/m";
        assert_eq!(
            identity(&format!("{git}@v1"), Some("abc")),
            Some(git.into())
        );
        assert_eq!(identity(&format!("{git}@v2"), None), Some(git.into()));
        assert_eq!(identity("../b/", None), Some("/m/b".into()));
        assert_eq!(identity("https://git.test/no", Some("abc")), None);
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
