//! What is in a dump, as the manifest of a backup keeps it.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

/// What was counted while the dump went by.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    /// By name, PostgreSQL's with the schema.
    pub tables: BTreeMap<String, Rows>,
    /// How many there are of each other kind: views, functions, …
    pub objects: BTreeMap<String, u64>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rows {
    pub rows: u64,
    /// Sum of the hashes of all rows, whatever their order, in hexadecimal.
    pub checksum: String,
}

impl Tally {
    pub fn rows(&self) -> u64 {
        self.tables.values().map(|table| table.rows).sum()
    }

    /// Every difference to what was restored from it, in words.
    pub fn differences(&self, restored: &Self) -> Vec<String> {
        let mut found = Vec::new();
        for (name, wanted) in &self.tables {
            match restored.tables.get(name) {
                None => found.push(format!("table `{name}` is missing")),
                Some(got) if got.rows != wanted.rows => found.push(format!(
                    "table `{name}` has {} rows instead of {}",
                    got.rows, wanted.rows
                )),
                Some(got) if got.checksum != wanted.checksum => {
                    found.push(format!("table `{name}` has other rows"));
                }
                Some(_) => {}
            }
        }
        for name in restored.tables.keys() {
            if !self.tables.contains_key(name) {
                found.push(format!("table `{name}` is too many"));
            }
        }
        let kinds = self.objects.keys().chain(restored.objects.keys());
        let kinds: BTreeSet<_> = kinds.collect();
        for kind in kinds {
            let of = |tally: &Self| tally.objects.get(kind).copied().unwrap_or_default();
            if of(self) != of(restored) {
                found.push(format!(
                    "{} of {kind} instead of {}",
                    of(restored),
                    of(self)
                ));
            }
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tally(tables: &[(&str, u64, &str)], views: u64) -> Tally {
        let row = |&(name, rows, checksum): &(&str, u64, &str)| {
            let checksum = checksum.to_owned();
            (name.to_owned(), Rows { rows, checksum })
        };
        Tally {
            tables: tables.iter().map(row).collect(),
            objects: [("VIEW".to_owned(), views)].into(),
        }
    }

    #[test]
    fn every_difference_is_named() {
        let made = tally(&[("a", 2, "1"), ("b", 2, "1"), ("c", 2, "1")], 1);
        let restored = tally(&[("a", 1, "1"), ("b", 2, "2"), ("d", 0, "")], 0);
        assert_eq!(
            made.differences(&restored),
            [
                "table `a` has 1 rows instead of 2",
                "table `b` has other rows",
                "table `c` is missing",
                "table `d` is too many",
                "0 of VIEW instead of 1",
            ]
        );
        assert!(made.differences(&made).is_empty());
    }
}
