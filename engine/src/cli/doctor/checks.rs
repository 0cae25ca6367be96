//! What is looked at, in the order in which a run needs it.

use std::path::Path;
use std::time::Duration;

use rustix::mount::{MountFlags, UnmountFlags};

use super::programs;
use super::{Finding, Health, halves};
use crate::cli::runtime;
use crate::rootless;

const GIGABYTE: u64 = 1_000_000_000;
/// Less is not enough for an image and what is built on it.
const LITTLE_SPACE: u64 = 2 * GIGABYTE;
const PATIENCE: Duration = Duration::from_secs(8);

pub fn all(offline: bool) -> Vec<Finding> {
    // As a run does, before there are threads; mounts stay in here.
    let is_privileged = rootless::is_privileged();
    let rights = if is_privileged {
        rights()
    } else {
        ordinary_rights()
    };
    let isolation = isolation(&rights);
    let is_isolated = isolation.health == Health::Good;
    let packet_filter = packet_filter(&rights);
    let mut findings = vec![rights, isolation, programs::runtime()];
    findings.extend(state(is_isolated));
    findings.push(packet_filter);
    if is_privileged {
        findings.push(control_groups());
        findings.push(forwarding());
    } else {
        findings.extend([programs::user_network(), tunnels()]);
    }
    findings.push(authorities());
    if !offline {
        findings.push(registry());
    }
    findings.push(programs::wanted(
        "git",
        "git",
        "no modules or sources from repositories",
        "install it: `apt-get install git`",
    ));
    findings.push(programs::wanted(
        "cargo",
        "cargo",
        "modules run only where a release has their programs",
        "install Rust: https://rustup.rs",
    ));
    findings.extend(recipes());
    findings
}

/// What the rights are for.
fn isolation(rights: &Finding) -> Finding {
    const NAME: &str = "isolation";
    if rights.is_bad() {
        return Finding::waiting(NAME, rights);
    }
    match crate::exec::isolate() {
        Ok(_) => Finding::good(NAME, "namespaces for processes and mounts"),
        Err(error) => {
            let (found, mend) = halves(&error, "run poniard as root");
            Finding::bad(NAME, found, mend)
        }
    }
}

fn rights() -> Finding {
    const NAME: &str = "rights";
    let is_root = rustix::process::geteuid().is_root();
    match (is_root, rootless::has_capability(rootless::CAP_SYS_ADMIN)) {
        (true, true) => Finding::good(NAME, "root, with CAP_SYS_ADMIN"),
        (true, false) => Finding::bad(
            NAME,
            "root, but without CAP_SYS_ADMIN, as in an ordinary container",
            "give the container that capability, or run it privileged",
        ),
        (false, _) => Finding::good(NAME, "an ordinary user with CAP_SYS_ADMIN"),
    }
}

/// Of a user who is no root: becomes one among namespaces.
fn ordinary_rights() -> Finding {
    const NAME: &str = "rights";
    /// As many as images usually have.
    const ENOUGH: u32 = 65535;
    let entered = rootless::Ids::of_user().and_then(|ids| rootless::enter().map(|()| ids));
    match entered {
        Err(error) => {
            let (found, mend) = halves(&error, "run it as root");
            let found = format!("an ordinary user: {found}");
            Finding::bad(NAME, found, format!("{mend}: `sudo poniard …`"))
        }
        Ok(ids) if ids.count() < ENOUGH => Finding::poor(
            NAME,
            format!("an ordinary user: root of namespaces, {ids}"),
            "images with more users cannot be unpacked: set 65536 ids aside in `/etc/subuid` and `/etc/subgid`",
        ),
        Ok(ids) => Finding::good(NAME, format!("an ordinary user: root of namespaces, {ids}")),
    }
}

fn tunnels() -> Finding {
    const NAME: &str = "tunnels";
    match crate::net::tunnels() {
        Ok(()) => Finding::good(NAME, "/dev/net/tun can be opened"),
        Err(error) => {
            let (found, mend) = halves(&error, "");
            Finding::bad(NAME, format!("{found}: containers reach no network"), mend)
        }
    }
}

