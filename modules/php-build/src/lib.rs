//! Lambda images of PHP and Craft CMS projects on Bref.
//!
//! [`plan`] reads and checks a project: [`project`] finds the files, [`settings`]
//! what they ask for, [`composer`] what the packages need. [`build`] makes an
//! image of it: [`composer`] installs, [`assets`] runs Node.js, [`image`] lays all
//! of it on Bref's base. [`run`] starts the image as [`lambda`] does, beside a
//! [`database`].

#![cfg_attr(test, allow(clippy::unwrap_used))]

mod artifacts;
mod assets;
mod build;
mod checkout;
mod composer;
mod database;
mod deps {
    poniard_sdk::dependencies!();
}
mod image;
mod invocation;
mod lambda;
mod matrix;
mod plan;
mod project;
mod run;
mod settings;

use futures::try_join;
use poniard_sdk::prelude::*;

use database::{Database, DatabaseKind};
use deps::Dependencies as _;
use image::Handler;
use invocation::Invocation;
use matrix::report::Matrix;
use settings::Settings;

/// Lambda images of PHP and Craft CMS projects on Bref.
#[object]
pub struct PhpBuild {
    source: Option<Directory>,
    config: Option<File>,
    platform: Option<Platform>,
    bref_version: String,
    composer_version: String,
    revision: String,
    assets_read_php: bool,
    /// Address of the repository, of a checkout.
    repository: String,
    database: State<Option<Database>>,
    composer_auth: Option<Secret>,
    /// Where the static files will be; empty when images have them as well.
    artifact_url: String,
    /// Variables of the steps of a build, as `NAME=value`.
    variables: Vec<String>,
    /// The same of images.
    image_variables: Vec<String>,
    secret_names: Vec<String>,
    secrets: Vec<Secret>,
}

const PIPELINE: &str = "pipeline.yaml";
// What asks `config` is kept for one session only: through other modules, a
// longer cache would return what the file said before.
#[functions]
impl PhpBuild {
    pub fn new(
        /// The project, instead of the one at the caller's directory or above.
        source: Option<Directory>,
        /// A `craft-cloud.yaml`; without one, composer.json's platform decides.
        config: Option<File>,
        /// Platform of the images, such as `linux/arm64`; that of the engine when omitted.
        platform: Option<Platform>,
        /// Tag of Bref's images.
        #[arg(default = "3")]
        bref_version: String,
        /// Tag of the image `composer`.
        #[arg(default = "2")]
        composer_version: String,
        /// Commit that the sources are of, for the labels of images.
        revision: Option<String>,
        /// The Node.js step also reads files of PHP that are no templates, so that a change of one runs it again.
        #[arg(default = false)]
        assets_read_php: bool,
    ) -> Result<Self> {
        ensure!(
            composer_version != "1" && !composer_version.starts_with("1."),
            "`--composer-version {composer_version}`: Composer 1 cannot install what Bref and Craft CMS need; pass `2`, or a version of it"
        );
        Ok(Self {
            source,
            config,
            platform,
            bref_version,
            composer_version,
            revision: revision.unwrap_or_default(),
            assets_read_php,
            repository: String::new(),
            database: State(None),
            composer_auth: None,
            artifact_url: String::new(),
            variables: Vec::new(),
            image_variables: Vec::new(),
            secret_names: Vec::new(),
            secrets: Vec::new(),
        })
    }

    /// A copy whose project is a checkout of a git repository.
    #[function(cache = "never")]
    pub async fn from_git(
        mut self,
        /// Address over https or ssh, at GitHub, GitLab, Bitbucket or elsewhere.
        url: String,
        /// Branch or tag; the default branch when omitted.
        #[arg(name = "ref")]
        reference: Option<String>,
        /// Commit that it has to be: one of the branch.
        commit: Option<String>,
        /// Token for https.
        token: Option<Secret>,
        /// Socket of an ssh agent, such as `$SSH_AUTH_SOCK`.
        ssh: Option<Socket>,
    ) -> Result<Self> {
        let (reference, commit) = (reference.as_deref(), commit.as_deref());
        let done =
            checkout::checkout(&url, reference, commit, token.as_ref(), ssh.as_ref()).await?;
        (self.source, self.revision, self.repository) = (Some(done.tree), done.commit, done.url);
        Ok(self)
    }

