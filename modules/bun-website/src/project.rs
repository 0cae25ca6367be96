//! Finds the website: its package, the lock file, and the two views of its
//! files that a build copies one after the other.

use poniard_sdk::api::{
    DirectoryFilterOptsBuilder, WorkspaceDirectoryOptsBuilder, WorkspaceFindUpOptsBuilder,
};
use poniard_sdk::prelude::*;

use crate::manifest::Manifest;

/// A package that can be installed.
pub struct Project {
    /// Everything at the lock file's directory, but what is generated.
    pub source: Directory,
    /// As much of it as installing reads.
    pub manifests: Directory,
    /// The package's directory in `source`; empty when it is the root.
    pub path: String,
    pub manifest: Manifest,
}

/// What is never uploaded.
const GENERATED: [&str; 3] = ["**/node_modules", "**/.git", "**/.astro"];

/// What installing reads in any project.
const INSTALLED_FROM: [&str; 4] = ["package.json", "bun.lock", "bunfig.toml", ".npmrc"];

impl Project {
    /// The project in `source`, or else at the caller's directory or above.
    /// `output` is not part of it: what a build left there is no source.
    pub async fn find(
        workspace: &Workspace,
        source: Option<Directory>,
        output: &str,
    ) -> Result<Self> {
        let place = match source {
            Some(source) => Place::given(source, output).await?,
            None => Place::find(workspace, output).await?,
        };
        place.project().await
    }
}

/// A directory with a lock file, and the package in it that was asked for.
struct Place {
    origin: Origin,
    source: Directory,
    path: String,
    /// What messages call the directory: `shop/`, or nothing for the root.
    shown: String,
}

/// Where a part of the directory can be had from.
enum Origin {
    /// A path of the caller's workspace: asked for a part, it reads no more
    /// than that, so an edit elsewhere changes nothing.
    Workspace(Workspace, String),
    Given,
}

impl Place {
    async fn given(source: Directory, output: &str) -> Result<Self> {
        let exclude = excluded("", output);
        let opts = DirectoryFilterOptsBuilder::default()
            .exclude(words(&exclude))
            .build()?;
        let source = source.filter_opts(opts);
        let entries = source.entries().await?;
        let has = |name: &str| entries.iter().any(|entry| entry == name);
        ensure!(
            has("package.json"),
            "no `package.json` in the directory given as source: it has {}",
            listed(&entries)
        );
        match (has("bun.lock"), has("bun.lockb")) {
            (true, _) => {
                let (path, shown) = (String::new(), String::new());
                Ok(Self {
                    origin: Origin::Given,
                    source,
                    path,
                    shown,
                })
            }
            (false, true) => Err(binary_lock("bun.lockb")),
            (false, false) => Err(no_lock("package.json")),
        }
    }

    async fn find(workspace: &Workspace, output: &str) -> Result<Self> {
        let Some(manifest) = workspace.find_up("package.json").await.nullable()? else {
            let path = workspace.path().await?;
            let place = match path.trim_matches(['/', '.']) {
                "" => "the workspace's root".to_owned(),
                path => format!("`{path}`"),
            };
            bail!(
                "no `package.json` in {place} or above: go to the website's directory, or pass `--source`"
            );
        };
        let package = parent(&manifest);
        let shown = manifest.trim_start_matches('/');
        let Some(lock) = find_up(workspace, "bun.lock", package).await? else {
            return Err(match find_up(workspace, "bun.lockb", package).await? {
                Some(old) => binary_lock(old.trim_start_matches('/')),
                None => no_lock(shown),
            });
        };
        let root = parent(&lock);
        let path = package[root.len()..].trim_start_matches('/').to_owned();
        if !path.is_empty() && !locked(&workspace.file(lock.as_str()).contents().await?, &path) {
            return Err(no_lock(shown));
        }
        let at = if root.is_empty() { "/" } else { root };
        let exclude = excluded(&path, output);
        let opts = WorkspaceDirectoryOptsBuilder::default()
            .exclude(words(&exclude))
            .build()?;
        Ok(Self {
            source: workspace.directory_opts(at, opts),
            origin: Origin::Workspace(workspace.clone(), at.to_owned()),
            path,
            shown: folder(root.trim_start_matches('/')),
        })
    }

