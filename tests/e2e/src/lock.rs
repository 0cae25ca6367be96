//! `.dagger/lock`: what `--lock` and `lock update` do with images of a registry.

use std::fs;

use test_support::{Finished, Running};

use crate::fixture::sink;
use crate::place::{LIMIT, Place, argument, nonce};
use crate::prebuilt::Registry;

const FILE: &str = ".dagger/lock";

/// A registry and a directory to work in.
struct Shelf {
    place: Place,
    registry: Registry,
}

impl Shelf {
    fn new() -> Self {
        Self {
            place: Place::beside_others(),
            registry: Registry::start(),
        }
    }

    fn image(&self) -> String {
        format!("{}/app:1", self.registry.address)
    }

    fn run(&self, args: &[&str]) -> Finished {
        Running::to_end(&mut self.place.command(args), "", LIMIT).expect("a run")
    }

    #[track_caller]
    fn gives(&self, args: &[&str]) -> String {
        let done = self.run(args);
        assert_eq!(done.code, 0, "{args:?}: {}", done.stderr());
        done.stdout()
    }

    /// Publishes an image that holds the word; gives its digest.
    #[track_caller]
    fn publish(&self, word: &str) -> String {
        let script = format!(
            "container | with-new-file /held {word} | publish {}",
            self.image()
        );
        let name = self.gives(&["-M", "-c", &script]);
        let (_, digest) = name.split_once('@').expect("a digest");
        digest.to_owned()
    }

    /// What the image holds in a run with the mode.
    #[track_caller]
    fn held(&self, mode: &str) -> String {
        let script = format!("container | from {} | file held | contents", self.image());
        self.gives(&["-M", "--lock", mode, "-c", &script])
    }

    fn lock(&self) -> String {
        fs::read_to_string(self.place.path(FILE)).unwrap_or_default()
    }
}

#[test]
fn an_image_stays_what_the_lock_says_until_it_is_updated() {
    let shelf = Shelf::new();
    let platform = shelf.gives(&["-M", "-c", "default-platform"]);
    let lock = |digest: &str| {
        format!(
            "[[\"version\",\"1\"]]\n[\"\",\"container.from\",[\"{}\",\"{platform}\"],\"{digest}\",\"pin\"]",
            shelf.image()
        )
    };
    let (one, two, three) = (nonce(), nonce(), nonce());
    let first = shelf.publish(&one);
    assert_eq!(shelf.held("disabled"), one);
    assert!(!shelf.place.path(".dagger").exists());
    assert_eq!(shelf.held("pinned"), one);
    assert_eq!(shelf.lock(), lock(&first));

    let second = shelf.publish(&two);
    assert_eq!(shelf.held("pinned"), one);
    assert_eq!(shelf.held("frozen"), one);
    assert_eq!(shelf.held("disabled"), two);
    assert_eq!(shelf.lock(), lock(&first));
    assert_eq!(shelf.held("live"), two);
    assert_eq!(shelf.lock(), lock(&second));

    let third = shelf.publish(&three);
    assert_eq!(shelf.gives(&["lock", "update"]), "Updated .dagger/lock\n");
    assert_eq!(shelf.lock(), lock(&third));
    assert_eq!(
        shelf.gives(&["lock", "update"]),
        "Lockfile already up to date\n"
    );
    assert_eq!(shelf.held("frozen"), three);
}

#[test]
fn a_copy_of_an_earlier_run_is_not_written_down_for_what_the_registry_has() {
    let shelf = Shelf::new();
    let word = nonce();
    let digest = shelf.publish(&word);
    assert_eq!(shelf.held("disabled"), word);
    assert_eq!(shelf.held("live"), word);
    // Somebody else has looked it up since, and the registry cannot be reached.
    let theirs = shelf
        .lock()
        .replace(&digest, &format!("sha256:{}", "5".repeat(64)));
    shelf.place.write(FILE, &theirs);
    let script = format!("container | from {} | sync", shelf.image());
    let Shelf { place, registry } = shelf;
    drop(registry);
    let run = |mode| place.run(&["-M", "--lock", mode, "-c", &script]);
    let done = run("live");
    assert!(done.code != 0, "{}", done.stdout());
    let lock = fs::read_to_string(place.path(FILE)).expect("a lock");
    assert_eq!(lock, theirs);
    let done = run("disabled");
    assert_eq!(done.code, 0, "{}", done.stderr());
}

#[test]
fn what_an_earlier_run_remembers_of_a_function_does_not_stand_for_the_lock() {
    let place = Place::beside_others();
    let token = nonce();
    // A text that a command in a container of an image has said.
    let call = |lock: &str| {
        let sink = sink();
        let words = ["call", "-m", argument(&sink), "--lock", lock, "leak"];
        let mut command = place.command(&[&words[..], &["--secret", "env:TOKEN"]].concat());
        command.env("TOKEN", &token);
        Running::to_end(&mut command, "", LIMIT).expect("a run")
    };
    for _ in 0..2 {
        let done = call("disabled");
        assert_eq!(
            (done.code, done.stdout().as_str()),
            (0, "token=***\n"),
            "{}",
            done.stderr()
        );
    }
    let done = call("frozen");
    let stderr = done.stderr();
    assert!(
        done.code != 0 && stderr.contains("missing lock entry for `container.from "),
        "{}{stderr}",
        done.stdout()
    );
    assert!(!place.path(".dagger").exists());
}

#[test]
fn an_image_that_a_recipe_makes_is_not_recorded() {
    let place = Place::beside_others();
    let script = "container | from debian:bookworm-slim | with-exec -- echo here | stdout";
    let done = place.run(&["-M", "--lock=live", "-c", script]);
    assert_eq!(
        (done.code, done.stdout().as_str()),
        (0, "here\n"),
        "{}",
        done.stderr()
    );
    assert!(!place.path(".dagger").exists());
}

#[test]
fn a_mode_that_is_none_is_told() {
    let place = Place::beside_others();
    let done = place.run(&["-M", "--lock", "frosen", "-c", "container | sync"]);
    let stderr = done.stderr();
    let words =
        "invalid argument \"frosen\" for --lock: it is one of disabled, live, pinned, frozen";
    assert!(done.code != 0 && stderr.contains(words), "{stderr}");
}

#[test]
fn a_lock_that_cannot_be_written_is_told_and_so_is_one_that_cannot_be_read() {
    let shelf = Shelf::new();
    shelf.publish(&nonce());
    let script = format!("container | from {} | sync", shelf.image());
    shelf.place.write(".dagger", "no directory");
    let done = shelf.run(&["-M", "--lock=live", "-c", &script]);
    assert!(done.code != 0, "{}", done.stdout());
    assert!(
        done.stderr().contains("`.dagger/lock`"),
        "{}",
        done.stderr()
    );
    fs::remove_file(shelf.place.path(".dagger")).expect("a removal");
    shelf.place.write(FILE, "[[\"version\",\"2\"]]");
    for args in [
        &["-M", "--lock=frozen", "-c", &script][..],
        &["lock", "update"],
    ] {
        let done = shelf.run(args);
        let stderr = done.stderr();
        let words = "cannot read `.dagger/lock`: line 1: it is of version `2`";
        assert!(done.code != 0 && stderr.contains(words), "{stderr}");
    }
}