    /// A copy with the variables of the environment that a branch belongs to by `pipeline.yaml`, for the build and for images.
    #[function(cache = "session")]
    pub async fn with_branch(
        mut self,
        /// Name of the branch, such as `$CI_COMMIT_BRANCH`.
        branch: String,
        workspace: Workspace,
    ) -> Result<Self> {
        let project = self.project(&workspace).await?;
        // A checkout's own file, if it has one; else the caller's.
        let config = match project.source.exists(PIPELINE).await? {
            true => dag().config_opts(deps::ConfigOpts {
                file: Some(project.source.file(PIPELINE).id().await?),
            }),
            false => dag().config(),
        };
        let environment = config.for_branch(branch);
        let mut variables = environment.variables().await?;
        variables.push(format!("CRAFT_ENVIRONMENT={}", environment.name().await?));
        self.variables.extend(variables.iter().cloned());
        self.image_variables.extend(variables);
        Ok(self)
    }

    /// A copy with the credentials of private Composer repositories.
    pub fn with_composer_auth(
        mut self,
        /// What `COMPOSER_AUTH` holds: the JSON of an auth.json.
        auth: Secret,
    ) -> Self {
        self.composer_auth = Some(auth);
        self
    }

    /// A copy whose images leave the static files that only browsers read to object storage: pages get the address in `CRAFT_CLOUD_ARTIFACT_BASE_URL`.
    pub fn with_artifacts(
        mut self,
        /// Where what `artifacts` gives will be, such as `https://cdn.example.com/site`.
        url: String,
    ) -> Result<Self> {
        ensure!(
            url.starts_with("https://") || url.starts_with("http://"),
            "`{url}` is no address of static files: pass one such as `https://cdn.example.com/site`"
        );
        self.artifact_url = url.trim_end_matches('/').to_owned();
        Ok(self)
    }

    /// A copy with an environment variable for the steps of the build; the image does not get it.
    pub fn with_env(mut self, name: String, value: String) -> Self {
        self.variables.push(format!("{name}={value}"));
        self
    }

    /// A copy with a secret in an environment variable for the Node.js step, such as the token of a private registry.
    pub fn with_secret(
        mut self,
        /// Name of the variable.
        name: String,
        secret: Secret,
    ) -> Self {
        self.secret_names.push(name);
        self.secrets.push(secret);
        self
    }

    /// A copy whose `serve`, `command`, `smoke` and `invoke` run beside a database server, configured by environment.
    pub fn with_database(
        mut self,
        kind: DatabaseKind,
        /// Tag of the server's image; a version that is supported for long when omitted.
        version: Option<String>,
    ) -> Result<Self> {
        self.database = State(Some(Database::new(kind, version)?));
        Ok(self)
    }

    /// What a build will use, and why.
    #[function(cache = "session")]
    pub async fn settings(&self, workspace: Workspace) -> Result<Settings> {
        Ok(self.plan(&workspace).await?.settings)
    }

    /// Bref's image for the configured PHP version, with the extensions that the project needs.
    #[function(cache = "session")]
    pub async fn base(&self, workspace: Workspace) -> Result<Container> {
        let plan = self.plan(&workspace).await?;
        let base = image::with_extensions(&plan.base, &plan.settings);
        Ok(base.with_env_variable("BREF_RUNTIME", "fpm"))
    }

    /// Composer's packages, as `composer.lock` says, without those for development.
    #[function(cache = "session")]
    pub async fn dependencies(&self, workspace: Workspace) -> Result<Directory> {
        let plan = self.plan(&workspace).await?;
        self.installed(&plan)
    }

    /// What the Node.js step builds: the directory of static files.
    #[function(cache = "session")]
    pub async fn assets(&self, workspace: Workspace) -> Result<Directory> {
        let plan = self.plan(&workspace).await?;
        match self.built_assets(&plan).await? {
            Some(output) => Ok(output),
            None => bail!("no Node.js step: set `node-version` in `craft-cloud.yaml`"),
        }
    }

    /// The image for Lambda.
    #[function(cache = "session")]
    pub async fn image(
        &self,
        /// What the function is for.
        #[arg(default = Handler::Web)]
        handler: Handler,
        /// Handler instead of the usual one, relative to composer.json.
        file: Option<String>,
        workspace: Workspace,
    ) -> Result<Container> {
        let plan = self.plan(&workspace).await?;
        self.whole(&plan, handler, file.as_deref()).await
    }

    /// Static files for object storage: below a directory that is named by their contents, with a manifest, and the rules of `craft-cloud.yaml` for what stands before Lambda.
    #[function(cache = "session")]
    pub async fn artifacts(&self, workspace: Workspace) -> Result<Directory> {
        let plan = self.plan(&workspace).await?;
        artifacts::with_rules(&plan, self.built_assets(&plan).await?).await
    }

    /// A console command, run in the image as Lambda would.
    #[function(cache = "session")]
    pub async fn command(
        &self,
        /// The program and its arguments, such as `craft migrate/all`.
        args: Vec<String>,
        workspace: Workspace,
    ) -> Result<Container> {
        let plan = self.plan(&workspace).await?;
        let image = self
            .whole(&plan, Handler::Console, args.first().map(String::as_str))
            .await?;
        let args: Vec<String> = match args.first().map(String::as_str) {
            Some("php") => args,
            _ => ["php".to_owned()].into_iter().chain(args).collect(),
        };
        let image = self.beside_database(&image, "")?;
        Ok(lambda::restricted(&image).await?.with_exec(args))
    }

