//! Merging: every changeset is a branch of a repository that holds what they
//! change, and nothing else; git does the rest.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use eyre::{Result, WrapErr, bail};

use super::git::Git;
use super::{Answer, changes};
use crate::api::resolve::directory as dir;
use crate::graph::directory::join;
use crate::graph::node::Changeset;
use crate::graph::{Directory, Engine, Object};
use crate::store::Hasher;
use crate::store::pattern::escape;
use crate::store::tree::{Changes, Kind, Tree};

/// `Changeset.withChangeset`.
pub async fn two(
    engine: &Arc<Engine>,
    ours: &Changeset,
    theirs: &Changeset,
    on_conflict: &str,
) -> Result<Answer> {
    merged(engine, ours, std::slice::from_ref(theirs), on_conflict).await
}

/// `Changeset.withChangesets`: git's octopus takes no side in a conflict.
pub async fn many(
    engine: &Arc<Engine>,
    ours: &Changeset,
    others: &[Changeset],
    on_conflict: &str,
) -> Result<Answer> {
    if others.is_empty() {
        return Ok(answer(ours.clone()));
    }
    merged(engine, ours, others, on_conflict).await
}

fn answer(changes: Changeset) -> Answer {
    Answer::Object("Changeset", Object::Changeset(Box::new(changes)))
}

async fn merged(
    engine: &Arc<Engine>,
    ours: &Changeset,
    others: &[Changeset],
    on_conflict: &str,
) -> Result<Answer> {
    let all: Vec<&Changeset> = std::iter::once(ours).chain(others).collect();
    let lists = futures::future::try_join_all(all.iter().map(|one| changes(engine, one))).await?;
    if on_conflict == "FAIL_EARLY" {
        refuse_conflicts(&lists)?;
    }
    let before = before(engine, &all).await?;
    let mut describe = Hasher::new("merge-1").with(&before.path).with(on_conflict);
    let mut sources = Vec::new();
    for one in &all {
        describe = describe.with(&one.before.path).with(&one.after.path);
        sources.extend([one.before.fs.clone(), one.after.fs.clone()]);
    }
    let paths: Vec<_> = all.iter().map(|one| one.after.path.clone()).collect();
    let (at, on_conflict) = (before.path.clone(), on_conflict.to_owned());
    let after = before.edit(engine, describe, sources, move |tree, trees| {
        let sides = lists.iter().zip(trees.chunks(2)).zip(&paths);
        let sides = sides.map(|((changes, trees), path)| Side {
            changes,
            tree: &trees[1],
            path,
        });
        Merge {
            tree,
            at: &at,
            sides: sides.collect(),
            on_conflict: &on_conflict,
        }
        .run()
    });
    // Conflicts show now, not when somebody looks at the files.
    after.fs.snapshot().await?;
    Ok(answer(Changeset { before, after }))
}

/// What all of them started from, later ones over earlier ones.
async fn before(engine: &Arc<Engine>, all: &[&Changeset]) -> Result<Directory> {
    let mut before = all[0].before.clone();
    let (first, at) = (before.fs.snapshot().await?.id, before.path.clone());
    for one in &all[1..] {
        if one.before.fs.snapshot().await?.id != first || one.before.path != at {
            before = dir::with_directory(engine, &before, "", &one.before, None, None);
        }
    }
    Ok(dir::without(engine, &before, vec![".git".to_owned()]))
}

/// Paths that two of them change in ways that may not go together.
fn refuse_conflicts(lists: &[Changes]) -> Result<()> {
    let mut conflicts = BTreeSet::new();
    for (n, one) in lists.iter().enumerate() {
        for other in &lists[n + 1..] {
            let both = |a: &[String], b: &[String], how: &str| {
                let paths = a.iter().filter(|path| b.contains(path));
                paths
                    .map(|path| format!("`{path}` is {how}"))
                    .collect::<Vec<_>>()
            };
            let unlike = "modified in one and removed in the other";
            conflicts.extend(both(&one.added, &other.added, "added in both"));
            conflicts.extend(both(&one.modified, &other.modified, "modified in both"));
            conflicts.extend(both(&one.modified, &other.removed, unlike));
            conflicts.extend(both(&one.removed, &other.modified, unlike));
        }
    }
    if conflicts.is_empty() {
        return Ok(());
    }
    let conflicts: Vec<_> = conflicts.into_iter().collect();
    bail!("conflict between changesets: {}", conflicts.join("; "))
}

struct Side<'a> {
    changes: &'a Changes,
    /// What it leads to.
    tree: &'a Tree,
    path: &'a str,
}

