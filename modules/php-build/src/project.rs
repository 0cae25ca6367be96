//! Finds the project: its root, its `craft-cloud.yaml`, and the parts of its
//! files that the steps of a build read.

use poniard_sdk::api::{
    DirectoryFilterOptsBuilder, WorkspaceDirectoryOptsBuilder, WorkspaceFindUpOptsBuilder,
};
use poniard_sdk::prelude::*;

/// What messages and Craft Cloud call the file.
pub const CONFIG: &str = "craft-cloud.yaml";

/// What is made anew by every build, or never leaves the machine.
const NEVER: [&str; 9] = [
    "**/.git",
    "**/node_modules",
    "**/vendor",
    "**/.env",
    "**/.env.*",
    "**/.ddev",
    "**/.DS_Store",
    ".idea",
    ".vscode",
];

/// A directory with a PHP project, not yet read.
pub struct Project {
    /// The root: what paths of `craft-cloud.yaml` are relative to.
    pub source: Directory,
    pub config: Option<File>,
    /// What messages call the root: `sites/shop/`, or nothing.
    pub shown: String,
    origin: Origin,
}

/// Where a part of the files can be had from.
enum Origin {
    /// A path of the caller's workspace: asked for a part, it reads no more
    /// than that, so an edit elsewhere changes nothing.
    Workspace(Workspace, String),
    Given,
}

impl Project {
    /// The project that was given, or else the one at the caller's directory or
    /// above; its files are not loaded yet.
    pub async fn find(
        workspace: &Workspace,
        source: Option<&Directory>,
        config: Option<&File>,
    ) -> Result<Self> {
        match source {
            Some(source) => Self::given(source, config).await,
            None => Self::nearest(workspace, config).await,
        }
    }

    /// Loads the files once: much is asked of them.
    pub async fn load(mut self) -> Result<Self> {
        self.source = self.source.sync().await?;
        Ok(self)
    }

    async fn given(source: &Directory, config: Option<&File>) -> Result<Self> {
        let opts = DirectoryFilterOptsBuilder::default()
            .exclude(NEVER.to_vec())
            .gitignore(true)
            .build()?;
        let source = source.filter_opts(opts);
        let config = match config {
            Some(config) => Some(config.clone()),
            None if source.exists(CONFIG).await? => Some(source.file(CONFIG)),
            None => None,
        };
        Ok(Self {
            source,
            config,
            shown: String::new(),
            origin: Origin::Given,
        })
    }

    /// `craft-cloud.yaml` marks the root; without one, `composer.json` does.
    async fn nearest(workspace: &Workspace, config: Option<&File>) -> Result<Self> {
        let marked = find_up(workspace, CONFIG).await?;
        let found = match &marked {
            Some(path) => Some(path.clone()),
            None => find_up(workspace, "composer.json").await?,
        };
        let Some(found) = found else {
            let path = workspace.path().await?;
            let place = match path.trim_matches(['/', '.']) {
                "" => "the workspace's root".to_owned(),
                path => format!("`{path}`"),
            };
            bail!(
                "no `{CONFIG}` or `composer.json` in {place} or above: go to the project's directory, or pass `--source`"
            );
        };
        let root = found.rfind('/').map_or("", |end| &found[..end]);
        let at = if root.is_empty() { "/" } else { root };
        let opts = WorkspaceDirectoryOptsBuilder::default()
            .exclude(NEVER.to_vec())
            .gitignore(true)
            .build()?;
        Ok(Self {
            source: workspace.directory_opts(at, opts),
            config: match config {
                Some(config) => Some(config.clone()),
                None => marked.map(|path| workspace.file(path)),
            },
            shown: match root.trim_start_matches('/') {
                "" => String::new(),
                root => format!("{root}/"),
            },
            origin: Origin::Workspace(workspace.clone(), at.to_owned()),
        })
    }

    /// The files that match, and nothing else read.
    pub fn part(&self, include: &[String]) -> Result<Directory> {
        let include: Vec<&str> = include.iter().map(String::as_str).collect();
        Ok(match &self.origin {
            Origin::Workspace(workspace, at) => {
                let opts = WorkspaceDirectoryOptsBuilder::default()
                    .include(include)
                    .exclude(NEVER.to_vec())
                    .gitignore(true)
                    .build()?;
                workspace.directory_opts(at, opts)
            }
            Origin::Given => {
                let opts = DirectoryFilterOptsBuilder::default()
                    .include(include)
                    .build()?;
                self.source.filter_opts(opts)
            }
        })
    }

    /// Everything but the files that match.
    pub fn without(&self, exclude: &[&str]) -> Result<Directory> {
        let all: Vec<&str> = NEVER.iter().chain(exclude).copied().collect();
        Ok(match &self.origin {
            Origin::Workspace(workspace, at) => {
                let opts = WorkspaceDirectoryOptsBuilder::default()
                    .exclude(all)
                    .gitignore(true)
                    .build()?;
                workspace.directory_opts(at, opts)
            }
            Origin::Given => {
                let opts = DirectoryFilterOptsBuilder::default().exclude(all).build()?;
                self.source.filter_opts(opts)
            }
        })
    }

    /// The text of a file, if there is one.
    pub async fn read(&self, path: &str) -> Result<Option<String>> {
        match self.source.exists(path).await? {
            true => Ok(Some(self.source.file(path).contents().await?)),
            false => Ok(None),
        }
    }
}

async fn find_up(workspace: &Workspace, name: &str) -> Result<Option<String>> {
    let opts = WorkspaceFindUpOptsBuilder::default().build()?;
    Ok(workspace.find_up_opts(name, opts).await.nullable()?)
}

/// `path/file`; either may be empty.
pub fn join(path: &str, file: &str) -> String {
    match (path, file) {
        ("", file) => file.to_owned(),
        (path, "") => path.to_owned(),
        (path, file) => format!("{path}/{file}"),
    }
}
