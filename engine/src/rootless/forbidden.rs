//! Settings by which systems keep ordinary users from user namespaces.

use std::path::Path;

/// Each with the value that forbids, and what allows. Where AppArmor is asked
/// (Ubuntu since 23.10), a namespace is made, but nothing is allowed in it.
const SETTINGS: [(&str, &str, &str); 3] = [
    (
        "user/max_user_namespaces",
        "0",
        "allow them: `sysctl -w user.max_user_namespaces=10000`",
    ),
    (
        "kernel/unprivileged_userns_clone",
        "0",
        "allow them: `sysctl -w kernel.unprivileged_userns_clone=1`",
    ),
    (
        "kernel/apparmor_restrict_unprivileged_userns",
        "1",
        "AppArmor forbids what ordinary users need: allow it to poniard by a profile with `userns,` (docs/poniard.md has one), or to all: `sysctl -w kernel.apparmor_restrict_unprivileged_userns=0`",
    ),
];

/// What allows them on this machine, if one of these forbids them.
pub(super) fn here() -> Option<&'static str> {
    by(Path::new("/proc/sys"))
}

fn by(settings: &Path) -> Option<&'static str> {
    let forbids = |(name, value, _): &&(&str, &str, &str)| {
        std::fs::read_to_string(settings.join(name)).is_ok_and(|text| text.trim() == *value)
    };
    SETTINGS.iter().find(forbids).map(|(.., mend)| *mend)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_forbids_is_told_apart_from_what_does_not() {
        let dir = tempfile::tempdir().expect("a directory");
        let set = |name: &str, value: &str| {
            let file = dir.path().join(name);
            std::fs::create_dir_all(file.parent().expect("a parent")).expect("a directory");
            std::fs::write(file, format!("{value}\n")).expect("a file");
        };
        assert_eq!(by(dir.path()), None);
        for (name, forbids, allows) in [
            ("user/max_user_namespaces", "0", "15000"),
            ("kernel/unprivileged_userns_clone", "0", "1"),
            ("kernel/apparmor_restrict_unprivileged_userns", "1", "0"),
        ] {
            set(name, forbids);
            let mend = by(dir.path()).expect("a way out");
            assert!(mend.contains(&name.replace('/', ".")), "{name}: {mend}");
            set(name, allows);
            assert_eq!(by(dir.path()), None, "{name}");
        }
    }
}
