//! Where everything lies in the container, so that the paths in Wrangler's
//! configuration lead to what was built.
//!
//! The configuration comes as a file without its directory. Most name a
//! directory such as `./dist`, at which the built site is then mounted; a
//! script outside it (`main: src/worker.ts`) is looked for beside the
//! configuration in the caller's workspace.

use poniard_sdk::api::{DirectoryExistsOptsBuilder, ExistsType, WorkspaceDirectoryOptsBuilder};
use poniard_sdk::prelude::*;

use crate::wrangler_config::{Named, Settings};

/// Paths relative to the container's working directory.
pub struct Layout {
    /// The configuration's directory.
    pub home: String,
    /// The built site.
    pub dist: String,
    /// What belongs at `home`, when the script is outside of the built site.
    pub project: Option<Directory>,
}

/// Never part of a project: installed or built, or with secrets in it.
const EXCLUDED: [&str; 7] = [
    "**/node_modules",
    "**/.git",
    "**/vendor",
    "**/.wrangler",
    "**/.env*",
    "**/.dev.vars*",
    "**/.npmrc",
];

/// What decides about the layout.
pub struct Parts<'a> {
    pub settings: &'a Settings,
    /// Text of the configuration.
    pub text: &'a str,
    pub dist: &'a Directory,
    pub source: Option<&'a Directory>,
    pub workspace: &'a Workspace,
}

type Path = Vec<String>;

impl Parts<'_> {
    pub async fn layout(self) -> Result<Layout> {
        let entries = self.dist.entries().await?;
        ensure!(
            !entries.is_empty(),
            "the directory given as dist is empty: build the site first"
        );
        let alone = self.alone()?;
        let fit = self.fit(&alone).await?;
        if fit.complete {
            return Ok(layout(&alone, &fit.dist, None));
        }
        if let Some(main) = &self.settings.main {
            if let Some(source) = self.source {
                self.need_main(main, source, "the directory given as source", &entries)
                    .await?;
                return Ok(layout(&alone, &fit.dist, Some(source.clone())));
            }
            if let Some(layout) = self.within_dist().await? {
                return Ok(layout);
            }
            return self.beside(main, &entries).await;
        }
        let assets = self
            .settings
            .assets
            .as_ref()
            .or(self.settings.main.as_ref());
        let message = format!(
            "it is not in the directory given as dist, which has {}",
            listed(&entries)
        );
        Err(match assets {
            Some(assets) => self.settings.error(assets, message),
            None => eyre!("{message}"),
        })
    }

    /// A home that is deep enough for the paths that lead upwards.
    fn alone(&self) -> Result<Path> {
        let named = [&self.settings.assets, &self.settings.main];
        let depth = named
            .into_iter()
            .flatten()
            .map(|named| climb(&named.path))
            .max();
        Ok(vec!["project".to_owned(); depth.unwrap_or_default()])
    }

    /// The best place for the built site when the configuration is in `home`.
    async fn fit(&self, home: &[String]) -> Result<Fit> {
        let assets = match &self.settings.assets {
            Some(named) => Some(self.absolute(home, named)?),
            None => None,
        };
        let main = match &self.settings.main {
            Some(named) => Some(self.absolute(home, named)?),
            None => None,
        };
        if let (Some(path), Some(named)) = (&assets, &self.settings.assets)
            && home.starts_with(path)
        {
            return Err(self.settings.error(
                named,
                format!(
                    "`{}` holds the configuration itself, which would be published: name a directory such as `./dist`",
                    named.path
                ),
            ));
        }
        let script_folder = main
            .as_ref()
            .map(|main| main[..main.len().saturating_sub(1)].to_vec());
        let anchor = assets.clone().or(script_folder).unwrap_or_default();
        let mut incomplete = None;
        for length in 1..=anchor.len() {
            let dist = &anchor[..length];
            if home.starts_with(dist) {
                continue;
            }
            if let Some(assets) = &assets
                && !self
                    .has(&assets[length..], ExistsType::DirectoryType)
                    .await?
            {
                continue;
            }
            let complete = match &main {
                Some(main) if main.starts_with(dist) => {
                    self.has(&main[length..], ExistsType::RegularType).await?
                }
                Some(_) => false,
                None => true,
            };
            if complete {
                let dist = dist.join("/");
                return Ok(Fit { dist, complete });
            }
            incomplete.get_or_insert_with(|| dist.join("/"));
        }
        // A script alone, outside of what was built: it may import from there.
        let usual = [home, &["dist".to_owned()]].concat().join("/");
        let dist = match assets {
            Some(_) => incomplete.unwrap_or_default(),
            None => usual,
        };
        Ok(Fit {
            dist,
            complete: false,
        })
    }

    /// Some builds write a configuration of their own beside the script.
    async fn within_dist(&self) -> Result<Option<Layout>> {
        let name = &self.settings.document.name;
        for path in self.dist.glob(format!("**/{name}")).await? {
            if self.dist.file(path.as_str()).contents().await? != self.text {
                continue;
            }
            let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
            let home: Path = words(&format!("dist/{folder}"));
            let mut complete = true;
            for (named, kind) in [
                (&self.settings.main, ExistsType::RegularType),
                (&self.settings.assets, ExistsType::DirectoryType),
            ] {
                if let Some(named) = named {
                    let path = self.absolute(&home, named)?;
                    complete &= path.first().is_some_and(|first| first == "dist")
                        && self.has(&path[1..], kind).await?;
                }
            }
            if complete {
                return Ok(Some(layout(&home, "dist", None)));
            }
        }
        Ok(None)
    }

    /// The script beside the configuration in the workspace.
    async fn beside(&self, main: &Named, entries: &[String]) -> Result<Layout> {
        let name = &self.settings.document.name;
        let Some(home) = self.find_home().await? else {
            let message = format!(
                "`{}` is not in the directory given as dist, which has {}; and no `{name}` with this text is in the workspace: pass its directory as `--source`",
                main.path,
                listed(entries)
            );
            return Err(self.settings.error(main, message));
        };
        let fit = self.fit(&home).await?;
        let folder = home.join("/");
        let mut exclude: Vec<&str> = EXCLUDED.to_vec();
        let inner = fit
            .dist
            .strip_prefix(&folder)
            .map(|inner| inner.trim_matches('/').to_owned());
        if let Some(inner) = inner.as_deref().filter(|inner| !inner.is_empty()) {
            exclude.push(inner);
        }
        let opts = WorkspaceDirectoryOptsBuilder::default()
            .exclude(exclude)
            .build()?;
        let project = self.workspace.directory_opts(format!("/{folder}"), opts);
        let place = match folder.as_str() {
            "" => "the workspace's root".to_owned(),
            folder => format!("`{folder}` of the workspace"),
        };
        self.need_main(main, &project, &place, entries).await?;
        Ok(layout(&home, &fit.dist, Some(project)))
    }

    /// The directory of the configuration: the caller's, or the only one in the
    /// workspace that has this very file.
    async fn find_home(&self) -> Result<Option<Path>> {
        let name = &self.settings.document.name;
        let here = words(&self.workspace.path().await?);
        let pattern = format!("**/{name}");
        let all = WorkspaceDirectoryOptsBuilder::default()
            .include(vec![pattern.as_str()])
            .exclude(EXCLUDED.to_vec())
            .build()?;
        let all = self.workspace.directory_opts("/", all);
        let mut found: Vec<Path> = Vec::new();
        for path in all.glob(pattern.as_str()).await? {
            if all.file(path.as_str()).contents().await? == self.text {
                let mut folder = words(&path);
                folder.pop();
                found.push(folder);
            }
        }
        if found.contains(&here) {
            return Ok(Some(here));
        }
        match found.as_slice() {
            [] => Ok(None),
            [only] => Ok(Some(only.clone())),
            several => {
                let places: Vec<String> = several.iter().map(|place| place.join("/")).collect();
                bail!(
                    "the same `{name}` is in {}: go to its directory, or pass `--source`",
                    listed(&places)
                )
            }
        }
    }

    async fn need_main(
        &self,
        main: &Named,
        project: &Directory,
        place: &str,
        entries: &[String],
    ) -> Result<()> {
        let path = words(&main.path).join("/");
        let there =
            climb(&main.path) == 0 && exists(project, &path, ExistsType::RegularType).await?;
        if there {
            return Ok(());
        }
        let message = format!(
            "no `{}` in the directory given as dist, which has {}, nor in {place}",
            main.path,
            listed(entries)
        );
        Err(self.settings.error(main, message))
    }

    fn absolute(&self, home: &[String], named: &Named) -> Result<Path> {
        let mut path = home.to_vec();
        for part in named.path.split('/') {
            match part {
                "" | "." => {}
                ".." => {
                    if path.pop().is_none() {
                        let message = format!("`{}` leads out of the workspace", named.path);
                        return Err(self.settings.error(named, message));
                    }
                }
                part => path.push(part.to_owned()),
            }
        }
        Ok(path)
    }

    async fn has(&self, path: &[String], kind: ExistsType) -> Result<bool> {
        match path.is_empty() {
            true => Ok(matches!(kind, ExistsType::DirectoryType)),
            false => exists(self.dist, &path.join("/"), kind).await,
        }
    }
}

