//! The function's code and its versions. Both calls are guarded by a revision;
//! when one is refused, or it is not known whether it was done, the function is
//! looked at again before anything else.

use poniard_sdk::prelude::*;

use super::wait;
use crate::aws::lambda::{Configuration, Function, Lambda, number};

/// Attempts, each after the function has settled.
const ROUNDS: usize = 5;

/// Makes an image the function's code, unless it is already. `before` is what
/// the function was when this was decided.
pub async fn code(
    lambda: &Lambda,
    before: &Function,
    image_uri: &str,
    digest: &str,
) -> Result<Function> {
    let mut seen = before.clone();
    for round in 0..ROUNDS {
        if round > 0 || wait::is_busy(&seen.configuration) {
            seen = wait::settled(lambda).await?;
        }
        let failed = seen.configuration.last_update_status == "Failed";
        if seen.runs(digest) && !(round == 0 && failed) {
            return running(lambda, digest).await;
        }
        ensure!(
            same_code(&seen, before),
            "somebody else has changed the code of `{}` meanwhile: nothing was overwritten, run this again",
            lambda.function
        );
        let revision = &seen.configuration.revision_id;
        match lambda.update_code(image_uri, revision).await {
            Ok(_) => return running(lambda, digest).await,
            Err(failure) if failure.is_worth_a_look() && round + 1 < ROUNDS => {}
            Err(failure) => return Err(failure.into()),
        }
    }
    bail!("`{}` is changed again and again by others", lambda.function)
}

/// Publishes what the function is now, unless the newest version is just that:
/// one that an earlier run published before it ended early, say.
pub async fn version(
    lambda: &Lambda,
    function: &Function,
    before: Option<&Configuration>,
    digest: &str,
    description: Option<&str>,
) -> Result<Configuration> {
    let mut of = function.configuration.clone();
    if let Some(newest) = before.filter(|newest| newest.is_same(&of) && newest.state != "Failed") {
        return Ok(newest.clone());
    }
    let newest_before = before.and_then(|newest| number(&newest.version));
    for round in 0..ROUNDS {
        match lambda
            .publish_version(&of.code_sha256, &of.revision_id, description)
            .await
        {
            Ok(version) => return Ok(version),
            Err(failure) if failure.is_worth_a_look() && round + 1 < ROUNDS => {}
            Err(failure) => return Err(failure.into()),
        }
        of = running(lambda, digest).await?.configuration;
        let versions = lambda.versions().await?;
        let ours = versions.into_iter().find(|version| {
            number(&version.version) > newest_before && version.code_sha256 == of.code_sha256
        });
        if let Some(version) = ours {
            return Ok(version);
        }
    }
    bail!("`{}` is changed again and again by others", lambda.function)
}

/// The function once it runs the image.
async fn running(lambda: &Lambda, digest: &str) -> Result<Function> {
    let function = wait::updated(lambda).await?;
    ensure!(
        function.runs(digest),
        "somebody else has changed the code of `{}` meanwhile: run this again",
        lambda.function
    );
    Ok(function)
}

fn same_code(one: &Function, other: &Function) -> bool {
    one.code.image_uri == other.code.image_uri
        && one.code.resolved_image_uri == other.code.resolved_image_uri
        && one.configuration.code_sha256 == other.configuration.code_sha256
}