    /// The site as it runs in production, its static files beside it, the redirects and rewrites of `craft-cloud.yaml` before it.
    #[function(cache = "session")]
    pub async fn serve(
        &self,
        /// Port to listen on.
        #[arg(default = 8080)]
        port: u16,
        /// Lines of shell to run first; those of Craft's or Laravel's deployments when omitted.
        setup: Option<Vec<String>>,
        workspace: Workspace,
    ) -> Result<Service> {
        ensure!(
            port > 0,
            "port 0 cannot be reached: pass one from 1 to 65535"
        );
        let plan = self.plan(&workspace).await?;
        let (image, rules) = try_join!(
            self.whole(&plan, Handler::Web, None),
            artifacts::rules(&plan.project)
        )?;
        let run = lambda::Plan {
            port,
            rules: rules.unwrap_or_default(),
            ..self.run_of(&plan, setup)
        };
        lambda::serve(&self.beside_database(&image, "")?, run).await
    }

    /// Fails unless the image boots as in Lambda, beside its database, and its pages answer.
    #[function(check, cache = "session")]
    pub async fn smoke(
        &self,
        /// Paths to request; `/` when omitted.
        path: Option<Vec<String>>,
        /// Status that each must answer.
        #[arg(default = 200)]
        expect: u16,
        /// Text that each must hold.
        contains: Option<String>,
        /// Lines of shell to run first; those of Craft's or Laravel's deployments when omitted.
        setup: Option<Vec<String>>,
        workspace: Workspace,
    ) -> Result<()> {
        let paths = path.unwrap_or_else(|| vec!["/".to_owned()]);
        if let Some(path) = paths.iter().find(|path| !path.starts_with('/')) {
            bail!("path `{path}` must start with `/`");
        }
        let contains = contains.unwrap_or_default();
        let plan = self.plan(&workspace).await?;
        let image = self.whole(&plan, Handler::Web, None).await?;
        let run = lambda::Plan {
            requests: paths,
            contains: contains.clone(),
            ..self.run_of(&plan, setup)
        };
        let report = self.run(&image, run).await?;
        report.judge(expect, &contains)
    }

    /// What a function of the image does with an event, by Lambda's Runtime API.
    #[function(cache = "session")]
    pub async fn invoke(
        &self,
        /// The event, as JSON.
        payload: String,
        /// What the function is for.
        #[arg(default = Handler::Queue)]
        handler: Handler,
        /// Handler instead of the usual one, relative to composer.json.
        file: Option<String>,
        /// Seconds after which Lambda ends the invocation.
        #[arg(default = 28.0)]
        timeout: f64,
        /// Lines of shell to run first; those of Craft's or Laravel's deployments when omitted.
        setup: Option<Vec<String>>,
        workspace: Workspace,
    ) -> Result<Invocation> {
        let event = poniard_sdk::serde_json::from_str(&payload)
            .map_err(|why| eyre!("the payload is not JSON: {why}"))?;
        ensure!(
            timeout > 0.0 && timeout <= 900.0,
            "timeout {timeout}: Lambda takes 1 to 900 seconds"
        );
        let plan = self.plan(&workspace).await?;
        let image = self.whole(&plan, handler, file.as_deref()).await?;
        let run = lambda::Plan {
            events: vec![event],
            timeout,
            ..self.run_of(&plan, setup)
        };
        Invocation::of(self.run(&image, run).await?)
    }

    /// A plugin against versions of PHP and of packages, every combination in parallel.
    #[function(cache = "session")]
    pub async fn matrix(
        &self,
        /// Versions of PHP, such as `8.2,8.4`.
        php: Vec<String>,
        /// Packages with constraints, such as `craftcms/cms:^5.0`; several for one column with blanks between.
        package: Option<Vec<String>>,
        /// Command that tests the plugin.
        #[arg(default = "vendor/bin/phpunit")]
        command: String,
        /// Extensions out of Bref's extras, such as `gd`.
        extension: Option<Vec<String>>,
        workspace: Workspace,
    ) -> Result<Matrix> {
        let cells = matrix::cells(&php, &package.unwrap_or_default())?;
        let extensions = extension.unwrap_or_default();
        let rows = self.rows(&workspace, cells, &extensions, command).await?;
        Ok(Matrix::new(rows))
    }
}

#[cfg(test)]
#[path = "../../readme.rs"]
mod readme;
#[cfg(test)]
mod tests;
