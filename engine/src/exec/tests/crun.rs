//! The same tests with the other runtime.

use std::process::Command;

use super::*;
use crate::exec::runtime::Runtime;

/// Tells the tests which runtime to take, instead of the first that there is.
const CHOICE: &str = "PONIARD_TEST_RUNTIME";

/// Control groups of the first version alone, where both are mounted: `crun` takes
/// one or the other. The rest of the machine keeps what it has.
const ONE_VERSION: &str = r#"
set -e
if mountpoint -q /sys/fs/cgroup/unified; then
  groups=$(mktemp -d)
  mount -t tmpfs groups "$groups"
  for dir in /sys/fs/cgroup/*; do
    [ "$dir" = /sys/fs/cgroup/unified ] && continue
    mkdir "$groups/${dir##*/}"
    mount --bind "$dir" "$groups/${dir##*/}"
  done
  mount --rbind "$groups" /sys/fs/cgroup
  umount -l "$groups"
  rmdir "$groups"
fi
exec "$@"
"#;

pub(super) fn choose(executor: &Executor) {
    let Ok(name) = std::env::var(CHOICE) else {
        return;
    };
    let engine = &executor.engine;
    let runtime = Runtime::named(&name, &engine.run_dir);
    let runtime = runtime.unwrap_or_else(|| panic!("`{name}` is not in PATH: install it"));
    assert!(engine.runtime.set(runtime).is_ok());
}

#[test]
fn everything_is_the_same_with_crun() {
    let mut command = Command::new("unshare");
    command.args(["--mount", "sh", "-c", ONE_VERSION, "sh"]);
    command.arg(std::env::current_exe().unwrap());
    let modules = ["root", "run", "sandbox", "service"];
    command.args(modules.map(|module| format!("exec::tests::{module}::")));
    let done = command.env(CHOICE, "crun").output().unwrap();
    let told = String::from_utf8_lossy(&done.stdout);
    assert!(done.status.success(), "{told}");
    assert!(!told.contains(" 0 passed"), "{told}");
}
