//! GPUs in containers: a hook of NVIDIA's that the runtime runs before the
//! command puts the devices and their driver in, by a variable that names them.

use std::path::Path;

use eyre::{Result, bail};
use oci_spec::runtime::{Hook, Hooks};

use crate::programs;

/// Where NVIDIA's packages put it, and Dagger expects it.
const HOOK: &str = "/usr/bin/nvidia-container-runtime-hook";

/// Refuses devices that this machine cannot give; none need nothing.
pub fn require(devices: &[String]) -> Result<()> {
    if devices.is_empty() || programs::is_executable(Path::new(HOOK)) {
        return Ok(());
    }
    bail!(
        "cannot give the GPUs `{}` to a container: `{HOOK}` is not on this machine; install NVIDIA's driver and the package `nvidia-container-toolkit`, or use a Dagger Engine that has GPUs (`--engine dagger`)",
        devices.join(",")
    )
}

/// Names the devices to the hook, and to the command; whatever the image says of
/// them does not count.
pub(super) fn extend(env: &mut Vec<(String, String)>, devices: &[String]) {
    const NAME: &str = "NVIDIA_VISIBLE_DEVICES";
    if devices.is_empty() {
        return;
    }
    env.retain(|(name, _)| name != NAME);
    env.push((NAME.to_owned(), devices.join(",")));
}

/// What the runtime is to run before the command; nothing without devices.
pub(super) fn hooks(devices: &[String]) -> Option<Hooks> {
    if devices.is_empty() {
        return None;
    }
    let mut hook = Hook::default();
    hook.set_path(HOOK.into()).set_args(Some(
        ["nvidia-container-runtime-hook", "prestart"]
            .map(str::to_owned)
            .into(),
    ));
    // The only kind that NVIDIA's program knows.
    let mut hooks = Hooks::default();
    hooks.set_prestart(Some(vec![hook]));
    Some(hooks)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn devices_of_the_container_replace_those_of_its_image() {
        let image = [("NVIDIA_VISIBLE_DEVICES", "all"), ("A", "1")];
        let image = image.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let mut env = image.to_vec();
        extend(&mut env, &["0".to_owned(), "GPU-5d89".to_owned()]);
        let expected = [("A", "1"), ("NVIDIA_VISIBLE_DEVICES", "0,GPU-5d89")];
        assert_eq!(
            env,
            expected.map(|(name, value)| (name.to_owned(), value.to_owned()))
        );
        let mut env = image.to_vec();
        extend(&mut env, &[]);
        assert_eq!(env, image);
    }
}
