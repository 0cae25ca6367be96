//! GPUs: a program of a test's own in the place of NVIDIA's hook, which this
//! machine has not, sees what that would see.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;

use test_support::{Finished, Running};

use crate::place::{LIMIT, Place, nonce};

const HOOK: &str = "nvidia-container-runtime-hook";

/// Runs with a hook that writes down its argument and what the container is told.
fn run(place: &Place, script: &str) -> Finished {
    let seen = place.path("seen");
    let text = format!(
        "#!/bin/sh\nset -eu\nbundle=$(grep -o '\"bundle\":\"[^\"]*' | cut -d '\"' -f 4)\n\
         devices=$(grep -o 'NVIDIA_VISIBLE_DEVICES=[^\"]*' \"$bundle/config.json\")\n\
         echo \"$1 $devices\" >> '{}'\n",
        seen.display()
    );
    place.write(&format!("hooks/{HOOK}"), text);
    let hook = place.path("hooks").join(HOOK);
    fs::set_permissions(hook, Permissions::from_mode(0o755)).expect("a mode");
    // Over the programs of this machine, for this command alone.
    let over = format!(
        "mount -t overlay overlay -o 'lowerdir={}:/usr/bin' /usr/bin; exec \"$@\"",
        place.path("hooks").display()
    );
    let cli = place
        .cli
        .under(&["unshare", "--mount", "sh", "-eu", "-c", &over, "sh"]);
    let mut command = place.command_of(&cli, &["-M", "-c", script]);
    Running::to_end(&mut command, "", LIMIT).expect("a run")
}

#[test]
fn the_hook_is_told_which_gpus_a_command_gets_and_they_count_in_its_cache() {
    let place = Place::new();
    let variable = nonce();
    let script = |gpus: &str| {
        format!(
            "container | from debian:bookworm-slim | with-env-variable N {variable} | \
             with-env-variable NVIDIA_VISIBLE_DEVICES void | with-exec -- true | {gpus} | \
             with-exec -- printenv NVIDIA_VISIBLE_DEVICES | stdout"
        )
    };
    let calls = [
        ("experimental-with-gpu 0,GPU-7", "0,GPU-7\n"),
        ("experimental-with-all-gpus", "all\n"),
        ("experimental-with-gpu 0,GPU-7", "0,GPU-7\n"),
    ];
    for (gpus, devices) in calls {
        let done = run(&place, &script(gpus));
        assert_eq!(
            (done.code, done.stdout().as_str()),
            (0, devices),
            "{}",
            done.stderr()
        );
    }
    // Once for each command with GPUs, never for that before them; the last was known.
    let seen = fs::read_to_string(place.path("seen")).expect("a record");
    assert_eq!(
        seen,
        "prestart NVIDIA_VISIBLE_DEVICES=0,GPU-7\nprestart NVIDIA_VISIBLE_DEVICES=all\n"
    );
    place.nothing_is_left();
}

#[test]
fn without_the_hook_a_command_with_gpus_is_refused() {
    if fs::exists(format!("/usr/bin/{HOOK}")).expect("a look") {
        eprintln!("this machine gives GPUs to containers");
        return;
    }
    let place = Place::new();
    let script = "container | from debian:bookworm-slim | experimental-with-all-gpus | \
                  with-exec -- nvidia-smi | stdout";
    place.fails(&["-M", "-c", script], &["GPUs `all`", HOOK, "install"]);
    let script = "container | experimentalWithAllGPUs | with-new-file f 1 | file f | contents";
    let done = place.run(&["-M", "-c", script]);
    assert_eq!(
        (done.code, done.stdout().as_str()),
        (0, "1"),
        "{}",
        done.stderr()
    );
}
