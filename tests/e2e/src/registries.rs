//! A registry that answers wrongly, or no more: nothing of it is kept, the user is
//! told which image it is about, why and what to do, and once it is mended the
//! same state serves again.

use std::env::consts::ARCH;
use std::fs;
use std::path::Path;

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use stand_ins::{Fault, Server, proxy};
use test_support::{Finished, Running};

use crate::place::{LIMIT, Place, nonce, readable};
use crate::prebuilt::Registry;

/// How often a layer is asked for before it is given up.
const ATTEMPTS: usize = 3;

/// An image in a real registry, and what is asked for it in between.
struct Shelf {
    place: Place,
    registry: Registry,
    between: Server,
    /// What is in the image.
    word: String,
}

/// What an image is made of, as text.
struct Parts {
    manifest: String,
    config: String,
    /// Its digest.
    layer: String,
    tar: String,
}

impl Shelf {
    fn new() -> Self {
        let mut place = Place::new();
        place.state = place.path("state");
        let registry = Registry::start();
        let between = proxy::to(&format!("http://{}", registry.address)).expect("a proxy");
        let settings = format!("[registry]\ninsecure = [\"{}\"]\n", between.address());
        place.write("poniard.toml", settings);
        let shelf = Self {
            place,
            registry,
            between,
            word: nonce(),
        };
        let publish = format!(
            "container | with-new-file /held {} | publish {}/app:1 --forced-compression Uncompressed",
            shelf.word, shelf.registry.address
        );
        let done = shelf.run(&publish);
        assert_eq!(done.code, 0, "{}", done.stderr());
        // The layers that it was made of are not those that are pulled, and yet.
        fs::remove_dir_all(&shelf.place.state).expect("a state");
        shelf
    }

    fn run(&self, script: &str) -> Finished {
        let mut command = self.place.command(&["-M", "-c", script]);
        command.env("PONIARD_CONFIG", self.place.path("poniard.toml"));
        let done = Running::to_end(&mut command, "", LIMIT).expect("a run");
        readable(&done);
        done
    }

    fn image(&self) -> String {
        format!("{}/app:1", self.between.address())
    }

    fn pull(&self) -> Finished {
        self.run(&format!(
            "container | from {} | rootfs | file held | contents",
            self.image()
        ))
    }

    fn get(&self, path: &str) -> String {
        let url = format!("http://{}/v2/app/{path}", self.registry.address);
        let accept = "application/vnd.oci.image.manifest.v1+json";
        let answer = ureq::get(url).header("accept", accept).call();
        let mut answer = answer.expect("an answer");
        answer.body_mut().read_to_string().expect("a text")
    }

    fn parts(&self) -> Parts {
        let manifest = self.get("manifests/1");
        let value: Value = serde_json::from_str(&manifest).expect("a manifest");
        let digest = |value: &Value| value["digest"].as_str().expect("a digest").to_owned();
        let layer = digest(&value["layers"][0]);
        Parts {
            config: digest(&value["config"]),
            tar: self.get(&format!("blobs/{layer}")),
            manifest,
            layer,
        }
    }

    /// Pulls in vain, and then, when nothing is wrong any more, well.
    #[track_caller]
    fn fails(&self, faults: Vec<Fault>, words: &[&str]) {
        let between = self.between.faults();
        faults.into_iter().for_each(|fault| between.add(fault));
        let all = between.left();
        let done = self.pull();
        let stderr = done.stderr();
        assert_ne!(done.code, 0, "it succeeds:\n{}{stderr}", done.stdout());
        let errors = stderr.lines().filter(|line| line.starts_with("Error: "));
        let errors: Vec<_> = errors.collect();
        assert_eq!(errors.len(), 1, "not one error:\n{stderr}");
        for word in words.iter().chain([&self.image().as_str()]) {
            assert!(errors[0].contains(word), "`{word}` is not said:\n{stderr}");
        }
        let state = &self.place.state;
        assert_eq!(
            files(&state.join("layers")),
            0,
            "a layer is kept:\n{stderr}"
        );
        assert_eq!(
            files(&state.join("tmp")),
            0,
            "temporary files stay:\n{stderr}"
        );
        for kind in ["image", "tag"] {
            let kept = files(&state.join("cache").join(kind));
            assert_eq!(kept, 0, "an entry of `{kind}` is kept:\n{stderr}");
        }
        assert!(between.left() < all, "nothing went wrong:\n{stderr}");
        between.clear();
        self.succeeds();
        fs::remove_dir_all(state).expect("a state");
    }

