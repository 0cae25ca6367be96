//! What a machine needs besides Rust and git.

use std::env;
use std::fs::File;
use std::path::{Path, PathBuf};

use eyre::{Result, bail};
use xshell::{Shell, cmd};

/// A Debian package, and a program by which it is known to be there.
pub struct Package {
    name: &'static str,
    program: &'static str,
}

/// What poniard runs containers with, and makes images by recipe with.
pub const PONIARD: &[Package] = &[
    program("ca-certificates", "update-ca-certificates"),
    program("iproute2", "ip"),
    program("mmdebstrap", "mmdebstrap"),
    program("runc", "runc"),
    // For ordinary users: ids for namespaces, and the way out to the network.
    program("slirp4netns", "slirp4netns"),
    program("uidmap", "newuidmap"),
];

/// What tests need besides.
pub const TESTS: &[Package] = &[
    // setpriv and unshare: runs without rights, runs without a network.
    program("util-linux", "setpriv"),
    // The other runtime of containers.
    program("crun", "crun"),
    // Tells which rules the packet filter has.
    program("nftables", "nft"),
    // A registry to push to.
    program("docker-registry", "docker-registry"),
    // A container engine, whose images go in and out.
    program("podman", "podman"),
    // The shell and the programs of Alpine's images.
    program("busybox", "busybox"),
    // A server of git over SSH, without a service, and its client.
    program("dropbear-bin", "dropbear"),
    program("openssh-client", "ssh-agent"),
    // Certificates of test servers; uploads by hand that backups are measured with.
    program("openssl", "openssl"),
    program("curl", "curl"),
    // Looks at the page of a trace; shells that completion is for; a reader of manuals.
    program("chromium-headless-shell", "chromium-headless-shell"),
    program("zsh", "zsh"),
    program("fish", "fish"),
    program("man-db", "man"),
    // What gitlab-ci-local copies a project with.
    program("rsync", "rsync"),
];

/// What programs come from PyPI with, and through it those from npm.
pub const PYTHON: &[Package] = &[program("python3-pip", "pip3")];

/// What links programs for another kind of machine: a compiler of C and its library.
pub const CROSS_ARM64: &[Package] = &[
    program("gcc-aarch64-linux-gnu", "aarch64-linux-gnu-gcc"),
    program("libc6-dev-arm64-cross", "aarch64-linux-gnu-gcc"),
];
pub const CROSS_AMD64: &[Package] = &[
    program("gcc-x86-64-linux-gnu", "x86_64-linux-gnu-gcc"),
    program("libc6-dev-amd64-cross", "x86_64-linux-gnu-gcc"),
];

/// What compiles C for programs that are linked against musl.
pub const MUSL: &[Package] = &[program("musl-tools", "musl-gcc")];

/// What copies an image to a registry.
pub const REGISTRY: &[Package] = &[program("skopeo", "skopeo")];

const fn program(name: &'static str, program: &'static str) -> Package {
    Package { name, program }
}

/// Installs what is missing of `packages`; where that is not possible (not
/// Debian, not root) says what to install.
pub fn install(sh: &Shell, packages: &[&[Package]]) -> Result<()> {
    let missing = || -> Vec<&str> {
        packages
            .iter()
            .flat_map(|packages| packages.iter())
            .filter(|package| find(package.program).is_none())
            .map(|package| package.name)
            .collect()
    };
    let names = missing().join(" ");
    if names.is_empty() {
        return Ok(());
    }
    let Some(apt) = find("apt-get") else {
        bail!(
            "this machine lacks programs that Debian has in the packages {names}: install them and run this again"
        );
    };
    if !rustix::process::geteuid().is_root() {
        bail!("this machine lacks packages: run `sudo apt-get install {names}`, then this again");
    }
    // One of us at a time: `apt-get` does not wait for another to end its `update`.
    let apt = File::open(apt)?;
    apt.lock()?;
    let missing = missing();
    if missing.is_empty() {
        return Ok(());
    }
    eprintln!("installing {}", missing.join(" "));
    let _frontend = sh.push_env("DEBIAN_FRONTEND", "noninteractive");
    cmd!(sh, "apt-get -qq update").quiet().run()?;
    cmd!(
        sh,
        "apt-get -qq -o DPkg::Lock::Timeout=600 install --no-install-recommends {missing...}"
    )
    .quiet()
    .ignore_stdout()
    .run()?;
    Ok(())
}

/// Installs Rust's own library, which comes with the compiler only for its own platform.
pub fn standard_library(sh: &Shell, target: &str) -> Result<()> {
    let there = || -> Result<bool> {
        let dir = cmd!(sh, "rustc --print target-libdir --target {target}")
            .quiet()
            .read()?;
        Ok(Path::new(&dir).is_dir())
    };
    if there()? {
        return Ok(());
    }
    if find("rustup").is_some() {
        cmd!(sh, "rustup target add {target}").run()?;
    }
    if !there()? {
        bail!(
            "the standard library of Rust for `{target}` is missing: install it (`rustup target add {target}`)"
        );
    }
    Ok(())
}

/// A program by its name. Some live where only root looks for them.
pub fn find(name: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let mut dirs: Vec<_> = env::split_paths(&path).collect();
    dirs.extend(["/usr/sbin".into(), "/sbin".into()]);
    dirs.into_iter()
        .map(|dir| dir.join(name))
        .find(|file| file.is_file())
}
