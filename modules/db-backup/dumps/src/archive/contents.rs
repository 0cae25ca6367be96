//! The table of contents of an archive.

use std::collections::BTreeMap;
use std::ops::Range;

use eyre::Result;

use super::{Ints, Pass};

const POST_DATA: i64 = 4;

/// Where things are is told in bytes from the beginning of the archive.
pub struct Contents {
    pub entries: Vec<Entry>,
    /// How many objects there are of each kind, but for those with rows.
    pub objects: BTreeMap<String, u64>,
    pub owners: Vec<String>,
    pub encoding: Option<String>,
    pub(super) count: Range<usize>,
    pub(super) ints: Ints,
}

pub struct Entry {
    /// By which others refer to it.
    pub number: i64,
    pub kind: String,
    pub schema: String,
    pub name: String,
    pub(super) after_data: bool,
    pub(super) place: Range<usize>,
    pub(super) dependencies: Range<usize>,
}

impl Entry {
    /// A table, and the rows of it, have the same.
    pub fn table(&self) -> (&str, &str) {
        (&self.schema, &self.name)
    }
}

impl Contents {
    pub fn of(&self, kind: &str) -> impl Iterator<Item = &Entry> {
        self.entries.iter().filter(move |entry| entry.kind == kind)
    }
}

impl Pass<'_> {
    /// The beginning of the archive.
    pub(super) fn contents(&mut self) -> Result<Contents> {
        self.header()?;
        let begin = self.form.at;
        let count = self.int()?;
        let mut contents = Contents {
            entries: Vec::new(),
            objects: BTreeMap::new(),
            owners: Vec::new(),
            encoding: None,
            count: begin..self.form.at,
            ints: self.form.ints,
        };
        for _ in 0..count {
            self.entry(&mut contents)?;
        }
        Ok(contents)
    }

    fn entry(&mut self, contents: &mut Contents) -> Result<()> {
        let begin = self.form.at;
        let number = self.int()?;
        let _has_data = self.int()?;
        let _oids = (self.text()?, self.text()?);
        let name = self.text()?.unwrap_or_default();
        let kind = self.text()?.unwrap_or_default();
        let section = self.int()?;
        let definition = self.text()?.unwrap_or_default();
        let _drop_and_copy = (self.text()?, self.text()?);
        let schema = self.text()?.unwrap_or_default();
        let _tablespace = self.text()?;
        if self.form.minor >= 14 {
            let _access_method = self.text()?;
        }
        if self.form.minor >= 16 {
            let _kind_of_relation = self.int()?;
        }
        let owner = self.text()?.unwrap_or_default();
        let _with_oids = self.text()?;
        let dependencies = self.form.at;
        while self.text()?.is_some() {}
        let dependencies = dependencies..self.form.at;
        let _has_offset = self.byte()?;
        let mut offset = [0; 8];
        let offset_size = self.form.offset_size;
        self.fill(&mut offset[..offset_size])?;
        match kind.as_str() {
            "ENCODING" => contents.encoding = definition.split('\'').nth(1).map(str::to_owned),
            // Counted by their rows.
            "TABLE DATA" | "BLOBS" | "BLOB" | "BLOB METADATA" => {}
            // Of the database's place.
            "STDSTRINGS" | "SEARCHPATH" => {}
            // Who may do what is for the target to say.
            "ACL" | "DEFAULT ACL" | "SCHEMA" | "COMMENT" => {}
            kind => *contents.objects.entry(kind.into()).or_default() += 1,
        }
        if !owner.is_empty() {
            contents.owners.push(owner);
        }
        contents.entries.push(Entry {
            number,
            kind,
            schema,
            name,
            after_data: section == POST_DATA,
            place: begin..self.form.at,
            dependencies,
        });
        Ok(())
    }
}
