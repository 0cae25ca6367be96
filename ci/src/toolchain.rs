//! Rust in a container, with caches that all checks share.

use poniard_sdk::api::ContainerWithMountedCacheOptsBuilder;
use poniard_sdk::prelude::*;

pub struct Toolchain(Container);

impl Toolchain {
    /// The official image has a compiler and Cargo; `parts` are what rustup adds.
    pub fn new(tag: &str, parts: &[&str]) -> Self {
        let mut container = dag()
            .container()
            .from(format!("rust:{tag}"))
            .with_env_variable("CARGO_TERM_COLOR", "never");
        if !parts.is_empty() {
            let add = ["rustup", "component", "add"];
            container = container.with_exec([&add, parts].concat());
        }
        Self(container)
    }

    /// In a checkout. Two checks that compile wait for each other, and so does
    /// neither compile what the other has.
    pub fn over(self, source: &Directory) -> Container {
        let locked = ContainerWithMountedCacheOptsBuilder::default()
            .sharing(CacheSharingMode::Locked)
            .build();
        let cache = |name: &str| dag().cache_volume(name);
        let container = self
            .0
            .with_mounted_cache("/usr/local/cargo/registry", cache("ci-registry"));
        let container = match locked {
            Ok(locked) => container.with_mounted_cache_opts("/target", cache("ci-target"), locked),
            Err(_) => container.with_mounted_cache("/target", cache("ci-target")),
        };
        container
            .with_env_variable("CARGO_TARGET_DIR", "/target")
            .with_directory("/src", source.clone())
            .with_workdir("/src")
    }
}
