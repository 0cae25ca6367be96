//! System calls for overlay mounts.

use std::ffi::{OsStr, OsString};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use rustix::fs::CWD;
use rustix::io::Errno;
use rustix::mount::{
    FsMountFlags, FsOpenFlags, MountAttrFlags, MountFlags, MoveMountFlags, UnmountFlags,
    fsconfig_create, fsconfig_set_flag, fsconfig_set_string, fsmount, fsopen, mount, move_mount,
    unmount,
};
use rustix::thread::UnshareFlags;

use crate::rootless::is_nested;

/// The directories of an overlay that can be written to.
pub struct Upper<'a> {
    pub upper: &'a Path,
    pub work: &'a Path,
}

/// The attribute that marks a directory that hides those of lower layers: in a user
/// namespace, marks live in `user.` attributes.
pub fn opaque_attribute() -> &'static str {
    if is_nested() {
        "user.overlay.opaque"
    } else {
        "trusted.overlay.opaque"
    }
}

/// Options of every overlay: each for layers that are shared, moved and linked.
fn fixed_options() -> impl Iterator<Item = (&'static str, &'static str)> {
    const OPTIONS: [(&str, &str); 4] = [
        ("index", "off"),
        ("metacopy", "off"),
        ("xino", "off"),
        // In a user namespace it is off, and not to be spoken of.
        ("redirect_dir", "off"),
    ];
    let count = OPTIONS.len() - usize::from(is_nested());
    OPTIONS.into_iter().take(count)
}

/// Mounts an overlay of `lower` (lowest first, all in one directory) at `target`.
pub fn mount_overlay(
    lower: &[PathBuf],
    upper: Option<&Upper<'_>>,
    target: &Path,
) -> io::Result<()> {
    match mount_by_handle(lower, upper, target) {
        // Kernels before 6.5 know neither `lowerdir+` nor values this long.
        Err(Errno::INVAL | Errno::NOSYS | Errno::PERM | Errno::OPNOTSUPP) => {
            mount_by_string(lower, upper, target)
        }
        result => Ok(result?),
    }
}

fn mount_by_handle(
    lower: &[PathBuf],
    upper: Option<&Upper<'_>>,
    target: &Path,
) -> rustix::io::Result<()> {
    let context = fsopen("overlay", FsOpenFlags::FSOPEN_CLOEXEC)?;
    fsconfig_set_string(&context, "source", "overlay")?;
    for layer in lower.iter().rev() {
        fsconfig_set_string(&context, "lowerdir+", layer.as_os_str())?;
    }
    for (key, value) in fixed_options() {
        fsconfig_set_string(&context, key, value)?;
    }
    if is_nested() {
        fsconfig_set_flag(&context, "userxattr")?;
    }
    if let Some(Upper { upper, work }) = upper {
        fsconfig_set_string(&context, "upperdir", upper.as_os_str())?;
        fsconfig_set_string(&context, "workdir", work.as_os_str())?;
        fsconfig_set_flag(&context, "volatile")?;
    }
    fsconfig_create(&context)?;
    let mount = fsmount(
        &context,
        FsMountFlags::FSMOUNT_CLOEXEC,
        MountAttrFlags::empty(),
    )?;
    move_mount(
        &mount,
        "",
        CWD,
        target,
        MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH,
    )
}

/// The old way: all options in one page. Names of layers are short because the
/// thread that mounts stands in their directory.
fn mount_by_string(lower: &[PathBuf], upper: Option<&Upper<'_>>, target: &Path) -> io::Result<()> {
    let parent = lower
        .first()
        .and_then(|path| path.parent())
        .unwrap_or(Path::new("/"));
    let mut options = OsString::from("lowerdir=");
    for (index, layer) in lower.iter().rev().enumerate() {
        if index > 0 {
            options.push(":");
        }
        options.push(layer.strip_prefix(parent).unwrap_or(layer));
    }
    for (key, value) in fixed_options() {
        options.push(format!(",{key}={value}"));
    }
    if is_nested() {
        options.push(",userxattr");
    }
    if let Some(Upper { upper, work }) = upper {
        for (key, path) in [(",upperdir=", upper), (",workdir=", work)] {
            options.push(key);
            options.push(path);
        }
        options.push(",volatile");
    }
    let options = std::ffi::CString::new(OsStr::as_bytes(&options))?;
    std::thread::scope(|scope| {
        scope
            .spawn(|| -> io::Result<()> {
                // SAFETY: only this short-lived thread gets a working directory of its own.
                unsafe { rustix::thread::unshare_unsafe(UnshareFlags::FS) }?;
                rustix::process::chdir(parent)?;
                Ok(mount(
                    "overlay",
                    target,
                    "overlay",
                    MountFlags::empty(),
                    Some(options.as_c_str()),
                )?)
            })
            .join()
            .unwrap_or_else(|_| Err(io::Error::other("the mounting thread ended early")))
    })
}

/// Unmounts, also when something still uses the mount.
pub fn unmount_overlay(target: &Path) -> io::Result<()> {
    Ok(unmount(target, UnmountFlags::DETACH)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ways_of_mounting_merge_layers_and_take_changes() {
        type Mount = fn(&[PathBuf], Option<&Upper<'_>>, &Path) -> io::Result<()>;
        let ways: [Mount; 2] = [
            |lower, upper, target| Ok(mount_by_handle(lower, upper, target)?),
            mount_by_string,
        ];
        for way in ways {
            let dir = tempfile::tempdir().expect("a directory");
            let path = |name: &str| {
                let path = dir.path().join(name);
                std::fs::create_dir_all(&path).expect("makes");
                path
            };
            let lower: Vec<PathBuf> = (0..60)
                .map(|number| path(&format!("layers/{number:020}")))
                .collect();
            for layer in &lower {
                std::fs::write(layer.join("who"), layer.as_os_str().as_bytes()).expect("writes");
            }
            let (upper, work, target) = (path("upper"), path("work"), path("target"));
            way(
                &lower,
                Some(&Upper {
                    upper: &upper,
                    work: &work,
                }),
                &target,
            )
            .expect("mounts");
            let who = std::fs::read(target.join("who"));
            let written = std::fs::write(target.join("new"), "");
            unmount_overlay(&target).expect("unmounts");
            assert_eq!(
                who.expect("reads"),
                lower[59].as_os_str().as_bytes(),
                "the last is on top"
            );
            written.expect("writes");
            assert!(upper.join("new").exists());
        }
    }
}
