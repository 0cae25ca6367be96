//! Images made from packages, by the scripts that `poniard.toml` names.
//!
//! A recipe without `from` runs on the host and fills a directory ([`host`]).
//! With `from` it runs in a container of that image and its changes are kept;
//! with `builder` as well it runs in the builder, and what it puts into
//! `/rootfs` there is laid over the image `from`.

mod host;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::PoisonError;

use eyre::{Result, WrapErr};
use oci_client::Reference;

use super::settings::Recipe;
use super::{Credentials, Image, ImageConfig, Images, host_platform, reference};
use crate::progress::Progress;
use crate::store::{Digest, Filter, Hasher, Snapshot, Tree};

/// Of scripts that ask for nothing else.
const DEFAULT_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// Where a recipe in a builder leaves its result.
const RESULT: &str = "/rootfs";

/// Which image is to be made, and for which others.
pub(super) struct Wanted<'a> {
    pub address: &'a str,
    pub reference: &'a Reference,
    pub platform: &'a str,
    pub makers: &'a [String],
}

/// The files that a recipe works with.
struct Inputs {
    dir: PathBuf,
    /// Below `dir`.
    script: PathBuf,
    digest: Digest,
    _temp: Option<tempfile::TempDir>,
}

impl Images {
    pub(super) async fn make(
        &self,
        recipe: &Recipe,
        wanted: &Wanted<'_>,
        auth: &BTreeMap<String, Credentials>,
        progress: &Progress,
    ) -> Result<Image> {
        let address = wanted.address;
        if wanted.platform != host_platform() {
            eyre::bail!(
                "cannot make image `{address}` for `{}`: its recipe (`{}`) makes `{}` only",
                wanted.platform,
                self.settings.path.display(),
                host_platform()
            );
        }
        let name = wanted.reference.whole();
        let makers = [wanted.makers, std::slice::from_ref(&name)].concat();
        if wanted.makers.contains(&name) {
            eyre::bail!(
                "cannot make image `{address}`: its recipe needs itself ({})",
                makers.join(" → ")
            );
        }
        let base = match &recipe.from {
            Some(from) => Some(
                self.get_for(from, wanted.platform, auth, progress, &makers)
                    .await?,
            ),
            None => None,
        };
        let builder = match &recipe.builder {
            Some(image) => Some(
                self.get_for(image, wanted.platform, auth, progress, &makers)
                    .await?,
            ),
            None => None,
        };
        let args = recipe.args_for(wanted.reference);
        let inputs = self.inputs(recipe)?;
        let key = recipe.key(&args, &inputs, base.as_ref(), builder.as_ref());
        self.announce(address, recipe, progress);
        let found = |image: Image| Image {
            reference: reference::pinned(wanted.reference, &key.to_string()),
            ..image
        };
        if let Some(image) = self.store.cached::<Image>("recipe", &key) {
            return Ok(found(image));
        }
        let _lock = self.store.lock(&format!("recipe-{}", key.hex())).await?;
        if let Some(image) = self.store.cached::<Image>("recipe", &key) {
            return Ok(found(image));
        }
        let span = progress.start(format!("make image {address}"));
        let rootfs = match &base {
            None => self.run_on_host(&inputs, &args, &span).await,
            Some(base) => {
                self.run_in(
                    base,
                    builder.as_ref(),
                    recipe,
                    &inputs,
                    &args,
                    key,
                    &span.child(),
                )
                .await
            }
        };
        let rootfs = match rootfs.wrap_err_with(|| {
            format!(
                "cannot make image `{address}` by recipe `{}`",
                self.shown(&recipe.script)
            )
        }) {
            Ok(rootfs) => rootfs,
            Err(error) => {
                span.fail(format!("{error:#}"));
                return Err(error);
            }
        };
        let config = recipe.config(base.as_ref(), wanted.platform);
        let image = found(Image {
            config,
            rootfs,
            reference: String::new(),
        });
        self.store.remember("recipe", &key, &image)?;
        span.finish();
        Ok(image)
    }

    #[expect(clippy::too_many_arguments, reason = "as many things count")]
    async fn run_in(
        &self,
        base: &Image,
        builder: Option<&Image>,
        recipe: &Recipe,
        inputs: &Inputs,
        args: &[String],
        key: Digest,
        progress: &Progress,
    ) -> Result<Snapshot> {
        let volume = |path: &PathBuf| -> Result<(PathBuf, PathBuf)> {
            let key = Hasher::new("recipe-cache-1")
                .with(path.as_os_str().as_encoded_bytes())
                .digest();
            Ok((self.store.volume(&key)?, path.clone()))
        };
        let caches = recipe
            .caches
            .iter()
            .map(volume)
            .collect::<Result<Vec<_>>>()?;
        let image = builder.unwrap_or(base);
        let run = self.runner.run(
            image,
            &inputs.script,
            args,
            &inputs.dir,
            &caches,
            key,
            progress,
        );
        let made = run.await?;
        if builder.is_none() {
            return self.store.by_content(&made, "").await;
        }
        let mount = self.store.mount(&made)?;
        let source = mount.tree();
        if source.stat(RESULT, true)?.is_none() {
            eyre::bail!("the recipe made no directory `{RESULT}`, which becomes the image");
        }
        let lay_over = move |tree: &Tree| {
            let _mount = mount;
            tree.copy_dir(&source, RESULT, "/", &Filter::default(), None, None)
        };
        let id = Hasher::new("recipe-over-1").with(key).digest();
        let laid = self.store.edit(id, &base.rootfs, lay_over).await?;
        self.store.by_content(&laid, "").await
    }

