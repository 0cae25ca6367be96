//! Lambda images of PHP and Craft CMS projects on Bref.
//!
//! [`project`] finds the files, [`settings`] reads what they ask for,
//! [`composer`] checks and installs the packages, [`assets`] runs Node.js, and
//! [`image`] lays all of it on Bref's base. [`lambda`] runs an image as Lambda
//! does, beside a [`database`].

#![cfg_attr(test, allow(clippy::unwrap_used))]

mod artifacts;
mod assets;
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
mod project;
mod settings;

use futures::try_join;
use poniard_sdk::api::QueryContainerOptsBuilder;
use poniard_sdk::prelude::*;

use assets::Step;
use composer::manifest::Manifest;
use composer::platform::Base;
use database::{Database, DatabaseKind};
use deps::Dependencies as _;
use image::{Function, Handler};
use invocation::Invocation;
use matrix::report::Matrix;
use project::{Project, join};
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
/// Seconds that API Gateway gives a function.
const TIMEOUT_SECS: f64 = 28.0;
/// Megabytes of Craft Cloud's and Bref's functions.
const MEMORY: u32 = 1024;

/// A project that was read and checked.
struct Plan {
    project: Project,
    settings: Settings,
    manifest: Manifest,
    base: Container,
}

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
        let project = Project::find(&workspace, self.source.as_ref(), self.config.as_ref()).await?;
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
        let step = Step::read(&plan.project, &plan.settings).await?;
        match self.output(step.as_ref(), &plan.settings).await? {
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
        let step = Step::read(&plan.project, &plan.settings).await?;
        let path = plan.settings.artifact_path.as_str();
        let mut files = plan.project.source.clone();
        if let Some(output) = self.output(step.as_ref(), &plan.settings).await? {
            files = files.with_directory(path, output);
        }
        let laid = artifacts::laid_out(&plan, &files).await?;
        match artifacts::rules(&plan.project).await? {
            Some(rules) => Ok(laid.with_new_file("rules.json", rules)),
            None => Ok(laid),
        }
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

    /// The site as it runs in production, its static files beside it.
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
        let image = self.whole(&plan, Handler::Web, None).await?;
        let run = lambda::Plan {
            set_up: self.set_up(&plan, setup),
            port,
            ..lambda_plan(&plan)
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
            set_up: self.set_up(&plan, setup),
            requests: paths,
            contains: contains.clone(),
            ..lambda_plan(&plan)
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
            set_up: self.set_up(&plan, setup),
            events: vec![event],
            timeout,
            ..lambda_plan(&plan)
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
        let project = Project::find(&workspace, self.source.as_ref(), self.config.as_ref()).await?;
        let platform = self.platform().await?;
        let mut runs = Vec::new();
        for cell in cells {
            let image =
                |kind: &str| settings::image(kind, &cell.php, &platform, &self.bref_version);
            let base = self.container(&image("php")?, &platform)?;
            let extras = extension.iter().flatten();
            let extras: Result<Vec<_>> = extras
                .map(|name| image(&format!("extra-{name}-php")))
                .collect();
            let base = image::with_images(&base, &extras?);
            let base = image::with_enabled(&base, &matrix::ENABLED.map(str::to_owned));
            runs.push((cell, self.with_auth(&self.with_variables(&base))));
        }
        let bench = matrix::Bench {
            composer: self.composer().file("/usr/bin/composer"),
            source: project.source,
            command: vec!["sh".to_owned(), "-c".to_owned(), command],
        };
        Ok(Matrix::new(bench.run(runs).await))
    }
}

impl PhpBuild {
    /// Reads the project and checks it against the base image.
    async fn plan(&self, workspace: &Workspace) -> Result<Plan> {
        let project = Project::find(workspace, self.source.as_ref(), self.config.as_ref()).await?;
        let platform = self.platform().await?;
        let (settings, manifest) = Settings::read(&project, &self.bref_version, &platform).await?;
        let base = self.container(&settings.bref_image, &platform)?;
        let looked = Base::look(&base, &project, &manifest, &settings.app_path).await?;
        let composer = self.composer();
        let additions = looked.additions(
            &manifest,
            &self.composer_version,
            composer,
            &settings.bref_image,
        );
        let additions = additions.await?;
        Ok(Plan {
            settings: settings.with(additions, &self.bref_version)?,
            project,
            manifest,
            base,
        })
    }

    async fn platform(&self) -> Result<Platform> {
        Ok(match &self.platform {
            Some(platform) => platform.clone(),
            None => dag().default_platform().await?,
        })
    }

    fn container(&self, image: &str, platform: &Platform) -> Result<Container> {
        let opts = QueryContainerOptsBuilder::default()
            .platform(platform.clone())
            .build()?;
        Ok(dag().container_opts(opts).from(image))
    }

    fn composer(&self) -> Container {
        dag()
            .container()
            .from(format!("composer:{}", self.composer_version))
    }

    fn installed(&self, plan: &Plan) -> Result<Directory> {
        let app = &plan.settings.app_path;
        let from = match plan.manifest.autoloads_sources() {
            true => plan.project.without(&[])?,
            false => plan.project.part(&plan.manifest.include(app))?,
        };
        let composer = self.with_variables(&composer::container(&self.composer()));
        let composer = self.with_auth(&composer);
        let installed = composer::install(&composer, from, app);
        Ok(installed.directory(join("/var/task", &join(app, "vendor"))))
    }

