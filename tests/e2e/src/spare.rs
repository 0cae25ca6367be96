//! What may go from the state directory, and what must: on a disk that commands
//! have filled, and beside a run whose clock is set.

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;
use std::time::{Duration, SystemTime};

use test_support::Running;
use walkdir::WalkDir;

use crate::place::{LIMIT, Place, nonce, readable};
use crate::surroundings::Disk;

const FILL: &str = "head -c 200000000 /dev/zero";

/// Not a byte is free afterwards.
fn pad(disk: &Path) {
    let mut file = File::create(disk.join("pad")).expect("a file");
    while file.write_all(&[0; 4096]).is_ok() {}
}

#[test]
fn a_command_that_fills_the_disk_of_the_state_leaves_it_good() {
    let mut place = Place::new();
    let base = place.small_container();
    let disk = Disk::new(place.path("disk"), 60);
    let good = std::mem::replace(&mut place.state, disk.0.clone());
    let fill = format!("{base} | with-exec -- sh -c '{FILL} >/big; echo done' | stdout");
    let done = place.run(&["-M", "-c", &fill]);
    readable(&done);
    assert!(
        done.code != 0 && done.stderr().contains("no space left"),
        "{}",
        done.stderr()
    );
    let big = WalkDir::new(disk.0.join("layers")).into_iter().flatten();
    let big = big.filter(|entry| entry.file_name() == "big").count();
    assert_eq!(big, 0, "what nothing refers to takes the disk");
    // What a killed run leaves does not keep the next one from its place.
    let lost = disk.0.join("layers/lost");
    fs::create_dir(&lost).expect("a directory");
    pad(&lost);
    let works = format!("{base} | with-exec -- sh -c 'echo {}' | stdout", nonce());
    let done = place.run(&["-M", "-c", &works]);
    assert_eq!(done.code, 0, "{}", done.stderr());
    place.nothing_is_left();
    place.state = good;
}

#[test]
fn a_state_that_a_cache_volume_has_filled_is_told_and_can_be_pruned() {
    let mut place = Place::new();
    let base = place.small_container();
    let disk = Disk::new(place.path("disk"), 60);
    let good = std::mem::replace(&mut place.state, disk.0.clone());
    let fill = format!(
        "{base} | with-mounted-cache /v $(cache-volume v) \
         | with-exec --expect ANY -- sh -c '{FILL} >/v/big' | exit-code"
    );
    let done = place.run(&["-M", "-c", &fill]);
    readable(&done);
    pad(&disk.0);
    let works = format!("{base} | with-exec -- sh -c 'echo {}' | stdout", nonce());
    let done = place.run(&["-M", "-c", &works]);
    readable(&done);
    let stderr = done.stderr();
    let is_told = |word: &str| stderr.contains(word);
    assert!(
        done.code != 0
            && is_told("no space left")
            && is_told("poniard prune")
            && is_told(&disk.0.display().to_string()),
        "{stderr}"
    );
    let done = place.run(&["prune", "--volumes"]);
    assert_eq!(done.code, 0, "{}", done.stderr());
    let done = place.run(&["-M", "-c", &works]);
    assert_eq!(done.code, 0, "{}", done.stderr());
    place.nothing_is_left();
    place.state = good;
}

#[test]
fn prune_leaves_a_live_run_alone_when_the_clock_is_set() {
    for ahead in [true, false] {
        let mut place = Place::new();
        let base = place.small_container();
        place.state = place.path("state");
        let word = nonce();
        let script = format!(
            "{base} | with-mounted-cache /v $(cache-volume v) \
             | with-exec -- sh -c 'echo one >/one' \
             | with-exec -- sh -c 'sleep 3; echo at-$((40 + 2)) >&2; n=0; \
             until [ -e /v/{word} ] || [ $((n += 1)) -gt 1200 ]; do sleep 0.1; done' \
             | with-exec -- cat /one | stdout"
        );
        let running = Running::start(&mut place.command(&["-M", "-c", &script]), "");
        let running = running.expect("a start");
        assert!(running.says("at-42", LIMIT), "it does not run");
        // Times of a clock that was an hour off.
        let hour = Duration::from_secs(3600);
        let now = SystemTime::now();
        let time = if ahead { now + hour } else { now - hour };
        for entry in WalkDir::new(&place.state).into_iter().flatten() {
            let path = entry.path();
            let is_session = path.ends_with("live");
            let is_entry = path.extension().is_some_and(|ext| ext == "json");
            if is_session == ahead && (is_session || is_entry) {
                let set = File::open(path).and_then(|file| file.set_modified(time));
                set.expect("a time");
            }
        }
        let done = place.run(&["prune", "--volumes"]);
        assert_eq!(done.code, 0, "{}", done.stderr());
        let volumes = fs::read_dir(place.state.join("volumes")).expect("volumes");
        for volume in volumes.flatten() {
            fs::write(volume.path().join(&word), "").expect("a file");
        }
        let done = running.finish(LIMIT).expect("an end");
        assert_eq!(done.stdout(), "one\n", "{}", done.stderr());
    }
}
