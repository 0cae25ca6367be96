//! poniard for an ordinary [`user`]: containers, files, the [`network`], images and
//! sessions that go [`outside`], modules, the end of runs, and what is said on a machine that lacks something.

mod network;
mod outside;
pub mod user;

use std::fs;
use std::os::unix::fs::{MetadataExt, symlink};
use std::path::Path;
use std::process::Command;
use std::time::{Instant, SystemTime};

use rustix::process::Signal;
use serde_json::Value;
use test_support::{Finished, Running};

use crate::fixture::{greet, greeter};
use crate::place::{GRACE, LIMIT, Place, argument, kept_out_of, nonce};
use crate::prebuilt::{self, Registry};

use user::{UID, User};

#[test]
fn containers_run_as_root_and_as_others_and_keep_what_they_change() {
    let user = User::new(Place::new());
    // The third layer hides what the first has made, and some of the image.
    let container = "container | from box \
        | with-exec -- sh -c 'mkdir -p /made/in; echo 1 > /made/in/old; chown 1000:1000 /made/in/old; id -u > /log; chmod 666 /log' \
        | with-exec -- sh -c 'stat -c %u:%g /made/in/old >> /log; rm -r /made/in /etc/group; mkdir /made/in; chown 1000 /made/in' \
        | with-user ann \
        | with-exec -- sh -c 'exec >> /log; id -u; echo $HOME; ls /made/in; ls /etc/group 2> /dev/null || echo gone; echo mine > /made/in/mine; touch /made/no 2> /dev/null || echo refused' \
        | with-user root";
    let told = user.pipeline(&format!(
        "{container} | with-exec -- sh -c 'cat /log; ls /made/in; cat /proc/1/comm; grep -E \"CapBnd|Seccomp:\" /proc/self/status; mount -t tmpfs none /tmp 2> /dev/null || echo no mount' | stdout"
    ));
    let expected = "0\n1000:1000\n1000\n/home/ann\ngone\nrefused\nmine\ninit\n\
        CapBnd:\t00000000a80425fb\nSeccomp:\t2\nno mount\n";
    assert_eq!(told, expected);
}

fn owner(path: &Path) -> u32 {
    fs::symlink_metadata(path).expect("a file").uid()
}

#[test]
fn what_is_exported_is_the_users_and_prune_removes_what_others_own() {
    let user = User::new(Place::new());
    user.pipeline(
        "container | from box | with-exec -- sh -c 'mkdir -p /made/in; echo 1 > /made/in/file; chown -R 1000:1000 /made; chmod 700 /made' \
         | directory /made | export out",
    );
    for name in ["out", "out/in", "out/in/file"] {
        assert_eq!(owner(&user.home(name)), UID, "{name}");
    }
    // And the other way: sources of the user are root's in a container.
    let told = user.pipeline(
        "container | from box | with-directory /src $(host | directory out) | with-exec -- stat -c '%u %a' /src/in/file | stdout",
    );
    assert_eq!(told, "0 644\n");
    // What was used within the last second is kept.
    let deadline = Instant::now() + GRACE;
    let layers = || fs::read_dir(user.home("state/layers")).map(Iterator::count);
    while layers().expect("layers") > 0 {
        let done = user.run(&["prune", "--volumes"]);
        assert_eq!(done.code, 0, "{}", done.stderr());
        assert!(Instant::now() < deadline, "{}", done.stdout());
    }
    user.nothing_is_left();
}

#[test]
fn an_image_with_devices_is_unpacked_without_them() {
    let user = User::new(Place::new());
    let script = "mkdir -p layer/dev; mknod layer/dev/odd c 1 7; mknod layer/dev/disk b 7 0; mkfifo layer/pipe; echo 1 > layer/file
        chown 33:33 layer/file; tar -C layer -cf layer.tar .; rm -r layer
        id=$(sha256sum layer.tar | cut -d' ' -f 1)
        printf '{\"architecture\":\"%s\",\"os\":\"linux\",\"config\":{},\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[\"sha256:%s\"]}}' $1 $id > config.json
        echo '[{\"Config\":\"config.json\",\"RepoTags\":[\"x:1\"],\"Layers\":[\"layer.tar\"]}]' > manifest.json
        tar -cf image.tar manifest.json config.json layer.tar; chmod 644 image.tar; rm layer.tar";
    let made = Command::new("sh")
        .args(["-eu", "-c", script, "make"])
        .arg(prebuilt::host_platform().trim_start_matches("linux/"))
        .current_dir(user.home(""))
        .status();
    assert!(made.is_ok_and(|status| status.success()));
    let told = user.pipeline(
        "image=$(container | import $(host | file image.tar))\n$image | directory / | glob '**'\n$image | file /file | contents",
    );
    assert_eq!(told, "dev/\nfile\npipe\n1\n");
}

#[test]
fn secrets_reach_the_command_and_nothing_else() {
    let user = User::new(Place::new());
    const PLAINTEXT: &str = "correct-horse-battery";
    let since = SystemTime::now();
    let script = "token=$(secret env://TOKEN)\n\
        container | from box | with-secret-variable TOKEN $token | with-mounted-secret /run/token $token --owner ann --mode 256 \
        | with-user ann | with-exec -- sh -c 'echo $TOKEN; cat /run/token; echo; echo ${#TOKEN}' | stdout";
    let mut command = user.command(&["-M", "-c", script]);
    let done = Running::to_end(command.env("TOKEN", PLAINTEXT), "", LIMIT).expect("a run");
    assert_eq!(
        (done.code, done.stdout().as_str()),
        (0, "***\n***\n21\n"),
        "{}",
        done.stderr()
    );
    assert!(!done.stderr().contains(PLAINTEXT));
    kept_out_of(&user.home("state"), since, &[PLAINTEXT]);
}

