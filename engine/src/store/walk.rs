//! Goes through the files of a directory that a filter keeps: parents first,
//! names in order, links not followed.

use std::fs::Metadata;
use std::path::{Path, PathBuf};

use eyre::Result;

use super::error::{PathContext, PathError};
use super::filter::{Filter, GitIgnores, Matcher, State, Verdict};

/// Calls `visit` with the path (relative to `root`) and what is known of each
/// file. A directory that the filter drops is visited all the same when
/// something below it is kept. Not for `root` itself.
pub(crate) fn walk(
    root: &Path,
    filter: &Filter,
    mut visit: impl FnMut(&Path, &Metadata) -> Result<()>,
) -> Result<()> {
    let matcher = filter.matcher()?;
    Walk {
        root,
        matcher: &matcher,
        visit: &mut visit,
        pending: Vec::new(),
    }
    .dir(Path::new(""), &State::default(), &GitIgnores::default())
}

struct Walk<'a> {
    root: &'a Path,
    matcher: &'a Matcher,
    visit: &'a mut dyn FnMut(&Path, &Metadata) -> Result<()>,
    /// Directories on the way that are visited once something below is kept.
    pending: Vec<(PathBuf, Metadata)>,
}

impl Walk<'_> {
    fn dir(&mut self, dir: &Path, state: &State, ignores: &GitIgnores) -> Result<()> {
        let host = self.root.join(dir);
        let ignores = &gitignore(self.matcher, &host, dir, ignores)?;
        let mut entries = std::fs::read_dir(&host)
            .and_then(Iterator::collect::<Result<Vec<_>, _>>)
            .at("list", &host)?;
        entries.sort_by_cached_key(std::fs::DirEntry::file_name);
        for entry in entries {
            let path = dir.join(entry.file_name());
            let meta = match entry.metadata() {
                // It went away since the directory was read.
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
                meta => meta.at("read", entry.path())?,
            };
            let text = path.to_string_lossy();
            let (verdict, below) = self.matcher.judge(state, ignores, &text, meta.is_dir());
            match verdict {
                Verdict::Drop => {}
                Verdict::Keep => {
                    for (path, meta) in std::mem::take(&mut self.pending) {
                        (self.visit)(&path, &meta)?;
                    }
                    (self.visit)(&path, &meta)?;
                    if meta.is_dir() {
                        self.dir(&path, &below, ignores)?;
                    }
                }
                Verdict::Descend => {
                    self.pending.push((path.clone(), meta));
                    self.dir(&path, &below, ignores)?;
                    if self
                        .pending
                        .last()
                        .is_some_and(|(pending, _)| *pending == path)
                    {
                        self.pending.pop();
                    }
                }
            }
        }
        Ok(())
    }
}

/// The ignores that count in `dir`, which is `host`, below those of its parent.
pub(super) fn gitignore(
    matcher: &Matcher,
    host: &Path,
    dir: &Path,
    ignores: &GitIgnores,
) -> Result<GitIgnores> {
    if !matcher.gitignore {
        return Ok(ignores.clone());
    }
    let file = host.join(".gitignore");
    // A link could lead anywhere; git does not follow it either.
    if !file.symlink_metadata().is_ok_and(|meta| meta.is_file()) {
        return Ok(ignores.clone());
    }
    let text = std::fs::read(&file).map_err(|error| PathError::new("read", &file, error))?;
    ignores.with(&dir.to_string_lossy(), &String::from_utf8_lossy(&text))
}
