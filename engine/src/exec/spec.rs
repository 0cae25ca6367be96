//! The OCI configuration of a container: `base.json` with what is its own. The
//! capabilities and the system calls that are refused (`seccomp.json`) are those
//! of Moby, as on Dagger.

use std::collections::HashSet;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use eyre::{OptionExt, Result, WrapErr};
use oci_spec::runtime::{
    Arch, Capability, LinuxCapabilities, LinuxDevice, LinuxDeviceCgroup, LinuxDeviceType,
    LinuxNamespace, LinuxNamespaceType, LinuxPids, LinuxSeccomp, Mount, Spec,
};

use super::gpu;
use super::user::User;
use crate::rootless::is_nested;

/// What a process in a container may be told about itself.
pub(super) struct Command {
    pub(super) args: Vec<String>,
    pub(super) env: Vec<(String, String)>,
    pub(super) cwd: PathBuf,
    pub(super) user: User,
    pub(super) privileged: bool,
    /// Whether it has a terminal.
    pub(super) terminal: bool,
}

/// What a container is made of.
pub(super) struct Container<'a> {
    /// Also the name of its control group.
    pub(super) id: &'a str,
    pub(super) rootfs: &'a Path,
    pub(super) hostname: &'a str,
    pub(super) netns: &'a Path,
    /// PID 1 of the PID namespace to join; none is a new one for the command.
    pub(super) init: Option<i32>,
    /// With threads; none is any number.
    pub(super) max_processes: Option<i64>,
    /// In order, after the file systems of the kernel.
    pub(super) mounts: Vec<Mount>,
    /// Names of GPUs.
    pub(super) gpus: &'a [String],
}

/// Writes the configuration.
pub(super) fn write(path: &Path, container: Container<'_>, command: &Command) -> Result<()> {
    let mut spec: Spec = serde_json::from_str(include_str!("base.json"))?;
    let privileged = command.privileged;
    spec.set_process(Some(process(command)?));
    spec.set_hooks(gpu::hooks(container.gpus));
    spec.set_hostname(Some(container.hostname.to_owned()).filter(|name| !name.is_empty()));
    if let Some(root) = spec.root_mut() {
        root.set_path(container.rootfs.to_owned());
    }
    if let Some(mounts) = spec.mounts_mut() {
        if privileged {
            mounts.iter_mut().for_each(make_writable);
        }
        mounts.extend(container.mounts);
    }
    let linux = spec
        .linux_mut()
        .as_mut()
        .ok_or_eyre("the base configuration is not of Linux")?;
    if is_nested() {
        // The groups of the host are not ours: containers stay in that of poniard.
        linux.set_cgroups_path(None);
    } else {
        linux.set_cgroups_path(Some(Path::new("/").join(container.id)));
    }
    if let Some(resources) = linux.resources_mut() {
        resources.set_pids(container.max_processes.map(|max| {
            let mut pids = LinuxPids::default();
            pids.set_limit(max);
            pids
        }));
    }
    if let Some(namespaces) = linux.namespaces_mut() {
        let mut add = |typ, path: Option<PathBuf>| {
            let mut namespace = LinuxNamespace::default();
            namespace.set_typ(typ).set_path(path);
            namespaces.push(namespace);
        };
        let pid = container
            .init
            .map(|pid| format!("/proc/{pid}/ns/pid").into());
        add(LinuxNamespaceType::Pid, pid);
        add(
            LinuxNamespaceType::Network,
            Some(container.netns.to_owned()),
        );
    }
    if privileged {
        linux
            .set_masked_paths(None)
            .set_readonly_paths(None)
            .set_devices(Some(devices()));
        let mut all = LinuxDeviceCgroup::default();
        all.set_allow(true).set_access(Some("rwm".into()));
        if let Some(resources) = linux.resources_mut() {
            resources.set_devices(Some(vec![all]));
        }
    } else {
        linux.set_seccomp(seccomp()?);
    }
    spec.save(path)
        .wrap_err("cannot write the configuration of a container")
}

/// The part about a process, which is all that `exec` wants.
pub(super) fn process(command: &Command) -> Result<oci_spec::runtime::Process> {
    let spec: Spec = serde_json::from_str(include_str!("base.json"))?;
    let mut process = spec
        .process()
        .clone()
        .ok_or_eyre("the base configuration lacks a process")?;
    let mut user = oci_spec::runtime::User::default();
    user.set_uid(command.user.uid)
        .set_gid(command.user.gid)
        .set_additional_gids(Some(command.user.groups.clone()).filter(|groups| !groups.is_empty()));
    let env = command
        .env
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    process
        .set_user(user)
        .set_args(Some(command.args.clone()))
        .set_env(Some(env))
        .set_terminal(Some(command.terminal))
        .set_cwd(command.cwd.clone())
        .set_capabilities(Some(capabilities(command.privileged)));
    Ok(process)
}