    /// The directory that holds the script and what goes with it.
    fn inputs(&self, recipe: &Recipe) -> Result<Inputs> {
        if let Some(dir) = &recipe.inputs {
            let script = recipe.script.strip_prefix(dir)?.to_owned();
            let digest = Tree::new(dir).digest("")?;
            return Ok(Inputs {
                dir: dir.clone(),
                script,
                digest,
                _temp: None,
            });
        }
        let temp = self.store.temp_dir()?;
        let script = PathBuf::from(recipe.script.file_name().unwrap_or_default());
        let text = std::fs::read(&recipe.script)
            .wrap_err_with(|| format!("cannot read recipe `{}`", recipe.script.display()))?;
        std::fs::write(temp.path().join(&script), &text)?;
        Ok(Inputs {
            dir: temp.path().to_owned(),
            script,
            digest: Digest::of(&text),
            _temp: Some(temp),
        })
    }

    /// Tells the user, once, that an image does not come from a registry.
    fn announce(&self, address: &str, recipe: &Recipe, progress: &Progress) {
        let mut announced = self.announced.lock().unwrap_or_else(PoisonError::into_inner);
        if announced.insert(address.to_owned()) {
            progress.note(format!(
                "image `{address}` is made by recipe {} ({})",
                self.shown(&recipe.script),
                file_name(&self.settings.path)
            ));
        }
    }

    /// A path of the settings as the settings have it.
    fn shown(&self, path: &Path) -> String {
        let dir = self
            .settings
            .path
            .parent()
            .and_then(|dir| dir.canonicalize().ok());
        let short = dir.and_then(|dir| path.strip_prefix(dir).ok().map(Path::to_owned));
        short
            .unwrap_or_else(|| path.to_owned())
            .display()
            .to_string()
    }
}

impl Recipe {
    /// `{tag}` stands for the tag that was asked for.
    fn args_for(&self, reference: &Reference) -> Vec<String> {
        let tag = reference.tag().unwrap_or("latest");
        self.args
            .iter()
            .map(|arg| arg.replace("{tag}", tag))
            .collect()
    }

    fn key(
        &self,
        args: &[String],
        inputs: &Inputs,
        base: Option<&Image>,
        builder: Option<&Image>,
    ) -> Digest {
        let id = |image: Option<&Image>| image.map_or(String::new(), |image| image.rootfs.id.hex());
        let list = |list: &Option<Vec<String>>| format!("{list:?}");
        Hasher::new("recipe-1")
            .with(inputs.digest)
            .with(inputs.script.as_os_str().as_encoded_bytes())
            .with_all(args.iter())
            .with(id(base))
            .with(id(builder))
            .with_all(self.env.iter())
            .with(list(&self.entrypoint))
            .with(list(&self.cmd))
            .with(format!("{:?} {:?}", self.workdir, self.user))
            .with_all(self.exposed_ports.iter())
            .digest()
    }

    fn config(&self, base: Option<&Image>, platform: &str) -> ImageConfig {
        let mut config = base
            .map(|base| base.config.clone())
            .unwrap_or_else(|| ImageConfig {
                env: vec![("PATH".to_owned(), DEFAULT_PATH.to_owned())],
                ..ImageConfig::default()
            });
        config.platform = platform.to_owned();
        for (name, value) in self
            .env
            .iter()
            .filter_map(|variable| variable.split_once('='))
        {
            let value = value.to_owned();
            match config.env.iter_mut().find(|(known, _)| known == name) {
                Some(variable) => variable.1 = value,
                None => config.env.push((name.to_owned(), value)),
            }
        }
        if let Some(entrypoint) = &self.entrypoint {
            config.entrypoint.clone_from(entrypoint);
        }
        if let Some(cmd) = &self.cmd {
            config.cmd.clone_from(cmd);
        }
        if let Some(workdir) = &self.workdir {
            config.workdir.clone_from(workdir);
        }
        if let Some(user) = &self.user {
            config.user.clone_from(user);
        }
        config
            .exposed_ports
            .extend(self.exposed_ports.iter().cloned());
        config
    }
}

fn file_name(path: &Path) -> String {
    path.file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned()
}
