//! Waits with the intervals and limits of the waiters of AWS.

use std::time::Duration;

use poniard_sdk::prelude::*;
use tokio::time::{Interval, MissedTickBehavior};

use crate::aws::lambda::{Configuration, Function, Lambda};

/// `FunctionUpdatedV2` and `FunctionActiveV2`.
const FUNCTION: (Duration, u32) = (Duration::from_secs(1), 300);
/// `PublishedVersionActive`.
const VERSION: (Duration, u32) = (Duration::from_secs(5), 312);

/// Until nobody changes the function, however that ended.
pub async fn settled(lambda: &Lambda) -> Result<Function> {
    let (pause, polls) = FUNCTION;
    let mut clock = clock(pause);
    for _ in 0..polls {
        clock.tick().await;
        let function = lambda.get().await?;
        if !is_busy(&function.configuration) {
            return Ok(function);
        }
    }
    bail!(
        "`{}` is still being changed after {} s: run this again when that has ended",
        lambda.function,
        polls * u32::try_from(pause.as_secs()).unwrap_or(1)
    )
}

/// Until the last change has come through.
pub async fn updated(lambda: &Lambda) -> Result<Function> {
    let function = settled(lambda).await?;
    let of = &function.configuration;
    ensure!(
        of.last_update_status != "Failed",
        "Lambda could not update `{}`: {}",
        lambda.function,
        reason(
            &of.last_update_status_reason_code,
            &of.last_update_status_reason
        )
    );
    ensure!(
        of.state != "Failed",
        "Lambda could not start `{}`: {}",
        lambda.function,
        reason(&of.state_reason_code, &of.state_reason)
    );
    Ok(function)
}

/// Until a version can be invoked.
pub async fn version_active(lambda: &Lambda, version: &str) -> Result<()> {
    let (pause, polls) = VERSION;
    let mut clock = clock(pause);
    for _ in 0..polls {
        clock.tick().await;
        let of = lambda.get_configuration(version).await?;
        match of.state.as_str() {
            "Pending" => {}
            "Failed" => bail!(
                "Lambda could not start version {version} of `{}`: {}",
                lambda.function,
                reason(&of.state_reason_code, &of.state_reason)
            ),
            _ => return Ok(()),
        }
    }
    bail!(
        "version {version} of `{}` is not active after {} s",
        lambda.function,
        polls * u32::try_from(pause.as_secs()).unwrap_or(5)
    )
}

/// Ticks at once, and then from poll to poll: the time that an answer takes is
/// part of the pause.
fn clock(pause: Duration) -> Interval {
    let mut clock = tokio::time::interval(pause);
    clock.set_missed_tick_behavior(MissedTickBehavior::Delay);
    clock
}

pub fn is_busy(of: &Configuration) -> bool {
    of.last_update_status == "InProgress" || of.state == "Pending"
}

fn reason(code: &str, text: &str) -> String {
    match (code, text) {
        ("", "") => "it does not say why".to_owned(),
        ("", text) => text.to_owned(),
        (code, "") => code.to_owned(),
        (code, text) => format!("{text} ({code})"),
    }
}
