//! The cases that are known not to pass yet, each with its reason.

use std::collections::BTreeMap;
use std::path::Path;
use std::{fs, io};

/// `pending.txt`: `name: reason`, one a line; `#` begins a comment.
#[derive(Debug, Default)]
pub struct Pending(BTreeMap<String, String>);

impl Pending {
    pub fn read(path: &Path) -> io::Result<Self> {
        Self::parse(&fs::read_to_string(path)?)
            .map_err(|e| io::Error::other(format!("`{}`: {e}", path.display())))
    }

    fn parse(text: &str) -> Result<Self, String> {
        let mut pending = BTreeMap::new();
        for (number, line) in text.lines().enumerate() {
            if line.trim().is_empty() || line.starts_with('#') {
                continue;
            }
            let number = number + 1;
            let (name, reason) = line.split_once(": ").unwrap_or((line, ""));
            if reason.trim().is_empty() {
                return Err(format!(
                    "line {number}: expected `name: reason`, found `{line}`"
                ));
            }
            if pending
                .insert(name.to_owned(), reason.trim().to_owned())
                .is_some()
            {
                return Err(format!("line {number}: `{name}` is there twice"));
            }
        }
        Ok(Self(pending))
    }

    /// Why the case is not expected to pass.
    pub fn reason(&self, case: &str) -> Option<&str> {
        self.0.get(case).map(String::as_str)
    }

    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_case_has_a_reason() {
        let pending = Pending::parse("# why\n\n007-x: no such builtin: yet\n").expect("a list");
        assert_eq!(pending.reason("007-x"), Some("no such builtin: yet"));
        assert_eq!(pending.names().count(), 1);
    }

    #[test]
    fn a_case_without_a_reason_is_refused() {
        assert!(Pending::parse("007-x\n").is_err());
        assert!(Pending::parse("007-x: \n").is_err());
    }
}
