//! Images of this machine's container engine: a real one, with a store of its own.

use std::process::Command;

use test_support::{Finished, Running};

use crate::place::{LIMIT, Place, argument};

/// A place whose container engine is podman, with an empty store.
struct Podman {
    place: Place,
}

impl Podman {
    fn new() -> Self {
        let place = Place::new();
        let [root, run] = ["store", "run"].map(|name| place.path(name));
        let (root, run) = (argument(&root), argument(&run));
        let text =
            format!("[storage]\ndriver = \"vfs\"\ngraphroot = \"{root}\"\nrunroot = \"{run}\"\n");
        place.write("storage.conf", text);
        Self { place }
    }

    fn run(&self, mut command: Command) -> Finished {
        command
            .env("CONTAINERS_STORAGE_CONF", self.place.path("storage.conf"))
            .env("_EXPERIMENTAL_DAGGER_RUNNER_IMAGESTORE", "podman-image");
        Running::to_end(&mut command, "", LIMIT).expect("a run")
    }

    fn shell(&self, script: &str) -> Finished {
        self.run(self.place.command(&["-M", "-c", script]))
    }

    /// What podman itself says.
    #[track_caller]
    fn says(&self, args: &[&str]) -> String {
        let mut command = Command::new("podman");
        command.args(args).current_dir(self.place.path(""));
        let done = self.run(command);
        assert_eq!(done.code, 0, "podman {args:?}: {}", done.stderr());
        done.stdout().trim().to_owned()
    }
}

#[test]
fn images_go_into_the_store_of_the_machines_container_engine_and_come_from_it() {
    let podman = Podman::new();
    let done = podman.shell(
        "container | with-new-file /greeting.txt hello | with-label shop.part web |
         with-entrypoint /greet | with-env-variable COLOUR blue | export-image shop:1",
    );
    assert_eq!(
        (done.code, done.stdout().as_str()),
        (0, ""),
        "{}",
        done.stderr()
    );
    let about = podman.says(&[
        "image",
        "inspect",
        "docker.io/library/shop:1",
        "--format",
        "{{index .Config.Labels \"shop.part\"}} {{.Config.Entrypoint}} {{.Config.Env}}",
    ]);
    assert_eq!(about, "web [/greet] [COLOUR=blue]");
    let script = "host | container-image shop:1 | file /greeting.txt | contents";
    let done = podman.shell(script);
    assert_eq!(
        (done.code, done.stdout().as_str()),
        (0, "hello"),
        "{}",
        done.stderr()
    );

    // One that was made elsewhere, and is another under the same name later.
    for text in ["one", "two"] {
        podman.place.write("files/made.txt", text);
        let files = podman.place.path("files");
        let tar = Command::new("tar")
            .args(["-cf", "files.tar", "-C", argument(&files), "made.txt"])
            .current_dir(podman.place.path(""))
            .status();
        assert!(tar.is_ok_and(|status| status.success()));
        podman.says(&[
            "import",
            "--change",
            "WORKDIR=/made",
            "files.tar",
            "other:2",
        ]);
        let script = "host | container-image localhost/other:2 | file /made.txt | contents; \
                      host | container-image localhost/other:2 | workdir";
        let done = podman.shell(script);
        let want = format!("{text}/made");
        assert_eq!((done.code, done.stdout()), (0, want), "{}", done.stderr());
    }

    let done = podman.shell("host | container-image nothing:3 | sync");
    let words = ["docker.io/library/nothing:3", "`podman save"];
    podman.place.failed(&done, &words);
}
