//! SSH without a server: a program in the place of `ssh` runs what git asks the
//! host to run. What git and poniard make of an address is real, the transport
//! is not.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

/// Variables by which git uses it, for the repositories in `root`. It refuses
/// any other user and host than `git@git.test`.
pub fn variables(root: &Path) -> Vec<(String, String)> {
    let program = root.join("ssh");
    let script = format!(
        "#!/bin/sh\n\
         while [ $# -gt 2 ]; do shift; done\n\
         if [ \"$1\" != git@git.test ]; then\n\
         \techo \"$1: Permission denied (publickey).\" >&2\n\
         \texit 255\n\
         fi\n\
         cd '{}' && eval \"$(echo \"$2\" | sed \"s|'/|'|\")\"\n",
        root.display()
    );
    fs::write(&program, script).expect("written");
    fs::set_permissions(&program, Permissions::from_mode(0o755)).expect("a program");
    let program = program.to_string_lossy().into_owned();
    let pair = |name: &str, value: String| (name.to_owned(), value);
    vec![
        pair("GIT_SSH", program),
        pair("GIT_SSH_VARIANT", "ssh".into()),
    ]
}