/// A mount of a host path.
pub(super) fn bind(source: &Path, target: &Path, read_only: bool) -> Mount {
    let mut mount = Mount::default();
    let mode = if read_only { "ro" } else { "rw" };
    let mut options = vec!["rbind".into(), "rprivate".into(), mode.into()];
    if read_only && is_nested() {
        options.extend(locked(source).map(str::to_owned));
    }
    mount
        .set_destination(target.to_owned())
        .set_source(Some(source.to_owned()))
        .set_typ(Some("bind".into()))
        .set_options(Some(options));
    mount
}

/// What a mount of the host must keep when a user namespace changes it.
fn locked(source: &Path) -> impl Iterator<Item = &'static str> {
    use rustix::fs::StatVfsMountFlags as Flags;
    const NAMES: [(Flags, &str); 3] = [
        (Flags::NOSUID, "nosuid"),
        (Flags::NODEV, "nodev"),
        (Flags::NOEXEC, "noexec"),
    ];
    let flags = rustix::fs::statvfs(source).map_or(Flags::empty(), |disk| disk.f_flag);
    NAMES
        .into_iter()
        .filter(move |(flag, _)| flags.contains(*flag))
        .map(|(_, name)| name)
}

/// A file system in memory; `size` in bytes, or half of the memory.
pub(super) fn tmpfs(target: &Path, size: Option<u64>) -> Mount {
    let mut options = vec!["nosuid".into(), "nodev".into(), "mode=1777".into()];
    options.extend(size.map(|size| format!("size={size}")));
    let mut mount = Mount::default();
    mount
        .set_destination(target.to_owned())
        .set_source(Some("tmpfs".into()))
        .set_typ(Some("tmpfs".into()))
        .set_options(Some(options));
    mount
}

fn make_writable(mount: &mut Mount) {
    if let Some(options) = mount.options_mut() {
        options.retain(|option| option != "ro");
    }
}

const DEFAULT_CAPABILITIES: [Capability; 14] = [
    Capability::AuditWrite,
    Capability::Chown,
    Capability::DacOverride,
    Capability::Fowner,
    Capability::Fsetid,
    Capability::Kill,
    Capability::Mknod,
    Capability::NetBindService,
    Capability::NetRaw,
    Capability::Setfcap,
    Capability::Setgid,
    Capability::Setpcap,
    Capability::Setuid,
    Capability::SysChroot,
];

/// Those that we may give: not more than we have.
fn capabilities(privileged: bool) -> LinuxCapabilities {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let field = |name| status.lines().find_map(|line| line.strip_prefix(name));
    let held = field("CapPrm:").and_then(|hex| u64::from_str_radix(hex.trim(), 16).ok());
    let held = held.unwrap_or(u64::MAX);
    let has = |capability: &Capability| {
        let position = BY_NUMBER
            .iter()
            .position(|name| *name == capability.to_string());
        position.is_some_and(|number| held >> number & 1 == 1)
    };
    let all = || {
        BY_NUMBER
            .iter()
            .filter_map(|name| Capability::from_str(name).ok())
    };
    let set: HashSet<Capability> = if privileged {
        all().filter(has).collect()
    } else {
        DEFAULT_CAPABILITIES.into_iter().filter(has).collect()
    };
    let mut capabilities = LinuxCapabilities::default();
    capabilities
        .set_bounding(Some(set.clone()))
        .set_effective(Some(set.clone()))
        .set_permitted(Some(set))
        .set_inheritable(None)
        .set_ambient(None);
    capabilities
}

/// Names by number, capabilities(7) and `linux/capability.h`.
const BY_NUMBER: [&str; 41] = [
    "CHOWN",
    "DAC_OVERRIDE",
    "DAC_READ_SEARCH",
    "FOWNER",
    "FSETID",
    "KILL",
    "SETGID",
    "SETUID",
    "SETPCAP",
    "LINUX_IMMUTABLE",
    "NET_BIND_SERVICE",
    "NET_BROADCAST",
    "NET_ADMIN",
    "NET_RAW",
    "IPC_LOCK",
    "IPC_OWNER",
    "SYS_MODULE",
    "SYS_RAWIO",
    "SYS_CHROOT",
    "SYS_PTRACE",
    "SYS_PACCT",
    "SYS_ADMIN",
    "SYS_BOOT",
    "SYS_NICE",
    "SYS_RESOURCE",
    "SYS_TIME",
    "SYS_TTY_CONFIG",
    "MKNOD",
    "LEASE",
    "AUDIT_WRITE",
    "AUDIT_CONTROL",
    "SETFCAP",
    "MAC_OVERRIDE",
    "MAC_ADMIN",
    "SYSLOG",
    "WAKE_ALARM",
    "BLOCK_SUSPEND",
    "AUDIT_READ",
    "PERFMON",
    "BPF",
    "CHECKPOINT_RESTORE",
];

