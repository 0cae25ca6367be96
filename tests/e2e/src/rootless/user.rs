//! An ordinary user who exists in one mount namespace only: users, ids and the device
//! for tunnels are files over those of the machine, which stays as it is.

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use test_support::{Cli, Finished, Running, leftovers};

use crate::place::{GRACE, LIMIT, Place, argument, readable};

pub const UID: u32 = 43_210;
const IDS: std::ops::Range<u32> = 700_000_000..700_065_536;

/// Words: the directory, then the command. The home is mounted as homes often are.
const BECOME: &str = "dir=$1; shift
for name in passwd subuid subgid; do
  [ -e /etc/$name ] || : > /etc/$name
  mount --bind \"$dir/etc/$name\" /etc/$name
done
mount -t tmpfs -o mode=755 dev \"$dir/dev\"
mknod \"$dir/dev/tun\" c 10 200
chmod \"$(cat \"$dir/etc/tun\")\" \"$dir/dev/tun\"
[ -e /dev/net/tun ] || { mkdir -p /dev/net; : > /dev/net/tun; }
mount --bind \"$dir/dev/tun\" /dev/net/tun
mount --bind \"$dir/home\" \"$dir/home\"
mount -o remount,bind,nosuid,nodev \"$dir/home\"
mount --bind \"$PONIARD\" \"$dir/poniard\"
mount -t tmpfs -o mode=755 run /run
cd \"$dir/home\"
exec setpriv --reuid=43210 --regid=43210 --clear-groups \"$@\"";

/// The shell of Debian's `busybox` with what it is linked with, and two users.
pub const BOX: &str = r#"cd "$1"
mkdir -p bin dev etc home/ann tmp
busybox=$(command -v busybox)
cp "$busybox" bin/busybox
for library in $(ldd "$busybox" 2>/dev/null | grep -o '/[^ ]*'); do
  mkdir -p ".${library%/*}"
  cp -L "$library" ".$library"
done
for name in $("$busybox" --list); do ln -s busybox "bin/$name"; done 2>/dev/null || :
printf 'root:x:0:0::/root:/bin/sh\nann:x:1000:1000::/home/ann:/bin/sh\n' > etc/passwd
printf 'root:x:0:\nann:x:1000:\n' > etc/group
chown 1000:1000 home/ann
"#;

/// The user, at a place where the home is.
pub struct User {
    pub place: Place,
    cli: Cli,
}

impl User {
    pub fn new(mut place: Place) -> Self {
        let dir = place.path("");
        fs::set_permissions(&dir, Permissions::from_mode(0o755)).expect("a mode");
        let passwd = fs::read_to_string("/etc/passwd").expect("users");
        let home = place.path("home");
        let line = format!("ordinary:x:{UID}:{UID}::{}:/bin/sh\n", home.display());
        place.write("etc/passwd", passwd + &line);
        let ids = format!("ordinary:{}:{}\n", IDS.start, IDS.len());
        for name in ["etc/subuid", "etc/subgid"] {
            place.write(name, &ids);
        }
        place.write("etc/tun", "666");
        place.write("poniard", "");
        for name in ["home", "dev"] {
            fs::create_dir_all(place.path(name)).expect("a directory");
        }
        chown(&home, Some(UID), Some(UID)).expect("an owner");
        place.write("box.sh", BOX);
        place.write(
            "poniard.toml",
            "[[image]]\nname = \"box\"\nscript = \"box.sh\"\n",
        );
        place.state = home.join("state");
        let cli = place.cli.at(&place.path("poniard"));
        let cli = cli.under(&[
            "unshare",
            "--mount",
            "sh",
            "-eu",
            "-c",
            BECOME,
            "become",
            argument(&dir),
        ]);
        Self { place, cli }
    }

    pub fn home(&self, name: &str) -> PathBuf {
        self.place.path("home").join(name)
    }

    /// poniard as the user, at home, where Debian's users look for programs.
    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = self.place.command_of(&self.cli, args);
        command
            .env("PONIARD", self.place.cli.program())
            .env("PONIARD_CONFIG", self.place.path("poniard.toml"))
            .env("HOME", self.home(""))
            .env("PATH", "/usr/local/bin:/usr/bin:/bin")
            .env_remove("XDG_RUNTIME_DIR")
            .env_remove("XDG_STATE_HOME");
        command
    }

    pub fn run(&self, args: &[&str]) -> Finished {
        Running::to_end(&mut self.command(args), "", LIMIT).expect("a run")
    }

    /// The output of a pipeline that succeeds.
    #[track_caller]
    pub fn pipeline(&self, script: &str) -> String {
        let done = self.run(&["-M", "-c", script]);
        readable(&done);
        assert_eq!(done.code, 0, "{}", done.stderr());
        done.stdout()
    }

    /// Expects one clear error, and nothing left.
    #[track_caller]
    pub fn fails(&self, command: &mut Command, words: &[&str]) {
        let done = Running::to_end(command, "", LIMIT).expect("a run");
        let stderr = done.stderr();
        readable(&done);
        assert!(done.code != 0 && !done.late, "{stderr}");
        let errors = stderr.lines().filter(|line| line.starts_with("Error: "));
        assert_eq!(errors.count(), 1, "not one error:\n{stderr}");
        for word in words {
            assert!(stderr.contains(word), "`{word}` is not said:\n{stderr}");
        }
        self.nothing_is_left();
    }

    /// No mount, no process of the user or of the ids, no file beyond the state.
    #[track_caller]
    pub fn nothing_is_left(&self) {
        self.place.nothing_is_left();
        let deadline = Instant::now() + GRACE;
        while let Some(process) = processes().next() {
            assert!(Instant::now() < deadline, "left behind: {process}");
            std::thread::sleep(Duration::from_millis(20));
        }
        let left = leftovers::of(&self.home(""));
        assert!(left.is_empty(), "left behind:\n{}", left.join("\n"));
        let temporary = fs::read_dir(std::env::temp_dir()).expect("a directory");
        let temporary = temporary.flatten().find(|entry| is_own(&entry.path()));
        assert!(temporary.is_none(), "left behind: {temporary:?}");
    }
}

fn is_own(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|meta| meta.uid() == UID || IDS.contains(&meta.uid()))
}

fn processes() -> impl Iterator<Item = String> {
    crate::processes::all()
        .filter(|process| is_own(process.path()))
        .map(|process| process.read("cmdline"))
        // Ended, and not yet waited for.
        .filter(|line| !line.is_empty())
}
