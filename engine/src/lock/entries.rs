//! The file: a line with the version, and a line of JSON for each entry:
//! `[namespace, operation, [inputs…], value, policy]`, in order.

use std::collections::BTreeMap;
use std::fmt;

use eyre::{Result, WrapErr, bail, eyre};
use serde_json::Value as Json;

/// The version that Dagger's engines of v0.21 write.
const VERSION: &str = "1";

/// Whether an entry stays, where there is a choice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Policy {
    Pin,
    Float,
}

impl Policy {
    fn name(self) -> &'static str {
        match self {
            Self::Pin => "pin",
            Self::Float => "float",
        }
    }
}

/// What was asked. Entries are in the order of these.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key {
    namespace: String,
    operation: String,
    /// As JSON.
    inputs: String,
}

impl Key {
    pub fn new(namespace: &str, operation: &str, inputs: &[Json]) -> Self {
        Self {
            namespace: namespace.to_owned(),
            operation: operation.to_owned(),
            inputs: json(&Json::from(inputs)),
        }
    }

    pub fn namespace(&self) -> &str {
        &self.namespace
    }

    pub fn operation(&self) -> &str {
        &self.operation
    }

    pub fn inputs(&self) -> Vec<Json> {
        serde_json::from_str(&self.inputs).unwrap_or_default()
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.namespace.is_empty() {
            write!(f, "{} ", self.namespace)?;
        }
        f.write_str(&self.operation)?;
        for input in self.inputs() {
            match input {
                Json::String(text) => write!(f, " {text}")?,
                other => write!(f, " {other}")?,
            }
        }
        Ok(())
    }
}

/// What it stood for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    pub value: String,
    pub policy: Policy,
}

/// All of a lock.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Entries(BTreeMap<Key, Entry>);

impl Entries {
    /// Reads a file; an empty one has no entries.
    ///
    /// # Errors
    /// With the number of the line that is not as expected.
    pub fn parse(text: &str) -> Result<Self> {
        let lines = text.lines().map(str::trim).enumerate();
        let mut lines = lines.filter(|(_, line)| !line.is_empty());
        let mut entries = BTreeMap::new();
        if let Some((at, line)) = lines.next() {
            check_version(line).wrap_err_with(|| format!("line {}", at + 1))?;
        }
        for (at, line) in lines {
            let (key, entry) = entry(line).wrap_err_with(|| format!("line {}", at + 1))?;
            entries.insert(key, entry);
        }
        Ok(Self(entries))
    }

    pub fn get(&self, key: &Key) -> Option<&Entry> {
        self.0.get(key)
    }

    pub fn set(&mut self, key: Key, entry: Entry) {
        self.0.insert(key, entry);
    }

    pub fn keys(&self) -> impl Iterator<Item = &Key> {
        self.0.keys()
    }

    /// Puts other entries over these.
    pub fn extend(&mut self, other: Self) {
        self.0.extend(other.0);
    }

