//! The program of a module: from the image of its release, or compiled here. A
//! static binary that runs in an empty container, the same that the SDK's runtime
//! makes on a Dagger Engine.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;

use eyre::{Result, WrapErr, bail, eyre};
use tokio::io::{AsyncBufReadExt, BufReader};

use super::{Module, prebuilt};
use crate::graph::{Engine, Failure};
use crate::programs;

/// The binary of a module, unless one is there for these sources: from a release
/// that has it, else compiled.
pub async fn binary(engine: &Arc<Engine>, module: &Module) -> Result<PathBuf> {
    let key = module.source_key()?;
    let dir = engine.store.root().join("modules").join(format!(
        "{}-{}",
        module.config.name,
        &key.hex()[..24]
    ));
    let binary = dir.join("module");
    if engine.store.mark_used(&dir) && binary.exists() {
        return Ok(binary);
    }
    if prebuilt::keep(engine, module, &dir).await? {
        return Ok(binary);
    }
    if !module.code().join("Cargo.toml").exists() {
        let sdk = module
            .config
            .sdk
            .as_ref()
            .map(|sdk| sdk.source.as_str())
            .unwrap_or_default();
        bail!(
            "module `{}` is not written in Rust (sdk `{sdk}`): poniard runs modules in Rust only; \
             use a Dagger Engine for it",
            module.config.name
        );
    }
    // Cargo locks its target directory anyway; so the user is told who waits.
    let _lock = engine.store.lock("cargo").await?;
    if binary.exists() {
        return Ok(binary);
    }
    let built = engine.gate.pass(cargo(engine, module)).await?;
    keep(engine, &built, &dir)?;
    Ok(binary)
}

/// Puts a program where [`binary`] finds it: whole, or not at all.
pub(super) fn keep(engine: &Engine, program: &Path, dir: &Path) -> Result<()> {
    let temp = engine.store.temp_dir()?;
    let (copy, binary) = (temp.path().join("module"), dir.join("module"));
    std::fs::copy(program, &copy)
        .wrap_err_with(|| format!("cannot keep `{}`", program.display()))?;
    std::fs::create_dir_all(dir).wrap_err_with(|| format!("cannot make `{}`", dir.display()))?;
    std::fs::rename(&copy, &binary).wrap_err_with(|| format!("cannot keep `{}`", binary.display()))
}

/// Runs cargo; gives the path of the executable.
async fn cargo(engine: &Arc<Engine>, module: &Module) -> Result<PathBuf> {
    let span = engine
        .progress
        .start(format!("compile module {}", module.config.name));
    let mut child = tokio::process::Command::new("cargo")
        .arg("build")
        .args(FLAGS)
        .arg("--message-format=json-render-diagnostics")
        .args(["--bin", &module.config.name])
        .arg("--manifest-path")
        .arg(module.code().join("Cargo.toml"))
        // With the settings that the module may have for cargo.
        .current_dir(module.code())
        // Ctrl-C is for us: a build that is not wanted any more is killed, not failed.
        .process_group(0)
        .envs(environment(engine.store.root()))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .map_err(|error| {
            eyre!(
                "cannot run `cargo` to compile module `{}`: {error}; install Rust",
                module.config.name
            )
        })?;
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    let messages = async {
        let mut found = None;
        if let Some(stdout) = stdout {
            let mut lines = BufReader::new(stdout).lines();
            while let Some(line) = lines.next_line().await? {
                found = executable(&line, &module.config.name).or(found);
            }
        }
        Ok::<_, eyre::Report>(found)
    };
    let shown = async {
        let mut text = String::new();
        if let Some(stderr) = stderr {
            let mut lines = BufReader::new(stderr).lines();
            while let Some(line) = lines.next_line().await? {
                span.output(true, format!("{line}\n").as_bytes());
                text.push_str(&line);
                text.push('\n');
            }
        }
        Ok::<_, eyre::Report>(text)
    };
    let (found, text) = tokio::try_join!(messages, shown)?;
    let status = child.wait().await?;
    if !status.success() {
        span.fail("does not compile");
        return Err(Failure::new(format!(
            "module `{}` does not compile:\n{}",
            module.config.name,
            problems(&text)
        ))
        .into());
    }
    span.finish();
    found.ok_or_else(|| {
        eyre!(
            "module `{0}` has no program `{0}`: its Cargo.toml needs a binary target of that name",
            module.config.name
        )
    })
}

