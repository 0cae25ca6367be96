//! A machine on which something cannot be had.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};

use rustix::mount::{MountFlags, UnmountFlags, mount, unmount};
use test_support::{Running, leftovers};

use crate::place::{GRACE, LIMIT, Place, argument, nonce, readable};

#[test]
fn an_image_that_is_not_there_is_told() {
    let place = Place::new();
    let image = "registry.invalid/team/none:1";
    place.fails(
        &["-M", "-c", &format!("container | from {image} | sync")],
        &[image],
    );
}

#[test]
fn an_address_that_is_none_is_told() {
    let place = Place::new();
    place.fails(
        &["-M", "-c", "container | from 'not an address' | sync"],
        &["not an address"],
    );
}

#[test]
fn without_a_network_an_image_is_refused_and_what_is_there_still_runs() {
    let place = Place::new();
    place.works();
    let cut_off = place.cli.under(&["unshare", "--net"]);
    let image = format!("docker.io/library/alpine:{}", nonce());
    let script = format!("container | from {image} | sync");
    let mut command = place.command_of(&cut_off, &["-M", "-c", &script]);
    let done = Running::to_end(&mut command, "", LIMIT).expect("a run");
    place.failed(&done, &[&image]);

    let script = "container | from debian:bookworm-slim | with-exec -- echo here | stdout";
    let mut command = place.command_of(&cut_off, &["-M", "-c", script]);
    let done = Running::to_end(&mut command, "", LIMIT).expect("a run");
    assert_eq!(
        (done.code, done.stdout().as_str()),
        (0, "here\n"),
        "{}",
        done.stderr()
    );
}

#[test]
fn a_state_directory_that_cannot_be_written_is_told() {
    let mut place = Place::new();
    place.write("file", "");
    let bad = place.path("file/state");
    let good = std::mem::replace(&mut place.state, bad);
    let done = place.run(&["-M", "-c", "directory | with-new-file a 1 | entries"]);
    readable(&done);
    let stderr = done.stderr();
    assert!(done.code != 0 && stderr.contains("file/state"), "{stderr}");
    place.state = good;
    place.works();
}

#[test]
fn without_the_right_to_namespaces_the_way_out_is_told() {
    const NOBODY: u32 = 65534;
    let place = Place::new();
    // Nobody may not look where the tests lie.
    let home = place.path("home");
    fs::create_dir(&home).expect("a directory");
    fs::set_permissions(place.path(""), Permissions::from_mode(0o755)).expect("a mode");
    chown(&home, Some(NOBODY), Some(NOBODY)).expect("an owner");
    let program = place.path("poniard");
    fs::copy(place.cli.program(), &program).expect("a copy");
    let mut cli = place.cli.at(&program);
    cli = cli.under(&[
        "setpriv",
        "--reuid=65534",
        "--regid=65534",
        "--clear-groups",
        "--bounding-set=-all",
    ]);

    let script = "container | from debian:bookworm-slim | with-exec true | sync";
    let mut command = place.command_of(&cli, &["-M", "-c", script]);
    command
        .env("PONIARD_STATE", home.join("state"))
        .env("HOME", &home)
        .env_remove("PONIARD_CONFIG");
    let done = Running::to_end(&mut command, "", LIMIT).expect("a run");
    place.failed(&done, &["namespaces", "root"]);
    let left = leftovers::after(&home, GRACE);
    assert!(left.is_empty(), "left behind:\n{}", left.join("\n"));
}

#[test]
fn containers_run_where_control_groups_are_of_version_2_only() {
    let place = Place::new();
    // Read-only: so they are in a container that is not privileged.
    for closed in ["true", "mount -o remount,bind,ro /sys/fs/cgroup"] {
        let script = format!(
            "umount -R /sys/fs/cgroup 2> /dev/null || true
             mount -t cgroup2 none /sys/fs/cgroup; {closed}; exec \"$@\""
        );
        let cli = place
            .cli
            .under(&["unshare", "--mount", "sh", "-eu", "-c", &script, "sh"]);
        let run = |args: &[&str]| {
            Running::to_end(&mut place.command_of(&cli, args), "", LIMIT).expect("a run")
        };
        let pipeline = format!(
            "container | from debian:bookworm-slim | with-env-variable N {} \
             | with-exec -- sh -c 'stat -f -c %T /sys/fs/cgroup; mknod /disk b 8 0; head -c 1 /disk 2>&1 | grep -o \"not permitted\"' | stdout",
            nonce()
        );
        let done = run(&["-M", "-c", &pipeline]);
        assert_eq!(
            (done.code, done.stdout().as_str()),
            (0, "cgroup2fs\nnot permitted\n"),
            "{closed}: {}",
            done.stderr()
        );
        place.nothing_is_left();
        let doctor = run(&["doctor", "--offline"]).stdout();
        let line = doctor.lines().find(|line| line.contains("control groups"));
        let is_good = |line: &str| line.starts_with('✔') && line.ends_with(" version 2");
        assert!(line.is_some_and(is_good), "{closed}: {doctor}");
    }
}

#[test]
fn a_full_disk_is_told_and_the_state_stays_good() {
    let mut place = Place::new();
    let disk = Disk::new(place.path("disk"), 48);
    let good = std::mem::replace(&mut place.state, disk.0.clone());
    place.write("large", vec![b'x'; 96 << 20]);
    let script = "directory | with-file copy $(host | file large) | sync";
    let done = place.run(&["-M", "-c", script]);
    readable(&done);
    let stderr = done.stderr();
    assert!(
        done.code != 0 && stderr.contains("no space left"),
        "{stderr}"
    );
    place.nothing_is_left();

    // What did not fit takes no space any more, and what fits works.
    place.write("small", vec![b'y'; 24 << 20]);
    let script = "directory | with-file copy $(host | file small) | file copy | size";
    let done = place.run(&["-M", "-c", script]);
    assert_eq!(
        (done.code, done.stdout().as_str()),
        (0, "25165824"),
        "{}",
        done.stderr()
    );
    place.nothing_is_left();
    place.state = good;
    drop(disk);
}

#[test]
fn an_export_to_a_full_disk_is_told() {
    let place = Place::new();
    let disk = Disk::new(place.path("disk"), 8);
    place.write("large", vec![b'x'; 16 << 20]);
    let to = disk.0.join("copy");
    let script = format!("host | file large | export {}", argument(&to));
    place.fails(&["-M", "-c", &script], &["no space left", "copy"]);
    assert!(!to.exists(), "half a file is left");
}

/// A small disk in memory.
pub struct Disk(pub PathBuf);

impl Disk {
    pub fn new(dir: PathBuf, megabytes: u32) -> Self {
        fs::create_dir(&dir).expect("a directory");
        let size = format!("size={megabytes}m\0");
        let size = std::ffi::CStr::from_bytes_with_nul(size.as_bytes()).expect("an option");
        let disk = Path::new(&dir);
        mount("tmpfs", disk, "tmpfs", MountFlags::empty(), Some(size)).expect("a mount");
        Self(dir)
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = unmount(&self.0, UnmountFlags::DETACH);
    }
}