/// The state directory: whether it can be written to, has space, and whether file
/// systems can be put over each other there.
fn state(is_isolated: bool) -> Vec<Finding> {
    const NAME: &str = "state";
    let dir = match runtime::state_dir() {
        Ok(dir) => dir,
        Err(failure) => {
            let mend = "set `PONIARD_STATE` to a directory";
            return vec![Finding::bad(NAME, failure.message, mend)];
        }
    };
    let shown = dir.display();
    let elsewhere = "set `PONIARD_STATE` to a directory that can be written to";
    let made = std::fs::create_dir_all(&dir).and_then(|()| tempfile::tempdir_in(&dir));
    let scratch = match made {
        Ok(scratch) => scratch,
        Err(error) => {
            let found = format!("cannot write to `{shown}`: {error}");
            return vec![Finding::bad(NAME, found, elsewhere)];
        }
    };
    let space = match rustix::fs::statvfs(&dir) {
        Err(error) => Finding::bad(NAME, format!("`{shown}`: {error}"), elsewhere),
        Ok(about) => {
            let free = about.f_bavail.saturating_mul(about.f_frsize);
            let tenths = free / (GIGABYTE / 10);
            let found = format!("{shown}, {}.{} GB free", tenths / 10, tenths % 10);
            match free < LITTLE_SPACE {
                true => Finding::poor(
                    NAME,
                    found,
                    "make room: `poniard prune`, or set `PONIARD_STATE`",
                ),
                false => Finding::good(NAME, found),
            }
        }
    };
    let mut findings = vec![space];
    if is_isolated {
        findings.push(match overlay(scratch.path()) {
            Ok(()) => Finding::good("overlay", "file systems over each other"),
            Err(error) => Finding::bad(
                "overlay",
                format!("cannot mount an overlay in `{shown}`: {error}"),
                "set `PONIARD_STATE` to a directory on ext4, xfs, btrfs or tmpfs: an overlay, as the root of a container is, cannot carry another",
            ),
        });
    }
    findings
}

fn overlay(dir: &Path) -> std::io::Result<()> {
    let at = |name: &str| dir.join(name);
    for name in ["lower", "upper", "work", "merged"] {
        std::fs::create_dir(at(name))?;
    }
    std::fs::write(at("lower/file"), "")?;
    let options = format!(
        "lowerdir={},upperdir={},workdir={}",
        at("lower").display(),
        at("upper").display(),
        at("work").display()
    );
    let options = std::ffi::CString::new(options)?;
    let merged = at("merged");
    rustix::mount::mount(
        "overlay",
        &merged,
        "overlay",
        MountFlags::empty(),
        options.as_c_str(),
    )?;
    let seen = std::fs::write(merged.join("file"), "changed");
    rustix::mount::unmount(&merged, UnmountFlags::DETACH)?;
    seen
}

fn control_groups() -> Finding {
    const NAME: &str = "control groups";
    match crate::exec::cgroup::described(Path::new("/")) {
        (found, true) => Finding::good(NAME, found),
        (found, false) => Finding::bad(
            NAME,
            format!("{found}: containers do not start"),
            "mount them to be written to: `mount -t cgroup2 none /sys/fs/cgroup`, or run the container that this is privileged",
        ),
    }
}

/// What lets containers reach the network.
fn packet_filter(rights: &Finding) -> Finding {
    const NAME: &str = "packet filter";
    if rights.is_bad() {
        return Finding::waiting(NAME, rights);
    }
    match crate::net::packet_filter() {
        Ok(()) => Finding::good(NAME, "nftables with NAT, in the kernel"),
        Err(error) => Finding::bad(
            NAME,
            format!("the kernel does not take rules for NAT: {error}: containers reach no network"),
            match error.kind() {
                std::io::ErrorKind::PermissionDenied => {
                    "allow poniard the capabilities `CAP_SYS_ADMIN` and `CAP_NET_ADMIN`"
                }
                _ => "load its modules: `modprobe -a nft_chain_nat nft_masq`",
            },
        ),
    }
}

