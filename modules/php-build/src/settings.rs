//! What a build will use, and why: `craft-cloud.yaml` and `composer.json` read
//! together.

use std::fmt::Write as _;

use futures::future::try_join_all;
use futures::try_join;
use poniard_sdk::prelude::*;

use crate::composer::manifest::{Manifest, SUPPORTED};
use crate::composer::platform::Additions;
use crate::deps::{ConfigCraftCloudOpts, Dependencies as _};
use crate::project::{Project, join};

/// What a build uses.
#[object]
#[derive(Clone, Debug)]
pub struct Settings {
    /// Major and minor version of PHP.
    pub php_version: String,
    /// Where the version was said.
    pub php_version_from: String,
    /// Image that everything is laid on.
    pub bref_image: String,
    /// Platform of the image, such as `linux/amd64`.
    pub platform: String,
    /// Version of Node.js; empty when there is no Node.js step.
    pub node_version: String,
    /// Directory of package.json, relative to the root.
    pub node_path: String,
    /// Script of package.json that builds the assets.
    pub npm_script: String,
    /// Directory of composer.json, relative to the root; it becomes `/var/task`.
    pub app_path: String,
    /// Public directory, relative to `/var/task`.
    pub document_root: String,
    /// Directory of static files, relative to the root.
    pub artifact_path: String,
    /// Program of the console, relative to `/var/task`; empty when there is none.
    pub console: String,
    /// Extensions that the base has and that are switched on.
    pub enabled_extensions: Vec<String>,
    /// Extensions that come out of images of Bref's.
    pub extra_extensions: Vec<String>,
    /// The images of those.
    pub extra_images: Vec<String>,
    /// All of it, as Markdown.
    pub summary: String,
}

/// Programs that a project's console may be, in the order in which they are looked for.
const CONSOLES: [&str; 3] = ["craft", "artisan", "bin/console"];
/// Public directories of projects without a `craft-cloud.yaml`.
const DOCUMENT_ROOTS: [&str; 3] = ["public", "web", "html"];

impl Settings {
    /// What `craft-cloud.yaml` says, if there is one.
    pub async fn said(config: Option<&File>) -> Result<Self> {
        match config {
            Some(file) => Self::of_craft_cloud(file).await,
            None => Ok(Self::plain()),
        }
    }

    /// The settings with what the project's files say; extensions are not known yet.
    pub async fn completed(
        mut self,
        project: &Project,
        bref_version: &str,
        platform: &Platform,
    ) -> Result<(Self, Manifest)> {
        let app = self.app_path.clone();
        let has = |file: &str| project.source.exists(join(&app, file));
        let (manifest, entries, consoles) = try_join!(
            Manifest::read(project, &app),
            async { Ok(project.source.glob(join(&app, "**/index.php")).await?) },
            async { Ok(try_join_all(CONSOLES.map(has)).await?) }
        )?;
        if self.php_version.is_empty() {
            (self.php_version, self.php_version_from) = manifest.php_version()?;
        }
        let index = |root: &str| {
            let path = join(&app, &join(root, "index.php"));
            entries.contains(&path)
        };
        if project.config.is_none() {
            let root = DOCUMENT_ROOTS
                .iter()
                .find(|root| index(root))
                .copied()
                .unwrap_or_default();
            self.document_root = root.to_owned();
            self.artifact_path = join(&app, root);
        }
        ensure!(
            index(&self.document_root),
            "no `{}`: {}",
            join(&app, &join(&self.document_root, "index.php")),
            match project.config {
                Some(_) => "correct `webroot` in `craft-cloud.yaml`",
                None =>
                    "looked in `public`, `web` and `html`; name the directory by `webroot` in a `craft-cloud.yaml`",
            }
        );
        let console = CONSOLES.iter().zip(consoles).find(|(_, there)| *there);
        self.console = console.map_or_else(String::new, |(name, _)| (*name).to_owned());
        self.platform = platform.0.clone();
        self.bref_image = image("php", &self.php_version, platform, bref_version)
            .wrap_err_with(|| format!("{} is refused", self.php_version_from))?;
        Ok((self, manifest))
    }

