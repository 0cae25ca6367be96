//! Reads the API's description once, when poniard is built.

#[path = "../src/api/model.rs"]
#[allow(dead_code)]
mod model;
mod sdl;

use std::path::PathBuf;

use eyre::{OptionExt, Result};

const SCHEMA: &str = "src/api/schema.graphql";

fn main() -> Result<()> {
    println!("cargo::rerun-if-changed={SCHEMA}");
    println!("cargo::rerun-if-changed=src/api/model.rs");
    println!("cargo::rerun-if-changed=build");
    let model = sdl::read(&std::fs::read_to_string(SCHEMA)?)?;
    let out = std::env::var_os("OUT_DIR").ok_or_eyre("cargo sets no OUT_DIR")?;
    std::fs::write(
        PathBuf::from(out).join("core.json"),
        serde_json::to_vec(&model)?,
    )?;
    Ok(())
}