impl Side<'_> {
    /// Files, without what git keeps for itself.
    fn files<'a>(&self, list: &'a [String]) -> impl Iterator<Item = &'a String> + use<'a> {
        list.iter()
            .filter(|path| !path.ends_with('/') && !path.starts_with(".git/"))
    }

    fn written(&self) -> impl Iterator<Item = &String> {
        self.files(&self.changes.added)
            .chain(self.files(&self.changes.modified))
    }

    fn removed(&self) -> impl Iterator<Item = &String> {
        self.files(&self.changes.removed)
    }

    fn removes(&self, path: &str) -> bool {
        self.changes.removed.iter().any(|removed| removed == path)
    }
}

struct Merge<'a> {
    /// What is to be changed, and where in it.
    tree: &'a Tree,
    at: &'a str,
    sides: Vec<Side<'a>>,
    on_conflict: &'a str,
}

impl Merge<'_> {
    fn run(&self) -> Result<()> {
        let temp = tempfile::tempdir()?;
        let git = Git::in_repository(temp.path());
        let work = Tree::new(temp.path());
        let touched: BTreeSet<&String> = self
            .sides
            .iter()
            .flat_map(|side| side.written().chain(side.removed()))
            .collect();
        git.run(&["init", "-q"])?;
        for path in &touched {
            let from = join(self.at, path);
            let found = self.tree.stat(&from, false)?;
            if found.is_some_and(|stat| stat.kind != Kind::Directory) {
                dir::transfer(&work, self.tree, &from, path)?;
            }
        }
        commit(&git, "base")?;
        let names: Vec<_> = (0..self.sides.len()).map(|n| format!("side-{n}")).collect();
        for (side, name) in self.sides.iter().zip(&names) {
            git.run(&["checkout", "-q", "-B", name, "base"])?;
            for path in side.removed() {
                work.remove(&escape(path))?;
            }
            for path in side.written() {
                let found = work.stat(path, false)?;
                if found.is_some_and(|stat| stat.kind == Kind::Directory) {
                    work.remove(&escape(path))?;
                }
                dir::transfer(&work, side.tree, &join(side.path, path), path)?;
            }
            commit(&git, name)?;
        }
        git.run(&["checkout", "-q", &names[0]])?;
        self.merge(&git, &names[1..])?;
        self.take(&work, &touched, temp.path())
    }

    fn merge(&self, git: &Git, others: &[String]) -> Result<()> {
        let mut args = vec!["merge", "--no-edit", "--no-commit"];
        match self.on_conflict {
            "PREFER_OURS" => args.extend(["-X", "ours"]),
            "PREFER_THEIRS" => args.extend(["-X", "theirs"]),
            _ => {}
        }
        args.extend(others.iter().map(String::as_str));
        let said = git.try_run(&args, b"")?;
        if said.code == 0 {
            return Ok(());
        }
        if !matches!(
            self.on_conflict,
            "PREFER_OURS" | "PREFER_THEIRS" | "LEAVE_CONFLICT_MARKERS"
        ) {
            bail!("cannot merge the changesets: {}", said.cause());
        }
        let [ours, theirs] = self.sides.as_slice() else {
            bail!("cannot merge the changesets: {}", said.cause());
        };
        let modified = ours.changes.modified.iter().chain(&theirs.changes.modified);
        for path in modified.filter(|path| ours.removes(path) || theirs.removes(path)) {
            let take_ours = match self.on_conflict {
                "PREFER_OURS" => true,
                "PREFER_THEIRS" => false,
                _ => theirs.removes(path),
            };
            let (side, flag) = match take_ours {
                true => (ours, "--ours"),
                false => (theirs, "--theirs"),
            };
            if side.removes(path) {
                git.run(&["rm", "-q", "--force", "--", path])?;
            } else {
                git.run(&["checkout", "-q", flag, "--", path])?;
            }
        }
        Ok(())
    }

    /// Takes over what git made of the files.
    fn take(&self, work: &Tree, touched: &BTreeSet<&String>, repository: &Path) -> Result<()> {
        std::fs::remove_dir_all(repository.join(".git"))
            .wrap_err("cannot remove the repository of a merge")?;
        for path in touched {
            if work.stat(path, false)?.is_none() {
                self.tree.remove(&escape(&join(self.at, path)))?;
            }
        }
        for path in work
            .glob("", "**")?
            .iter()
            .filter(|path| !path.ends_with('/'))
        {
            dir::transfer(self.tree, work, path, &join(self.at, path))?;
        }
        // The deepest first, so that directories are empty when it is their turn.
        for side in &self.sides {
            let removed = side.changes.removed.iter().rev();
            for path in removed.filter(|path| path.ends_with('/')) {
                let path = join(self.at, path);
                if self.tree.stat(&path, false)?.is_some() && self.tree.entries(&path)?.is_empty() {
                    self.tree.remove(&escape(&path))?;
                }
            }
        }
        Ok(())
    }
}

fn commit(git: &Git, name: &str) -> Result<()> {
    git.run(&["add", "-A", "-f"])?;
    git.run(&["commit", "-q", "--allow-empty", "-m", name])
        .map(drop)
}
