//! What the repository's projects deploy with.

use poniard_sdk::prelude::*;

mod deps {
    poniard_sdk::dependencies!();
}
use deps::{CloudflareDeploy, CloudflareDeployOpts, Dependencies};

/// Deploys to Cloudflare, as it is called in `/cloudflare-api`.
#[object]
pub struct Cloudflare {}

#[functions]
impl Cloudflare {
    /// Deploys a website.
    #[function(cache = "never")]
    pub async fn deploy(
        &self,
        dist: Directory,
        wrangler_config: File,
        cloudflare_api_token: Secret,
        workspace: Workspace,
    ) -> Result<String> {
        let deploy = wrangler(&workspace).await?;
        let deployment = deploy.deploy(dist, wrangler_config, cloudflare_api_token);
        Ok(deployment.summary().await?)
    }

    /// Deploys a preview.
    #[function(cache = "never")]
    pub async fn preview(
        &self,
        dist: Directory,
        wrangler_config: File,
        cloudflare_api_token: Secret,
        gitlab_api_token: Secret,
        merge_request_id: String,
        workspace: Workspace,
    ) -> Result<String> {
        let preview = wrangler(&workspace).await?.preview(
            dist,
            wrangler_config,
            cloudflare_api_token,
            gitlab_api_token,
            merge_request_id,
        );
        Ok(preview.summary().await?)
    }
}

async fn wrangler(workspace: &Workspace) -> Result<CloudflareDeploy> {
    let url = workspace.file("/cloudflare-api").contents().await?;
    Ok(dag().cloudflare_deploy_opts(CloudflareDeployOpts {
        api_url: Some(url),
        ..Default::default()
    }))
}
