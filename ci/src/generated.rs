//! Files of modules that are made from their code: types, and tables in READMEs.

use futures::{TryStreamExt, stream};
use poniard_sdk::api::DirectoryAsModuleOptsBuilder;
use poniard_sdk::prelude::*;
use poniard_sdk::serde_json::{self, Value};

use crate::readme;

const TYPES: &str = "dagger.types.json";
/// How many modules are looked at at once.
const AT_ONCE: usize = 4;

/// Folders of modules: those with types, and a program that tells them.
async fn modules(source: &Directory) -> Result<Vec<String>> {
    let mut folders = Vec::new();
    for pattern in ["ci/dagger.types.json", "modules/*/dagger.types.json"] {
        let found = source.glob(pattern).await?;
        let folder = |path: String| {
            path.trim_end_matches(TYPES)
                .trim_end_matches('/')
                .to_owned()
        };
        folders.extend(found.into_iter().map(folder));
    }
    ensure!(
        !folders.is_empty(),
        "there are no modules in `ci` and `modules`: is this a checkout of poniard?"
    );
    Ok(folders)
}

/// The checkout with the types that the modules' programs print.
pub async fn types(source: &Directory) -> Result<Directory> {
    let folders = modules(source).await?;
    let printed = |folder: String| async move {
        let opts = DirectoryAsModuleOptsBuilder::default()
            .source_root_path(folder.as_str())
            .build()?;
        let runtime = source.as_module_opts(opts).runtime();
        let text = runtime
            .with_exec(vec!["/runtime", "types"])
            .stdout()
            .await
            .wrap_err_with(|| format!("cannot ask module `{folder}` for its types"))?;
        Ok::<_, poniard_sdk::eyre::Report>((format!("{folder}/{TYPES}"), text))
    };
    all(source, folders, printed).await
}

/// The checkout with READMEs whose tables are those of the types.
pub async fn readmes(source: &Directory) -> Result<Directory> {
    let folders = modules(source).await?;
    let renewed = |folder: String| async move {
        let types = source.file(format!("{folder}/{TYPES}")).contents().await?;
        let types: Value = serde_json::from_str(&types)
            .wrap_err_with(|| format!("cannot read `{folder}/{TYPES}`"))?;
        let path = format!("{folder}/README.md");
        let text = source.file(&path).contents().await?;
        let text = readme::renewed(&text, &types).ok_or_else(|| {
            eyre!("`{path}` has no place for the functions: see `modules/readme.rs`")
        })?;
        Ok::<_, poniard_sdk::eyre::Report>((path, text))
    };
    all(source, folders, renewed).await
}

/// Writes what is made for each folder; files that are so already stay.
async fn all<F>(
    source: &Directory,
    folders: Vec<String>,
    make: impl Fn(String) -> F,
) -> Result<Directory>
where
    F: Future<Output = Result<(String, String)>>,
{
    let made: Vec<_> = stream::iter(folders.into_iter().map(|folder| Ok(make(folder))))
        .try_buffered(AT_ONCE)
        .try_collect()
        .await?;
    Ok(made
        .into_iter()
        .fold(source.clone(), |source, (path, text)| {
            source.with_new_file(path, text)
        }))
}