/// What is refused; nothing on kernels without filters.
fn seccomp() -> Result<Option<LinuxSeccomp>> {
    if !Path::new("/proc/sys/kernel/seccomp/actions_avail").exists() {
        return Ok(None);
    }
    let mut seccomp: LinuxSeccomp = serde_json::from_str(include_str!("seccomp.json"))?;
    // Programs of all these architectures can run on such a processor.
    seccomp.set_architectures(Some(if cfg!(target_arch = "x86_64") {
        vec![Arch::ScmpArchX86_64, Arch::ScmpArchX86, Arch::ScmpArchX32]
    } else if cfg!(target_arch = "aarch64") {
        vec![Arch::ScmpArchAarch64, Arch::ScmpArchArm]
    } else {
        Vec::new()
    }));
    Ok(Some(seccomp))
}

/// Devices of the host, for privileged containers.
fn devices() -> Vec<LinuxDevice> {
    // Those that every container gets in its own way.
    const OWN: [&str; 4] = ["console", "ptmx", "tty", "log"];
    let entries = std::fs::read_dir("/dev").into_iter().flatten().flatten();
    let entries = entries.filter(|entry| !OWN.iter().any(|own| entry.file_name() == *own));
    let device = |entry: std::fs::DirEntry| {
        let metadata = entry.metadata().ok()?;
        let kind = metadata.file_type();
        let typ = match () {
            () if kind.is_block_device() => LinuxDeviceType::B,
            () if kind.is_char_device() => LinuxDeviceType::C,
            () => return None,
        };
        let mut device = LinuxDevice::default();
        device
            .set_path(entry.path())
            .set_typ(typ)
            .set_major(libc::major(metadata.rdev()).into())
            .set_minor(libc::minor(metadata.rdev()).into())
            .set_file_mode(Some(metadata.mode() & 0o777))
            .set_uid(Some(metadata.uid()))
            .set_gid(Some(metadata.gid()));
        Some(device)
    };
    entries.filter_map(device).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ordinary_process_gets_fewer_capabilities_than_a_privileged_one() {
        let (ordinary, all) = (capabilities(false), capabilities(true));
        let has = |set: &LinuxCapabilities, capability| {
            set.bounding().as_ref().unwrap().contains(&capability)
        };
        assert!(has(&ordinary, Capability::Chown) && !has(&ordinary, Capability::SysAdmin));
        assert!(has(&all, Capability::SysAdmin));
    }

    /// What is written for a container with these GPUs.
    fn written(gpus: &[String]) -> serde_json::Value {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("config.json");
        let user = User {
            uid: 0,
            gid: 0,
            groups: Vec::new(),
            home: "/root".into(),
        };
        let mut command = Command {
            args: vec!["nvidia-smi".to_owned()],
            env: vec![("PATH".to_owned(), "/bin".to_owned())],
            cwd: "/".into(),
            user,
            privileged: false,
            terminal: false,
        };
        gpu::extend(&mut command.env, gpus);
        let container = Container {
            id: "box",
            rootfs: dir.path(),
            hostname: "box",
            netns: dir.path(),
            init: None,
            max_processes: None,
            mounts: Vec::new(),
            gpus,
        };
        write(&path, container, &command).unwrap();
        serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
    }

    #[test]
    fn gpus_are_named_to_the_hook_that_puts_them_in() {
        let spec = written(&["0".to_owned(), "2".to_owned()]);
        assert_eq!(
            spec["hooks"],
            serde_json::json!({"prestart": [{
                "path": "/usr/bin/nvidia-container-runtime-hook",
                "args": ["nvidia-container-runtime-hook", "prestart"],
            }]})
        );
        assert_eq!(
            spec["process"]["env"],
            serde_json::json!(["PATH=/bin", "NVIDIA_VISIBLE_DEVICES=0,2"])
        );
        let without = written(&[]);
        assert!(without.get("hooks").is_none(), "{without}");
        assert_eq!(without["process"]["env"], serde_json::json!(["PATH=/bin"]));
    }

    #[test]
    fn the_profile_names_what_it_refuses() {
        let profile = seccomp().unwrap().unwrap();
        let syscalls = profile.syscalls().as_ref().unwrap();
        assert!(
            syscalls
                .iter()
                .any(|rule| rule.names().iter().any(|name| name == "mount"))
        );
    }
}
