//! Finds the file that a function reads.

use poniard_sdk::prelude::*;

/// A file's text and what messages call it.
pub struct Source {
    pub name: String,
    pub text: String,
}

impl Source {
    /// The file `given`, or else the nearest `name` at or above the caller's
    /// directory in its workspace.
    pub async fn find(workspace: &Workspace, given: Option<&File>, name: &str) -> Result<Self> {
        if let Some(file) = given {
            let name = file.name().await?;
            let text = file
                .contents()
                .await
                .wrap_err_with(|| format!("cannot read `{name}`"))?;
            return Ok(Self { name, text });
        }
        let Some(path) = workspace.find_up(name).await.nullable()? else {
            return Err(missing(workspace, name).await?);
        };
        let text = workspace.file(path.as_str()).contents().await;
        let name = path.trim_start_matches('/').to_owned();
        let text = text.wrap_err_with(|| format!("cannot read `{name}`"))?;
        Ok(Self { name, text })
    }
}

async fn missing(workspace: &Workspace, name: &str) -> Result<poniard_sdk::eyre::Report> {
    let place = workspace.path().await?;
    let place = match place.trim_matches(['/', '.']) {
        "" => "the workspace's root".to_owned(),
        path => format!("`{path}`"),
    };
    let other = name.replace(".yaml", ".yml");
    if let Some(path) = workspace.find_up(&other).await.nullable()? {
        return Ok(eyre!(
            "no `{name}`, but `{}`: rename it",
            path.trim_start_matches('/')
        ));
    }
    Ok(eyre!(
        "no `{name}` in {place} or above: write one, or pass `--file`"
    ))
}