/// Starts something that stays, with a child that has left its session.
fn busy(user: &User) -> Running {
    let script = "web=$(container | from box | with-exposed-port 8080 | as-service --args=busybox,httpd,-f,-p,8080)\n\
        container | from box | with-service-binding web $web | with-mounted-cache /c $(cache-volume c) \
        | with-exec -- sh -c 'setsid sleep 600 & echo at-$((40 + 2)); sleep 600' | sync";
    let mut command = user.command(&["-M", "--progress", "plain", "-c", script]);
    let running = Running::start(&mut command, "").expect("a start");
    assert!(running.says("at-42", LIMIT), "it does not start");
    running
}

#[test]
fn nothing_is_left_of_a_run_that_is_interrupted_or_killed() {
    let user = User::new(Place::new());
    for (signal, code) in [
        (Signal::INT, 130),
        (Signal::TERM, 143),
        (Signal::KILL, 128 + 9),
    ] {
        let running = busy(&user);
        running.signal(signal).expect("a signal");
        let done = running.finish(GRACE).expect("an end");
        assert_eq!(done.code, code, "{}", done.stderr());
        user.nothing_is_left();
    }
    // What the killed run had begun is cleared away.
    let told = user.pipeline("container | from box | with-exec echo right | stdout");
    assert_eq!(told, "right\n");
    let begun = fs::read_dir(user.home("state/tmp")).expect("a directory");
    assert_eq!(begun.count(), 0);
}

#[test]
fn a_module_of_a_release_is_called_from_a_registry() {
    let word = nonce();
    let (place, module) = greeter(&greet(&format!("{word:?}.to_string()")));
    let done = place.run(&["call", "-m", argument(&module), "greet"]);
    assert_eq!(done.stdout(), word, "{}", done.stderr());
    fs::copy(prebuilt::program(&place), place.path("program")).expect("a copy");
    let types = Command::new(place.path("program")).arg("types").output();
    place.write(
        "greeter/dagger.types.json",
        types.expect("a program").stdout,
    );
    let registry = Registry::start();
    let image = prebuilt::release(&place, &registry, prebuilt::host_platform(), "program");
    prebuilt::pin(&place, &image);

    let user = User::new(place);
    let module = user.place.path("greeter");
    let done = user.run(&["call", "-m", argument(&module), "greet"]);
    assert_eq!((done.code, done.stdout()), (0, word), "{}", done.stderr());
    assert!(!done.stderr().contains("compile"), "{}", done.stderr());
    user.nothing_is_left();
}

fn doctor(user: &User) -> (Finished, Value) {
    let mut command = user.command(&["doctor", "--json", "--offline"]);
    let done = Running::to_end(&mut command, "", LIMIT).expect("a run");
    let report = serde_json::from_slice(&done.stdout)
        .unwrap_or_else(|e| panic!("{e}: {}{}", done.stdout(), done.stderr()));
    (done, report)
}

#[track_caller]
fn finds(report: &Value, name: &str, health: &str, words: &[&str]) {
    let found = report["findings"].as_array().expect("findings");
    let found = found.iter().find(|finding| finding["name"] == name);
    let found = found.unwrap_or_else(|| panic!("no {name}: {report:#}"));
    assert_eq!(found["health"], health, "{found:#}");
    for word in words {
        assert!(found.to_string().contains(word), "{word}: {found:#}");
    }
}

#[test]
fn what_the_machine_lacks_is_told_by_runs_and_by_doctor() {
    let user = User::new(Place::new());
    let run = ["-M", "-c", "container | from box | with-exec true | sync"];
    let (done, report) = doctor(&user);
    assert_eq!(done.code, 0, "{report:#}");
    finds(&report, "rights", "good", &["ordinary", "65536"]);
    for name in ["isolation", "overlay", "user network", "tunnels"] {
        finds(&report, name, "good", &[]);
    }

    user.place.write("etc/tun", "600");
    let words = ["`/dev/net/tun`", "chmod 0666"];
    user.fails(&mut user.command(&run), &words);
    let (done, report) = doctor(&user);
    assert_eq!(done.code, 1);
    finds(&report, "tunnels", "bad", &words);
    user.place.write("etc/tun", "666");

    // All programs but one.
    let bin = user.place.path("bin");
    for missing in ["slirp4netns", "newuidmap"] {
        let _ = fs::remove_dir_all(&bin);
        fs::create_dir(&bin).expect("a directory");
        for dir in ["/usr/bin", "/usr/sbin"] {
            for program in fs::read_dir(dir).expect("programs").flatten() {
                if program.file_name() != missing {
                    let _ = symlink(program.path(), bin.join(program.file_name()));
                }
            }
        }
        let mut command = user.command(&run);
        let package = match missing {
            "newuidmap" => "uidmap",
            other => other,
        };
        user.fails(
            command.env("PATH", &bin),
            &[
                &format!("`{missing}`"),
                &format!("apt-get install {package}"),
            ],
        );
    }

    user.place.write("etc/subgid", "somebody:100000:65536\n");
    let words = ["`/etc/subgid`", "usermod --add-subgids", "ordinary"];
    user.fails(&mut user.command(&run), &words);
    let (done, report) = doctor(&user);
    assert_eq!(done.code, 1);
    finds(&report, "rights", "bad", &words);
    let pruned = user.run(&["prune"]);
    assert!(pruned.code != 0 && pruned.stderr().contains("`/etc/subgid`"));
}