    async fn project(self) -> Result<Project> {
        let root = self.manifest("").await?;
        let manifest = match self.path.as_str() {
            "" => None,
            path => Some(self.manifest(path).await?),
        };
        let mut include: Vec<String> = INSTALLED_FROM.map(str::to_owned).into();
        include.extend(root.local_files());
        let mut lifecycle = root.has_lifecycle();
        if root.has_workspaces() {
            for path in self.packages().await? {
                let package = self.manifest(&path).await?;
                lifecycle |= package.has_lifecycle();
                include.extend(INSTALLED_FROM.map(|file| join(&path, file)));
                include.extend(package.local_files().iter().map(|file| join(&path, file)));
            }
        }
        let manifests = match lifecycle {
            // A script that runs with the installation may read any file.
            true => self.source.clone(),
            false => self.part(&include)?,
        };
        Ok(Project {
            manifest: manifest.unwrap_or(root),
            source: self.source,
            manifests,
            path: self.path,
        })
    }

    /// The files of the directory that match.
    fn part(&self, include: &[String]) -> Result<Directory> {
        Ok(match &self.origin {
            Origin::Workspace(workspace, at) => {
                let opts = WorkspaceDirectoryOptsBuilder::default()
                    .exclude(GENERATED.to_vec())
                    .include(words(include))
                    .build()?;
                workspace.directory_opts(at, opts)
            }
            Origin::Given => {
                let opts = DirectoryFilterOptsBuilder::default()
                    .include(words(include))
                    .build()?;
                self.source.filter_opts(opts)
            }
        })
    }

    /// The manifest of the package at `path` in the directory.
    async fn manifest(&self, path: &str) -> Result<Manifest> {
        let file = join(path, "package.json");
        let text = self.source.file(file.as_str()).contents().await?;
        Manifest::parse(&format!("{}{file}", self.shown), &text)
    }

    /// Directories of all packages but the root.
    async fn packages(&self) -> Result<Vec<String>> {
        let files = self.source.glob("**/package.json").await?;
        let folders = files
            .iter()
            .filter_map(|file| file.strip_suffix("/package.json"));
        Ok(folders.map(str::to_owned).collect())
    }
}

async fn find_up(workspace: &Workspace, name: &str, from: &str) -> Result<Option<String>> {
    let from = if from.is_empty() { "/" } else { from };
    let opts = WorkspaceFindUpOptsBuilder::default().from(from).build()?;
    Ok(workspace.find_up_opts(name, opts).await.nullable()?)
}

/// What is not part of the project whose package is at `path`.
fn excluded(path: &str, output: &str) -> Vec<String> {
    let generated = GENERATED.iter().map(|&pattern| pattern.to_owned());
    generated.chain([join(path, output)]).collect()
}

fn words(words: &[String]) -> Vec<&str> {
    words.iter().map(String::as_str).collect()
}

/// Whether a lock file covers the package at `path`: it lists every package
/// of a monorepo by its directory.
fn locked(lock: &str, path: &str) -> bool {
    lock.contains(&format!("\"{path}\": {{"))
}

fn no_lock(manifest: &str) -> poniard_sdk::eyre::Report {
    eyre!("no `bun.lock` for `{manifest}`: run `bun install` and commit `bun.lock`")
}

fn binary_lock(lock: &str) -> poniard_sdk::eyre::Report {
    eyre!(
        "`{lock}` is a binary lock file, `bun.lock` is needed: \
         run `bun install --save-text-lockfile --frozen-lockfile --lockfile-only`, commit `bun.lock` and remove `{lock}`"
    )
}

/// For messages: the entries of a directory, at most twenty.
pub fn listed(entries: &[String]) -> String {
    let names: Vec<_> = entries
        .iter()
        .take(20)
        .map(|entry| format!("`{entry}`"))
        .collect();
    match (entries.len(), names.join(", ")) {
        (0, _) => "nothing".to_owned(),
        (n, names) if n > 20 => format!("{names} and {} more", n - 20),
        (_, names) => names,
    }
}

/// `path/file`; either may be empty.
pub fn join(path: &str, file: &str) -> String {
    match file {
        "" => path.to_owned(),
        file => format!("{}{file}", folder(path)),
    }
}

fn folder(path: &str) -> String {
    if path.is_empty() {
        String::new()
    } else {
        format!("{path}/")
    }
}

fn parent(path: &str) -> &str {
    path.rfind('/').map_or("", |end| &path[..end])
}
