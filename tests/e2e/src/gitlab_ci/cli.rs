//! CLIs that do not do what they are told.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use super::project::Project;

/// Takes a script for a request for help, as Dagger's CLI does since 0.21.4 when
/// it is called without a command. The first `$HONEST` scripts are run, in so far
/// as they leave their receipt, with what is in `$ANSWERS`, and note texts; the
/// one with the number `$FAILS` fails.
const HELPFUL: &str = r#"#!/bin/sh
[ "$1" != version ] || { echo 'dagger v0.21.8 (here) linux/amd64'; exit; }
count=$(($(cat "$SCRIPTS/count" 2>/dev/null || echo 0) + 1))
echo $count > "$SCRIPTS/count"
cat > "$SCRIPTS/$count"
if [ $count -gt "$HONEST" ]; then
  echo 'Usage: dagger [options] [subcommand]'
  exit
fi
if [ $count = "${FAILS-}" ]; then
  echo 'a page was requested'
  echo 'Error: no such table: pages' >&2
  exit 1
fi
note=$(sed -n 's/.*| post-file [^ ]* [^ ]* $(host | file \([^ ]*\)) .*/\1/p' "$SCRIPTS/$count")
[ -z "$note" ] || cp "$note" "$SCRIPTS/note"
nonce=$(sed -n 's/^ *directory | with-new-file receipt "//p' "$SCRIPTS/$count")
receipt=$(sed -n 's/.*" | export //p' "$SCRIPTS/$count")
mkdir -p "$receipt"
printf '%s\n%s\n' "$nonce" "$ANSWERS" > "$receipt/receipt"
"#;

/// Puts it into a project, under the names of both.
pub fn helpful(project: &Project) {
    write(&project.programs().join("dagger"));
    write(&project.programs().join("poniard"));
}

pub fn write(file: &Path) {
    fs::write(file, HELPFUL).expect("a program");
    fs::set_permissions(file, fs::Permissions::from_mode(0o755)).expect("a mode");
}