    /// What is written: nothing without entries.
    pub fn to_text(&self) -> String {
        if self.0.is_empty() {
            return String::new();
        }
        let header = format!(r#"[["version","{VERSION}"]]"#);
        let lines = self.0.iter().map(|(key, entry)| {
            let [namespace, operation, value] = [&key.namespace, &key.operation, &entry.value]
                .map(|text| json(&Json::from(text.as_str())));
            let policy = entry.policy.name();
            format!(
                r#"[{namespace},{operation},{},{value},"{policy}"]"#,
                key.inputs
            )
        });
        std::iter::once(header)
            .chain(lines)
            .collect::<Vec<_>>()
            .join("\n")
    }
}

fn check_version(line: &str) -> Result<()> {
    let header: Vec<(String, String)> = serde_json::from_str(line)
        .ok()
        .filter(|header: &Vec<(String, String)>| header.len() == 1 && header[0].0 == "version")
        .ok_or_else(|| eyre!("expected `[[\"version\",\"{VERSION}\"]]`"))?;
    let version = &header[0].1;
    if version != VERSION {
        bail!("it is of version `{version}`, and version `{VERSION}` is what poniard reads");
    }
    Ok(())
}

fn entry(line: &str) -> Result<(Key, Entry)> {
    let (namespace, operation, inputs, value, policy): (String, String, Vec<Json>, String, String) =
        serde_json::from_str(line).map_err(|error| {
            eyre!("expected `[namespace, operation, [inputs…], value, policy]`: {error}")
        })?;
    if inputs.iter().any(has_object) {
        bail!("an object is among the inputs, which have an order");
    }
    if value.is_empty() {
        bail!("the value is empty");
    }
    let policy = match policy.as_str() {
        "pin" => Policy::Pin,
        "float" => Policy::Float,
        other => bail!("policy `{other}`: expected `pin` or `float`"),
    };
    let key = Key::new(&namespace, &operation, &inputs);
    Ok((key, Entry { value, policy }))
}

fn has_object(value: &Json) -> bool {
    match value {
        Json::Object(_) => true,
        Json::Array(values) => values.iter().any(has_object),
        _ => false,
    }
}

/// JSON as Go's library writes it, so that a Dagger Engine leaves the lines as
/// they are: some characters of strings are escaped that need not be.
fn json(value: &Json) -> String {
    let mut text = String::new();
    for c in value.to_string().chars() {
        match c {
            '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => {
                text.push_str(&format!("\\u{:04x}", u32::from(c)));
            }
            _ => text.push(c),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const TEXT: &str = r#"[["version","1"]]
["","container.from",["docker.io/library/alpine:latest","linux/amd64"],"sha256:ab","pin"]
["","git.branch",["https://h/r.git","main"],"c0ffee","float"]
["acme","x",["a\u0026b\u003c",[1,null]],"v","pin"]"#;

    #[test]
    fn what_dagger_writes_is_read_and_written_alike() {
        let entries = Entries::parse(TEXT).unwrap();
        assert_eq!(entries.to_text(), TEXT);
        let key = Key::new("", "git.branch", &[json!("https://h/r.git"), json!("main")]);
        let entry = entries.get(&key).unwrap();
        assert_eq!(
            (entry.value.as_str(), entry.policy),
            ("c0ffee", Policy::Float)
        );
        assert_eq!(Entries::parse(&format!("\n{TEXT}\n\n")).unwrap(), entries);
        assert_eq!(Entries::parse("").unwrap().to_text(), "");
        assert_eq!(
            Entries::parse(r#"[["version","1"]]"#).unwrap().to_text(),
            ""
        );
    }

    #[test]
    fn entries_are_in_order_and_the_later_of_two_counts() {
        let mut lines: Vec<_> = TEXT.lines().collect();
        let other = lines[2].replace("c0ffee", "0ld");
        lines[1..].reverse();
        lines.insert(1, &other);
        assert_eq!(Entries::parse(&lines.join("\n")).unwrap().to_text(), TEXT);
    }

    #[test]
    fn a_damaged_line_is_told_by_its_number() {
        let with = |line: &str| format!("[[\"version\",\"1\"]]\n\n{line}");
        for (text, words) in [
            ("[]".to_owned(), "line 1: expected `[[\"version\",\"1\"]]`"),
            (r#"["","a",[],"v","pin"]"#.to_owned(), "line 1: expected"),
            (
                r#"[["version","2"]]"#.to_owned(),
                "line 1: it is of version `2`",
            ),
            (with(r#"["","a",[],"v"]"#), "line 3: expected `[namespace"),
            (
                with(r#"["","a",[],"v","pin","more"]"#),
                "line 3: expected `[namespace",
            ),
            (
                with(r#"["","a",[],"","pin"]"#),
                "line 3: the value is empty",
            ),
            (with(r#"["","a",[],"v","hold"]"#), "line 3: policy `hold`"),
            (with(r#"["","a",[[{}]],"v","pin"]"#), "line 3: an object"),
            (with("{"), "line 3: expected"),
        ] {
            let error = format!("{:#}", Entries::parse(&text).unwrap_err());
            assert!(error.starts_with(words), "{text}: {error}");
        }
    }
}
