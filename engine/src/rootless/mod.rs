//! poniard for an ordinary user: it makes itself root of a user namespace, in which
//! all that comes after works as it does for root.
//!
//! [`enter`] runs before all else, as [`crate::exec::isolate`] does: [`ids`] reads
//! which ids the system has set aside for the user, [`map`] moves the process into a
//! namespace where the user is root and these are the others. The network outside stays
//! that of the host: only containers get one of their own, with a way out by
//! [`crate::net`]. What is made so belongs to the user, and to ids that nobody
//! else has. Nothing of it is more than the user could do before.

mod forbidden;
mod ids;
mod map;

use std::io;
use std::path::PathBuf;
use std::sync::LazyLock;

pub use ids::{Ids, Kind};

/// Why an ordinary user cannot run containers. Each has the way out.
#[derive(Debug, thiserror::Error)]
pub enum RootlessError {
    #[error(
        "cannot make namespaces for user `{user}`: `{}` sets no ids aside; add a line as root: `{}`, or run poniard as root", kind.file(), kind.command(user)
    )]
    NoIds { kind: Kind, user: String },
    #[error(
        "cannot make namespaces for an ordinary user: `{0}` is not in `PATH`; install it (`apt-get install uidmap`), or run poniard as root"
    )]
    NoProgram(&'static str),
    #[error(
        "cannot make a user namespace: {cause}; {}, or run poniard as root",
        forbidden::here().unwrap_or(
            "use a kernel and a security profile that let ordinary users make them"
        )
    )]
    Refused { cause: io::Error },
    #[error(
        "cannot map ids into a namespace: {cause}; {}, or run poniard as root",
        forbidden::here().unwrap_or(
            "`newuidmap` and `newgidmap` need their set-uid bit or capabilities, and no `no_new_privs`"
        )
    )]
    Unmapped { cause: String },
}

/// Whether this process is root of a user namespace that is not the system's own:
/// no devices are made there and no control groups are ours. To be asked after [`enter`].
pub fn is_nested() -> bool {
    static NESTED: LazyLock<bool> = LazyLock::new(|| {
        let map = std::fs::read_to_string("/proc/self/uid_map").unwrap_or_default();
        map.split_whitespace().collect::<Vec<_>>() != ["0", "0", "4294967295"]
    });
    *NESTED
}

/// By its number, `linux/capability.h`.
pub const CAP_SYS_ADMIN: u32 = 21;

/// Whether the process has the rights of root already.
pub fn is_privileged() -> bool {
    rustix::process::geteuid().is_root() || has_capability(CAP_SYS_ADMIN)
}

/// Whether an effective capability is there, by its number.
pub fn has_capability(number: u32) -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("CapEff:"));
    let set = line.and_then(|hex| u64::from_str_radix(hex.trim(), 16).ok());
    set.is_some_and(|set| set & (1 << number) != 0)
}

/// Becomes root of a user namespace, unless the process has the rights of root. To be
/// called while there is one thread.
///
/// # Errors
/// When the system does not let the user.
pub fn enter() -> Result<(), RootlessError> {
    if is_privileged() {
        return Ok(());
    }
    find_system_programs();
    let ids = Ids::of_user()?;
    map::enter(&ids)?;
    let flags = rustix::thread::UnshareFlags::NEWNS;
    // SAFETY: file descriptors stay shared; only mounts change, which nobody else sees.
    unsafe { rustix::thread::unshare_unsafe(flags) }
        .map_err(|e| RootlessError::Refused { cause: e.into() })?;
    at_home();
    without_control_groups();
    Ok(())
}

/// `runc` and `slirp4netns` may lie where only root looks for programs.
fn find_system_programs() {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut dirs: Vec<PathBuf> = std::env::split_paths(&path).collect();
    for dir in ["/usr/local/sbin", "/usr/sbin", "/sbin"].map(PathBuf::from) {
        if !dirs.contains(&dir) {
            dirs.push(dir);
        }
    }
    if let Ok(path) = std::env::join_paths(dirs) {
        // SAFETY: there is one thread.
        unsafe { std::env::set_var("PATH", path) };
    }
}

/// The home of root is that of the user, for programs that look it up by number: `ssh`
/// finds its keys there.
fn at_home() {
    let users = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    let root = crate::accounts::User::find(&users, "0").map(|root| PathBuf::from(root.home));
    let own = std::env::var_os("HOME").map(PathBuf::from);
    let (Some(root), Some(own)) = (root, own) else {
        return;
    };
    // Nothing is hidden that the user could see.
    let is_closed = rustix::fs::access(&root, rustix::fs::Access::EXEC_OK).is_err();
    if is_closed && own.is_dir() {
        // Where it cannot be, as without such a directory, there is less comfort.
        let _ = rustix::mount::mount_bind_recursive(own, root);
    }
}

/// Where the user may make groups, containers would leave some behind: none are
/// needed, as nothing is limited by them.
fn without_control_groups() {
    const AT_RECURSIVE: libc::c_uint = 0x8000;
    const MOUNT_ATTR_RDONLY: u64 = 1;
    #[repr(C)]
    #[derive(Default)]
    struct Attributes {
        set: u64,
        clear: u64,
        propagation: u64,
        userns: u64,
    }
    let attributes = Attributes {
        set: MOUNT_ATTR_RDONLY,
        ..Attributes::default()
    };
    // SAFETY: mount_setattr(2); path and attributes outlive the call. Where it is not
    // known (before 5.12), groups stay as they are.
    unsafe {
        libc::syscall(
            libc::SYS_mount_setattr,
            libc::AT_FDCWD,
            c"/sys/fs/cgroup".as_ptr(),
            AT_RECURSIVE,
            &raw const attributes,
            size_of::<Attributes>(),
        );
    }
}