/// What cargo is told for every module, so that each crate is compiled once.
pub const FLAGS: [&str; 4] = ["--target", "host-tuple", "--profile", "dagger"];

/// Variables that go with [`FLAGS`], for poniard's state in `state_dir`.
pub fn environment(state_dir: &Path) -> Vec<(&'static str, PathBuf)> {
    let mut variables = vec![
        ("CARGO_TARGET_DIR", target_dir(state_dir)),
        ("RUSTFLAGS", "-C target-feature=+crt-static".into()),
        ("CARGO_TERM_COLOR", "never".into()),
        // As for everything else from git, its credentials and settings count.
        ("CARGO_NET_GIT_FETCH_WITH_CLI", "true".into()),
    ];
    variables.extend(homes());
    variables
}

/// Where rustup's cargo keeps its toolchains and registry: beside the program,
/// also when `HOME` is another one, as for users of CI and `sudo`.
fn homes() -> Vec<(&'static str, PathBuf)> {
    let found = programs::find("cargo");
    let Some(cargo_home) = found
        .as_deref()
        .and_then(Path::parent)
        .filter(|dir| dir.ends_with(".cargo/bin"))
        .and_then(Path::parent)
    else {
        return Vec::new();
    };
    let rustup_home = cargo_home.with_file_name(".rustup");
    [
        ("CARGO_HOME", cargo_home.to_owned()),
        ("RUSTUP_HOME", rustup_home),
    ]
    .into_iter()
    .filter(|(name, dir)| std::env::var_os(name).is_none() && dir.is_dir())
    .collect()
}

/// Where cargo works: shared by all modules, so that each dependency is
/// compiled once.
fn target_dir(state_dir: &Path) -> PathBuf {
    match std::env::var_os("PONIARD_CARGO_TARGET") {
        Some(dir) => PathBuf::from(dir),
        None => state_dir.join("cargo-target"),
    }
}

fn executable(line: &str, name: &str) -> Option<PathBuf> {
    let message: serde_json::Value = serde_json::from_str(line).ok()?;
    let wanted = message["reason"] == "compiler-artifact" && message["target"]["name"] == name;
    Some(Path::new(message["executable"].as_str().filter(|_| wanted)?).to_owned())
}

/// What cargo said, without its lines on progress.
fn problems(text: &str) -> String {
    let progress = [
        "Compiling ",
        "Downloading ",
        "Downloaded ",
        "Updating ",
        "Blocking ",
        "Locking ",
        "Adding ",
        "Checking ",
    ];
    let kept: Vec<_> = text
        .lines()
        .filter(|line| {
            !progress
                .iter()
                .any(|word| line.trim_start().starts_with(word))
        })
        .collect();
    kept.join("\n").trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn progress_of_cargo_is_left_out_of_the_error() {
        let text =
            "   Compiling a v0.1.0\nerror[E0425]: cannot find value `x`\n --> src/main.rs:1:1\n";
        assert_eq!(
            problems(text),
            "error[E0425]: cannot find value `x`\n --> src/main.rs:1:1"
        );
    }

    #[test]
    fn the_program_of_the_module_is_found_among_the_messages() {
        let line = r#"{"reason":"compiler-artifact","target":{"name":"m"},"executable":"/t/m"}"#;
        assert_eq!(executable(line, "m"), Some(PathBuf::from("/t/m")));
        assert_eq!(executable(line, "other"), None);
    }
}