    /// What the Node.js step builds, if there is one.
    async fn output(
        &self,
        step: Option<&Step<'_>>,
        settings: &Settings,
    ) -> Result<Option<Directory>> {
        let Some(step) = step else {
            return Ok(None);
        };
        let image = format!("node:{}", settings.node_version);
        let mut node = self.with_variables(&dag().container().from(image));
        for (name, secret) in self.secret_names.iter().zip(&self.secrets) {
            node = node.with_secret_variable(name.as_str(), secret.clone());
        }
        let output = step.output(&node, self.assets_read_php).await?;
        Ok(Some(output.sync().await?))
    }

    async fn whole(&self, plan: &Plan, handler: Handler, file: Option<&str>) -> Result<Container> {
        let (settings, project) = (&plan.settings, &plan.project);
        ensure!(
            plan.manifest.installs("bref/bref"),
            "`bref/bref` is not among the packages, and nothing runs on Lambda without it: run `composer require bref/bref` (Craft CMS: `craftcms/cloud`)"
        );
        let (function, step) = try_join!(
            Function::find(project, settings, handler, file),
            Step::read(project, settings)
        )?;
        // None waits for another.
        let base = image::with_extensions(&plan.base, settings);
        let packages = image::with_packages(&base, self.installed(plan)?)?;
        let source = project.without(&image::LEFT_OUT)?;
        let (packages, mut source, assets) = try_join!(
            async { Ok(packages.sync().await?) },
            async { Ok(source.sync().await?) },
            self.output(step.as_ref(), settings)
        )?;
        if let Some(output) = assets {
            source = source.with_directory(settings.artifact_path.as_str(), output);
        }
        let mut variables = self.image_variables.clone();
        if !self.artifact_url.is_empty() {
            let path = settings.artifact_path.as_str();
            let laid = artifacts::laid_out(plan, &source).await?;
            let fingerprint = artifacts::fingerprint(&laid).await?;
            let url = &self.artifact_url;
            variables.push(format!("CRAFT_CLOUD_ARTIFACT_BASE_URL={url}/{fingerprint}"));
            source = artifacts::without(&source, path)?;
        }
        if !settings.app_path.is_empty() {
            source = source.directory(settings.app_path.as_str());
        }
        let mut whole = image::with_task(&packages, source)?;
        let scripts = plan.manifest.scripts();
        if !scripts.is_empty() {
            let phar = self.composer().file("/usr/bin/composer");
            let composer = self.with_variables(&whole);
            whole = image::settled(&composer::run_scripts(&composer, phar, &scripts), &base)?;
        }
        let whole = with_variables(&whole, &variables);
        let whole = function.laid_on(&whole);
        let notes = [
            ("title", plan.manifest.name()),
            ("base.name", settings.bref_image.as_str()),
            ("revision", self.revision.as_str()),
            ("source", self.repository.as_str()),
        ];
        Ok(image::with_labels(&whole, &notes))
    }

    /// Runs an image beside a database of its own: what an earlier run left
    /// would be in the way of its migrations.
    async fn run(&self, image: &Container, run: lambda::Plan) -> Result<lambda::Report> {
        let application = image.directory(image::TASK).digest().await?;
        let purpose = format!("{application} {}", run.text()?);
        lambda::run(&self.beside_database(image, &purpose)?, run).await
    }

    fn beside_database(&self, image: &Container, purpose: &str) -> Result<Container> {
        match &*self.database {
            Some(database) => database.bind(image, purpose),
            None => Ok(image.clone()),
        }
    }

    /// What a deployment runs before the new release is live.
    fn set_up(&self, plan: &Plan, lines: Option<Vec<String>>) -> Vec<String> {
        let usual = match plan.settings.console.as_str() {
            "craft" => Some("php craft cloud/up"),
            "artisan" => Some("php artisan migrate --force"),
            _ => None,
        };
        let usual = usual.filter(|_| self.database.is_some());
        lines.unwrap_or_else(|| usual.into_iter().map(str::to_owned).collect())
    }

    fn with_auth(&self, composer: &Container) -> Container {
        match &self.composer_auth {
            Some(auth) => composer.with_secret_variable("COMPOSER_AUTH", auth.clone()),
            None => composer.clone(),
        }
    }

    /// `container` with what the user set for the steps of a build.
    fn with_variables(&self, container: &Container) -> Container {
        with_variables(container, &self.variables)
    }
}

/// `container` with variables as `NAME=value`.
fn with_variables(container: &Container, variables: &[String]) -> Container {
    let pairs = variables.iter().filter_map(|pair| pair.split_once('='));
    pairs.fold(container.clone(), |container, (name, value)| {
        container.with_env_variable(name, value)
    })
}

fn lambda_plan(plan: &Plan) -> lambda::Plan {
    lambda::Plan {
        command: Vec::new(),
        set_up: Vec::new(),
        requests: Vec::new(),
        contains: String::new(),
        events: Vec::new(),
        timeout: TIMEOUT_SECS,
        memory: MEMORY,
        port: 0,
        document_root: plan.settings.document_root.clone(),
    }
}

#[cfg(test)]
#[path = "../../readme.rs"]
mod readme;
#[cfg(test)]
mod tests;