struct Fit {
    dist: String,
    /// All that the configuration names is in the built site.
    complete: bool,
}

fn layout(home: &[String], dist: &str, project: Option<Directory>) -> Layout {
    Layout {
        home: home.join("/"),
        dist: dist.to_owned(),
        project,
    }
}

async fn exists(directory: &Directory, path: &str, kind: ExistsType) -> Result<bool> {
    let opts = DirectoryExistsOptsBuilder::default()
        .expected_type(kind)
        .build()?;
    Ok(directory.exists_opts(path, opts).await?)
}

/// How many directories above its start a path leads.
fn climb(path: &str) -> usize {
    let (mut depth, mut highest) = (0_usize, 0_usize);
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." if depth > 0 => depth -= 1,
            ".." => highest += 1,
            _ => depth += 1,
        }
    }
    highest
}

/// The parts of a path.
fn words(path: &str) -> Path {
    let parts = path.split('/').filter(|part| !["", "."].contains(part));
    parts.map(str::to_owned).collect()
}

/// For messages: at most twelve names.
pub fn listed(names: &[String]) -> String {
    let shown: Vec<_> = names
        .iter()
        .take(12)
        .map(|name| format!("`{name}`"))
        .collect();
    match (names.len(), shown.join(", ")) {
        (0, _) => "nothing".to_owned(),
        (n, shown) if n > 12 => format!("{shown} and {} more", n - 12),
        (_, shown) => shown,
    }
}
