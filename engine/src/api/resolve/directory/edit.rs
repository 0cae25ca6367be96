//! Changes of directories that containers make too.

use std::sync::Arc;

use eyre::Result;

use crate::graph::directory::{base_name, join};
use crate::graph::{Directory, Engine, File};
use crate::store::Hasher;
use crate::store::tree::{Kind, Owner, Tree};

fn owned(hasher: Hasher, owner: Option<Owner>, mode: Option<u32>) -> Hasher {
    hasher.with(format!("{owner:?} {mode:?}"))
}

pub fn with_directory(
    engine: &Arc<Engine>,
    base: &Directory,
    path: &str,
    source: &Directory,
    owner: Option<Owner>,
    mode: Option<u32>,
) -> Directory {
    let (to, from) = (base.at(path), source.path.clone());
    let describe = owned(Hasher::new("copy-dir-1").with(&to).with(&from), owner, mode);
    base.edit(
        engine,
        describe,
        vec![source.fs.clone()],
        move |tree, sources| {
            tree.copy_dir(&sources[0], &from, &to, &Default::default(), owner, mode)
        },
    )
}

/// A path that ends in `/`, or is a directory, takes the file inside.
pub fn with_file(
    engine: &Arc<Engine>,
    base: &Directory,
    path: &str,
    source: &File,
    owner: Option<Owner>,
    mode: Option<u32>,
) -> Directory {
    let (to, from) = (base.at(path), source.path.clone());
    let into = path.ends_with('/') || path.ends_with("/.");
    let describe = owned(
        Hasher::new("copy-file-1")
            .with(&to)
            .with(&from)
            .with([u8::from(into)]),
        owner,
        mode,
    );
    base.edit(
        engine,
        describe,
        vec![source.fs.clone()],
        move |tree, sources| copy_into(tree, &sources[0], &from, &to, into, owner, mode),
    )
}

pub fn with_files(
    engine: &Arc<Engine>,
    base: &Directory,
    path: &str,
    sources: &[File],
    owner: Option<Owner>,
    mode: Option<u32>,
) -> Directory {
    let to = base.at(path);
    let from: Vec<String> = sources.iter().map(|file| file.path.clone()).collect();
    let describe = owned(
        Hasher::new("copy-files-1").with(&to).with_all(from.iter()),
        owner,
        mode,
    );
    let fs = sources.iter().map(|file| file.fs.clone()).collect();
    base.edit(engine, describe, fs, move |tree, sources| {
        for (source, from) in sources.iter().zip(&from) {
            copy_into(tree, source, from, &to, true, owner, mode)?;
        }
        Ok(())
    })
}

fn copy_into(
    tree: &Tree,
    source: &Tree,
    from: &str,
    to: &str,
    into: bool,
    owner: Option<Owner>,
    mode: Option<u32>,
) -> Result<()> {
    let is_dir = tree
        .stat(to, true)?
        .is_some_and(|stat| stat.kind == Kind::Directory);
    if is_dir || into || to.is_empty() {
        return tree.copy_file(source, from, &join(to, base_name(from)), owner, mode);
    }
    tree.copy_file(source, from, to, owner, mode)
}

pub fn with_new_file(
    engine: &Arc<Engine>,
    base: &Directory,
    path: &str,
    contents: Vec<u8>,
    mode: u32,
    owner: Option<Owner>,
) -> Directory {
    let at = base.at(path);
    let describe = owned(
        Hasher::new("write-1").with(&at).with(&contents),
        owner,
        Some(mode),
    );
    base.edit(engine, describe, Vec::new(), move |tree, _| {
        tree.write(&at, &contents, mode, owner)
    })
}

pub fn with_symlink(
    engine: &Arc<Engine>,
    base: &Directory,
    link: &str,
    target: String,
) -> Directory {
    let at = base.at(link);
    let describe = Hasher::new("symlink-1").with(&at).with(&target);
    base.edit(engine, describe, Vec::new(), move |tree, _| {
        tree.symlink(&target, &at)
    })
}

pub fn without(engine: &Arc<Engine>, base: &Directory, paths: Vec<String>) -> Directory {
    let paths: Vec<String> = paths.iter().map(|path| base.at(path)).collect();
    let describe = Hasher::new("remove-1").with_all(paths.iter());
    base.edit(engine, describe, Vec::new(), move |tree, _| {
        paths.iter().try_for_each(|path| tree.remove(path))
    })
}

pub fn chown(engine: &Arc<Engine>, base: &Directory, path: &str, owner: Owner) -> Directory {
    let at = base.at(path);
    let describe = Hasher::new("chown-1").with(&at).with(format!("{owner:?}"));
    base.edit(engine, describe, Vec::new(), move |tree, _| {
        tree.chown(&at, owner)
    })
}
