//! The programs of all modules, static, for each platform.

use std::fs;
use std::path::Path;

use eyre::{Result, WrapErr};
use xshell::cmd;

use super::{PLATFORMS, Plan, Platform};
use crate::project::Project;
use crate::setup::{self, find};

/// Makes `<programs>/<architecture>/<module>`.
pub fn all(project: &Project, plan: &Plan, programs: &Path) -> Result<()> {
    let sh = &project.sh;
    for platform in &PLATFORMS {
        let target = platform.target;
        setup::standard_library(sh, target)?;
        if std::env::consts::ARCH != platform.machine() {
            setup::install(sh, &[platform.compiler()])?;
        }
        let dir = project.target.join("release-modules");
        let packages = plan
            .modules
            .iter()
            .flat_map(|module| ["--package", &module.name]);
        // What a module's own directory tells cargo, which runs in the root here.
        let settings = plan
            .modules
            .iter()
            .map(|module| format!("{}/.cargo/config.toml", module.dir))
            .filter(|path| project.root.join(path).exists())
            .flat_map(|path| ["--config".to_owned(), path]);
        // The same program wherever it is compiled.
        let flags = format!(
            "-C target-feature=+crt-static --remap-path-prefix={}=. --remap-path-prefix={}=cargo",
            project.root.display(),
            cargo_home().display(),
        );
        let upper = target.replace('-', "_").to_uppercase();
        let compiler = format!("{}-gcc", platform.gnu);
        let mut build = cmd!(
            sh,
            "cargo build {settings...} --locked --profile prebuilt --target {target} {packages...}"
        )
        .env("CARGO_TARGET_DIR", &dir)
        .env("RUSTFLAGS", flags);
        if find(&compiler).is_some() {
            build = build.env(format!("CARGO_TARGET_{upper}_LINKER"), compiler);
        }
        build.run()?;
        let to = programs.join(platform.architecture);
        fs::create_dir_all(&to)?;
        for module in &plan.modules {
            let built = dir.join(target).join("prebuilt").join(&module.name);
            fs::copy(&built, to.join(&module.name))
                .wrap_err_with(|| format!("cannot copy `{}`", built.display()))?;
        }
    }
    Ok(())
}

fn cargo_home() -> std::path::PathBuf {
    let home = std::env::var_os("HOME").unwrap_or_default();
    std::env::var_os("CARGO_HOME").map_or_else(|| Path::new(&home).join(".cargo"), Into::into)
}

impl Platform {
    /// What Debian has to link for it on another one.
    fn compiler(&self) -> &'static [setup::Package] {
        match self.architecture {
            "arm64" => setup::CROSS_ARM64,
            _ => setup::CROSS_AMD64,
        }
    }
}