    #[track_caller]
    fn succeeds(&self) {
        let done = self.pull();
        assert_eq!(done.stdout().trim(), self.word, "{}", done.stderr());
        self.place.nothing_is_left();
    }
}

fn digest(text: &str) -> String {
    let bytes = Sha256::digest(text);
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("sha256:{hex}")
}

/// The answer to whatever has `path` in its path, as often as it is asked for.
fn instead(path: &str, text: &str) -> Fault {
    Fault::answer("GET", path, 200, text).times(ATTEMPTS)
}

/// An index with one manifest for this machine.
fn index(digest: &str) -> String {
    let architecture = match ARCH {
        "aarch64" => "arm64",
        _ => "amd64",
    };
    let kind = "application/vnd.oci.image.index.v1+json";
    json!({
        "schemaVersion": 2,
        "mediaType": kind,
        "manifests": [{
            "mediaType": kind,
            "digest": digest,
            "size": 1000,
            "platform": { "os": "linux", "architecture": architecture },
        }],
    })
    .to_string()
}

/// How many entries there are in a directory.
fn files(dir: &Path) -> usize {
    fs::read_dir(dir).map_or(0, Iterator::count)
}

#[test]
fn manifests_and_configurations_that_are_not_what_their_digest_says_are_refused() {
    let shelf = Shelf::new();
    let parts = shelf.parts();
    let real = digest(&parts.manifest);
    let other = format!("{} ", parts.manifest);
    let tagged = instead("/manifests/1", &other).header("docker-content-digest", &real);
    let said = [real.as_str(), &digest(&other), "damaged", "try again"];
    shelf.fails(vec![tagged], &said);
    let said = [parts.config.as_str(), "damaged", "try again"];
    shelf.fails(vec![instead(&parts.config, "{}")], &said);
    let pointer = instead("/manifests/1", &index(&real));
    let said = [real.as_str(), "damaged", "try again"];
    shelf.fails(vec![pointer, instead(&real, &other)], &said);
}

#[test]
fn an_index_that_leads_to_itself_or_to_another_ends_at_once() {
    let shelf = Shelf::new();
    let claimed = format!("sha256:{:064}", 1);
    // It cannot have its own digest in it, so it is one that lies about it.
    let itself = index(&claimed);
    let faults = vec![instead("/manifests/1", &itself), instead(&claimed, &itself)];
    shelf.fails(faults, &[&claimed, "damaged", "try again"]);
    let outer = index(&digest(&itself));
    let faults = vec![
        instead("/manifests/1", &outer),
        instead(&digest(&itself), &itself),
    ];
    shelf.fails(faults, &["index again", "push it anew"]);
}

#[test]
fn layers_that_are_altered_cut_short_or_too_long_are_refused() {
    let shelf = Shelf::new();
    let Parts { layer, tar, .. } = shelf.parts();
    let altered = tar.replace(&shelf.word, &"x".repeat(shelf.word.len()));
    assert!(altered != tar && altered.len() == tar.len());
    let said = [layer.as_str(), "damaged", "try again"];
    shelf.fails(vec![instead(&layer, &altered)], &said);
    shelf.fails(vec![instead(&layer, &tar[..tar.len() / 2])], &said);
    let size = format!("more than the {} bytes", tar.len());
    let longer = format!("{tar}{}", "\0".repeat(1 << 20));
    shelf.fails(vec![instead(&layer, &longer)], &[&size, "try again"]);
}

#[test]
fn a_registry_that_vanishes_on_the_way_is_told_and_one_that_comes_back_is_asked_again() {
    let shelf = Shelf::new();
    let Parts { layer, tar, .. } = shelf.parts();
    let half = Fault::cut("GET", &layer, &tar, tar.len() / 2);
    shelf.fails(vec![half.clone().times(ATTEMPTS)], &["check the network"]);
    let gone = Fault::reset("*", "/blobs/").times(100);
    shelf.fails(vec![gone], &["check the network"]);
    let gone = Fault::reset("*", "/v2/").times(100);
    shelf.fails(vec![gone], &["check the network"]);
    shelf.between.faults().add(half);
    shelf.succeeds();
    assert_eq!(shelf.between.faults().left(), 0, "nothing went wrong");
}
