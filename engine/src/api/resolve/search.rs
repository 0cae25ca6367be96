//! Searching files for lines.

use std::sync::Arc;

use eyre::{Result, WrapErr};
use globset::{GlobBuilder, GlobSet, GlobSetBuilder};
use regex::bytes::{Regex, RegexBuilder};
use serde_json::{Map, Value as Json, json};

use crate::graph::directory::join;
use crate::graph::node::Answer;
use crate::graph::{Args, Directory, Engine, File, Fs, Object};
use crate::store::walk::walk;
use crate::store::{Filter, Tree};

/// What is searched for, and where.
struct Search {
    pattern: Regex,
    multiline: bool,
    globs: Option<GlobSet>,
    paths: Vec<String>,
    skip_hidden: bool,
    skip_ignored: bool,
    files_only: bool,
    limit: usize,
}

impl Search {
    fn of(args: &Args) -> Result<Self> {
        let text = args.str("pattern")?;
        let text = if args.flag("literal")? {
            regex::escape(&text)
        } else {
            text
        };
        let multiline = args.flag("multiline")? || args.flag("dotall")?;
        let pattern = RegexBuilder::new(&text)
            .case_insensitive(args.flag("insensitive")?)
            .multi_line(true)
            .dot_matches_new_line(args.flag("dotall")?)
            .build()
            .wrap_err("argument `pattern`")?;
        let globs = args.list("globs")?;
        let mut set = GlobSetBuilder::new();
        for glob in &globs {
            // As ripgrep's `-g`: without a slash, the name alone is matched.
            let glob = if glob.contains('/') {
                glob.clone()
            } else {
                format!("**/{glob}")
            };
            set.add(GlobBuilder::new(&glob).literal_separator(true).build()?);
        }
        Ok(Self {
            pattern,
            multiline,
            globs: if globs.is_empty() {
                None
            } else {
                Some(set.build()?)
            },
            paths: args.list("paths")?,
            skip_hidden: args.flag("skipHidden")?,
            skip_ignored: args.flag("skipIgnored")?,
            files_only: args.flag("filesOnly")?,
            limit: args
                .opt::<i64>("limit")?
                .and_then(|n| usize::try_from(n).ok())
                .unwrap_or(usize::MAX),
        })
    }

    fn wants(&self, path: &str) -> bool {
        let below = |dir: &String| {
            let dir = join("", dir);
            dir.is_empty()
                || path == dir
                || path
                    .strip_prefix(&dir)
                    .is_some_and(|rest| rest.starts_with('/'))
        };
        (self.paths.is_empty() || self.paths.iter().any(below))
            && self.globs.as_ref().is_none_or(|globs| globs.is_match(path))
            && !(self.skip_hidden && path.split('/').any(|part| part.starts_with('.')))
    }

    fn run(&self, tree: &Tree, base: &str, files: Vec<String>) -> Result<Vec<Object>> {
        let mut found = Vec::new();
        for path in files {
            let bytes = tree.read(&join(base, &path))?;
            // As ripgrep: what holds a NUL is no text.
            if !bytes.contains(&0) {
                self.matches(&path, &bytes, &mut found);
            }
            if found.len() >= self.limit {
                break;
            }
        }
        found.truncate(self.limit);
        Ok(found)
    }

    fn matches(&self, path: &str, bytes: &[u8], found: &mut Vec<Object>) {
        if self.files_only {
            if self.pattern.is_match(bytes) {
                found.push(result(path, 1, 0, "", Vec::new()));
            }
            return;
        }
        if self.multiline {
            for hit in self.pattern.find_iter(bytes) {
                let start = bytes[..hit.start()]
                    .iter()
                    .rposition(|b| *b == b'\n')
                    .map_or(0, |at| at + 1);
                let end = bytes[hit.end()..]
                    .iter()
                    .position(|b| *b == b'\n')
                    .map_or(bytes.len(), |at| hit.end() + at + 1);
                let line = bytes[..start].iter().filter(|b| **b == b'\n').count() + 1;
                let part = submatch(hit.as_bytes(), hit.start() - start, hit.end() - start);
                found.push(result(
                    path,
                    line,
                    start,
                    &String::from_utf8_lossy(&bytes[start..end]),
                    vec![part],
                ));
            }
            return;
        }
        let mut offset = 0;
        for (n, line) in bytes.split_inclusive(|b| *b == b'\n').enumerate() {
            let text = line.strip_suffix(b"\n").unwrap_or(line);
            let parts: Vec<_> = self
                .pattern
                .find_iter(text)
                .map(|hit| submatch(hit.as_bytes(), hit.start(), hit.end()))
                .collect();
            if !parts.is_empty() {
                found.push(result(
                    path,
                    n + 1,
                    offset,
                    &String::from_utf8_lossy(line),
                    parts,
                ));
            }
            offset += line.len();
        }
    }
}

fn submatch(text: &[u8], start: usize, end: usize) -> Map<String, Json> {
    let fields = json!({"text": String::from_utf8_lossy(text), "start": start, "end": end});
    fields.as_object().cloned().unwrap_or_default()
}

fn result(
    path: &str,
    line: usize,
    offset: usize,
    lines: &str,
    parts: Vec<Map<String, Json>>,
) -> Object {
    let fields = json!({"filePath": path, "lineNumber": line, "absoluteOffset": offset, "matchedLines": lines});
    let lists = vec![("submatches".to_owned(), "SearchSubmatch".to_owned(), parts)];
    Object::RecordWithLists(
        Arc::new(fields.as_object().cloned().unwrap_or_default()),
        Arc::new(lists),
    )
}

pub async fn directory(engine: &Arc<Engine>, this: &Directory, args: &Args) -> Result<Answer> {
    let search = Search::of(args)?;
    let base = this.path.clone();
    let fs: &Fs = &this.fs;
    let found = fs
        .read(engine, move |tree| {
            let filter = Filter {
                gitignore: search.skip_ignored,
                ..Filter::default()
            };
            let mut files = Vec::new();
            walk(&tree.host_path(&base)?, &filter, |path, meta| {
                let path = path.to_string_lossy();
                if meta.is_file() && search.wants(&path) {
                    files.push(path.into_owned());
                }
                Ok(())
            })?;
            search.run(tree, &base, files)
        })
        .await?;
    Ok(Answer::Objects("SearchResult", found))
}

pub async fn file(engine: &Arc<Engine>, this: &File, args: &Args) -> Result<Answer> {
    let search = Search::of(args)?;
    let path = this.path.clone();
    let found = this
        .fs
        .read(engine, move |tree| search.run(tree, "", vec![path]))
        .await?;
    Ok(Answer::Objects("SearchResult", found))
}
