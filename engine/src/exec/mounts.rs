//! What is mounted in a container beside the file systems of the kernel, and the
//! places for it.

use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};

use eyre::{Result, WrapErr, bail};
use oci_spec::runtime::Mount;

use super::points::{Kind, MountPoints};
use super::user::User;
use super::{Bind, SandboxError, SecretFile, inside, spec};

/// Where the file systems of the kernel are.
const KERNEL: [&str; 3] = ["/dev", "/proc", "/sys"];

/// Mounts in order.
#[derive(Default)]
pub(super) struct Mounts(Vec<Mount>);

impl Mounts {
    /// A file of ours, below whatever the caller mounts.
    pub(super) fn own(&mut self, file: &Path, target: &Path) {
        self.0.push(spec::bind(file, target, true));
    }

    /// What the caller mounts; secrets become files in `dir`.
    pub(super) fn add(
        &mut self,
        dir: &Path,
        rootfs: &Path,
        temps: &[(PathBuf, Option<u64>)],
        binds: &[Bind],
        files: &[SecretFile],
    ) -> Result<()> {
        let mut wanted: Vec<Mount> = temps
            .iter()
            .map(|(path, size)| spec::tmpfs(path, *size))
            .collect();
        for bind in binds {
            wanted.push(spec::bind(&bind.source, &bind.target, bind.read_only));
        }
        for (number, secret) in files.iter().enumerate() {
            let file = dir.join(format!("secret-{number}"));
            write_secret(&file, rootfs, secret)?;
            wanted.push(spec::bind(&file, &secret.path, true));
        }
        // What lies deeper is mounted later, so that nothing is hidden.
        wanted.sort_by_key(|mount| mount.destination().components().count());
        self.0.extend(wanted);
        Ok(())
    }

    pub(super) fn into_list(self) -> Vec<Mount> {
        self.0
    }

    /// Makes the mount points that do not exist: in the root, or in the
    /// directory that is mounted over it there.
    pub(super) fn make_points(&self, rootfs: &Path, points: &mut MountPoints) -> Result<()> {
        for target in KERNEL {
            make_point(points, rootfs, target.as_ref(), Kind::Directory)?;
        }
        for (number, mount) in self.0.iter().enumerate() {
            let target = mount.destination();
            if ["/dev", "/proc", "/sys"]
                .iter()
                .any(|kernel| target.starts_with(kernel))
            {
                continue;
            }
            let source = mount.source().as_deref().filter(|_| is_bind(mount));
            let kind = match source.map(std::fs::metadata).transpose() {
                Ok(Some(source)) if !source.is_dir() => Kind::File,
                Ok(_) => Kind::Directory,
                Err(e) => bail!(SandboxError::Runtime(format!(
                    "cannot mount at `{}`: cannot find what to mount: {e}",
                    target.display()
                ))),
            };
            match self.covering(number, target) {
                None => make_point(points, rootfs, target, kind)?,
                Some((over, rest)) if is_bind(over) => {
                    let source = over.source().clone().unwrap_or_default();
                    let read_only = over.options().iter().flatten().any(|option| option == "ro");
                    if read_only && !inside::on_host(&source, rest)?.exists() {
                        bail!(SandboxError::Runtime(format!(
                            "cannot mount at `{}`: it is not there in the read-only mount `{}`",
                            target.display(),
                            over.destination().display()
                        )));
                    }
                    make_point(points, &source, rest, kind)?;
                }
                // The runtime makes it in the temporary file system.
                Some(_) => {}
            }
        }
        Ok(())
    }

    /// The mount before `number` on which `target` lies, and the path there.
    fn covering<'a>(&'a self, number: usize, target: &'a Path) -> Option<(&'a Mount, &'a Path)> {
        self.0[..number].iter().rev().find_map(|mount| {
            let rest = target.strip_prefix(mount.destination()).ok()?;
            (!rest.as_os_str().is_empty()).then_some((mount, rest))
        })
    }

    /// Makes the working directory, for the user; it stays. Where something is
    /// mounted, the runtime makes it.
    pub(super) fn make_cwd(&self, rootfs: &Path, command: &spec::Command) -> Result<()> {
        let kernel = KERNEL.map(Path::new);
        let mut mounted = kernel
            .into_iter()
            .chain(self.0.iter().map(|m| m.destination().as_path()));
        if mounted.any(|target| command.cwd.starts_with(target)) {
            return Ok(());
        }
        let make = || {
            let mut path = rootfs.to_owned();
            for name in &inside::resolve(rootfs, &command.cwd)? {
                path.push(name);
                match std::fs::create_dir(&path) {
                    Ok(()) => chown(&path, Some(command.user.uid), Some(command.user.gid))?,
                    Err(e) if e.kind() == std::io::ErrorKind::AlreadyExists => {}
                    Err(e) => return Err(e),
                }
            }
            Ok(())
        };
        make().map_err(|e| {
            let path = command.cwd.display();
            SandboxError::Runtime(format!("cannot make the working directory `{path}`: {e}")).into()
        })
    }
}

fn is_bind(mount: &Mount) -> bool {
    mount.typ().as_deref() == Some("bind")
}

fn make_point(points: &mut MountPoints, root: &Path, target: &Path, kind: Kind) -> Result<()> {
    points.ensure(root, target, kind).map_err(|e| {
        SandboxError::Runtime(format!("cannot mount at `{}`: {e}", target.display())).into()
    })
}

fn write_secret(file: &Path, rootfs: &Path, secret: &SecretFile) -> Result<()> {
    let owner = User::resolve(rootfs, &secret.owner)?;
    let failed = || format!("cannot write the secret for `{}`", secret.path.display());
    std::fs::write(file, &secret.contents).wrap_err_with(failed)?;
    chown(file, Some(owner.uid), Some(owner.gid)).wrap_err_with(failed)?;
    let mode = std::fs::Permissions::from_mode(secret.mode & 0o7777);
    std::fs::set_permissions(file, mode).wrap_err_with(failed)
}