fn forwarding() -> Finding {
    const NAME: &str = "forwarding";
    let path = "/proc/sys/net/ipv4/ip_forward";
    match std::fs::read_to_string(path) {
        Ok(text) if text.trim() == "1" => Finding::good(NAME, "the host forwards packets"),
        Ok(_) if std::fs::File::options().write(true).open(path).is_ok() => {
            Finding::good(NAME, "off; poniard turns it on when a container needs it")
        }
        _ => Finding::bad(
            NAME,
            "the host does not forward packets: containers reach no network",
            "turn it on: `sysctl -w net.ipv4.ip_forward=1`",
        ),
    }
}

/// Whom TLS trusts.
fn authorities() -> Finding {
    const NAME: &str = "authorities";
    const MEND: &str = "install them: `apt-get install ca-certificates`";
    let own = std::env::var_os("SSL_CERT_FILE").filter(|file| !file.is_empty());
    if let Some(file) = own {
        let shown = file.to_string_lossy();
        return match std::fs::metadata(&file) {
            Ok(_) => Finding::good(NAME, format!("{shown} (SSL_CERT_FILE)")),
            Err(error) => Finding::poor(
                NAME,
                format!("SSL_CERT_FILE is `{shown}`: {error}"),
                "set it to the file that has your authorities, or unset it",
            ),
        };
    }
    let known = [
        "/etc/ssl/certs/ca-certificates.crt",
        "/etc/pki/tls/certs/ca-bundle.crt",
        "/etc/ssl/cert.pem",
    ];
    match known.iter().find(|file| Path::new(file).exists()) {
        Some(file) => Finding::good(NAME, *file),
        None => Finding::poor(NAME, "none are installed: no server can be trusted", MEND),
    }
}

/// Whether images can be had.
fn registry() -> Finding {
    const NAME: &str = "registry";
    let mirror = config().and_then(|config| {
        let mirrors = config.get("registry")?.get("mirrors")?;
        Some(mirrors.get("docker.io")?.as_str()?.to_owned())
    });
    let host = mirror.unwrap_or_else(|| "registry-1.docker.io".to_owned());
    let host = host.split('/').next().unwrap_or_default();
    let asked = || -> Result<u16, String> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build();
        let runtime = runtime.map_err(|error| error.to_string())?;
        runtime.block_on(async {
            let client = reqwest::Client::builder().timeout(PATIENCE).build();
            let client = client.map_err(|error| error.to_string())?;
            let answer = client.get(format!("https://{host}/v2/")).send().await;
            let answer = answer.map_err(|error| cause(&error))?;
            Ok(answer.status().as_u16())
        })
    };
    let mend = "without one, images come from recipes and layouts: name a mirror in poniard.toml, or set HTTPS_PROXY or SSL_CERT_FILE where the network wants it";
    match asked() {
        // It asks who we are, which is as it should be.
        Ok(200 | 401) => Finding::good(NAME, format!("{host} answers")),
        Ok(status) => Finding::poor(NAME, format!("{host} answers with status {status}"), mend),
        Err(error) => Finding::poor(NAME, format!("{host} cannot be reached: {error}"), mend),
    }
}

/// The innermost cause says most.
fn cause(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes.last().map(ToString::to_string).unwrap_or_default()
}

fn config() -> Option<toml::Table> {
    let dir = std::env::current_dir().ok()?;
    let text = std::fs::read_to_string(runtime::config_file(&dir)?).ok()?;
    text.parse().ok()
}

/// What recipes of images are made with, where there are some.
fn recipes() -> Option<Finding> {
    config()?.get("image")?;
    Some(programs::wanted(
        "mmdebstrap",
        "mmdebstrap",
        "images of Debian cannot be made by recipe",
        "install it: `apt-get install mmdebstrap`",
    ))
}
