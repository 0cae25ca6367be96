//! `lock update`: looks up anew what `.dagger/lock` has.

use std::sync::Arc;

use serde_json::json;

use crate::client::Failure;
use crate::lock::FILE;

use super::args::Global;
use super::runtime::{Context, Interrupts, with_engine};

pub fn update(global: &Global) -> Result<(), Failure> {
    with_engine(
        global,
        Interrupts::End,
        async move |context: Arc<Context>| {
            let query = "{ currentWorkspace { update { isEmpty export(path: \".\") } } }";
            let data = context.session.query(query, json!({})).await?;
            let is_current = data["currentWorkspace"]["update"]["isEmpty"] == true;
            let told = if is_current {
                "Lockfile already up to date\n".to_owned()
            } else {
                format!("Updated {FILE}\n")
            };
            Ok(context.printer()(&told)?)
        },
    )
}