    async fn of_craft_cloud(file: &File) -> Result<Self> {
        let opts = ConfigCraftCloudOpts {
            file: Some(file.id().await?),
            ..Default::default()
        };
        let craft = dag().config().craft_cloud_opts(opts);
        let (php_version, node_version, node_path, npm_script) = try_join!(
            craft.php_version(),
            craft.node_version(),
            craft.node_path(),
            craft.npm_script()
        )?;
        let (app_path, document_root, artifact_path) =
            try_join!(craft.app_path(), craft.webroot(), craft.artifact_path())?;
        Ok(Self {
            php_version,
            php_version_from: "`php-version` of craft-cloud.yaml".into(),
            node_version,
            node_path,
            npm_script,
            app_path,
            document_root,
            artifact_path,
            ..Self::plain()
        })
    }

    fn plain() -> Self {
        Self {
            php_version: String::new(),
            php_version_from: String::new(),
            bref_image: String::new(),
            platform: String::new(),
            node_version: String::new(),
            node_path: String::new(),
            npm_script: "build".into(),
            app_path: String::new(),
            document_root: String::new(),
            artifact_path: String::new(),
            console: String::new(),
            enabled_extensions: Vec::new(),
            extra_extensions: Vec::new(),
            extra_images: Vec::new(),
            summary: String::new(),
        }
    }

    /// The settings with what the base lacks.
    pub fn with(mut self, additions: Additions, bref_version: &str) -> Result<Self> {
        for name in &additions.extras {
            let kind = format!("extra-{name}-php");
            let platform = Platform(self.platform.clone());
            let image = image(&kind, &self.php_version, &platform, bref_version)?;
            self.extra_images.push(image);
        }
        self.enabled_extensions = additions.enabled;
        self.extra_extensions = additions.extras;
        self.summary = self.summed_up();
        Ok(self)
    }

    /// Path at which browsers find the static files, as long as the image has them.
    pub fn artifact_url(&self) -> String {
        let root = join(&self.app_path, &self.document_root);
        let below = self.artifact_path.strip_prefix(root.as_str());
        match below.unwrap_or_default().trim_matches('/') {
            "" => "/".to_owned(),
            below => format!("/{below}/"),
        }
    }

    fn summed_up(&self) -> String {
        let mut text = format!(
            "- **PHP {}** on `{}` ({}): {}\n",
            self.php_version, self.bref_image, self.platform, self.php_version_from
        );
        let list = |names: &[String]| names.join(", ");
        if !self.enabled_extensions.is_empty() {
            let _ = writeln!(
                text,
                "- **Extensions** switched on: {}",
                list(&self.enabled_extensions)
            );
        }
        if !self.extra_images.is_empty() {
            let _ = writeln!(
                text,
                "- **Extensions** added: {} from `{}`",
                list(&self.extra_extensions),
                self.extra_images.join("`, `")
            );
        }
        let _ = match self.node_version.as_str() {
            "" => writeln!(text, "- **Node.js**: no step"),
            version => writeln!(
                text,
                "- **Node.js {version}**: `npm run {}` in `{}`",
                self.npm_script,
                join(".", &self.node_path)
            ),
        };
        let _ = write!(
            text,
            "- **Document root** `{}`, static files in `{}`",
            self.document_root, self.artifact_path
        );
        text
    }
}

/// `bref/php-84:3`, `bref/arm-php-84:3`, `bref/extra-gd-php-84:3`.
pub fn image(kind: &str, php: &str, platform: &Platform, version: &str) -> Result<String> {
    ensure!(
        SUPPORTED
            .iter()
            .any(|(major, minor)| format!("{major}.{minor}") == php),
        "there is no Bref image of PHP `{php}`: choose 8.2, 8.3, 8.4 or 8.5"
    );
    let number = php.replace('.', "");
    let arm = platform.0.contains("arm64");
    ensure!(
        !(arm && kind.starts_with("extra-")),
        "`bref/{kind}-{number}` is needed, and Bref has it for linux/amd64 only: build with `--platform linux/amd64`"
    );
    let arm = if arm { "arm-" } else { "" };
    Ok(format!("bref/{arm}{kind}-{number}:{version}"))
}
