//! Against a real registry (Debian's `docker-registry`) on this machine.

use std::collections::BTreeMap;
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use crate::image::tests::{NoRunner, check_sample, images, sample};
use crate::image::{
    Compression, Credentials, Form, ImageConfig, Images, MediaTypes, host_platform,
};
use crate::progress::{Event, Progress};
use crate::store::Store;
use crate::store::testing::{TestStore, store};

/// bcrypt of `pass:word`.
const HTPASSWD: &str = "user:$2b$04$abcdefghijklmnopqrstuu7govE5p0NSk1WUEk5C2Qm3hpPC6VJ66\n";

struct Registry {
    process: Child,
    address: String,
    _dir: tempfile::TempDir,
}

impl Registry {
    fn start(with_login: bool) -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        let port = std::net::TcpListener::bind("127.0.0.1:0")
            .and_then(|listener| listener.local_addr())
            .expect("a free port")
            .port();
        let address = format!("127.0.0.1:{port}");
        let mut config = format!(
            "version: 0.1\nlog:\n  level: error\nstorage:\n  filesystem:\n    rootdirectory: {}\nhttp:\n  addr: {address}\n",
            dir.path().join("data").display()
        );
        if with_login {
            let file = dir.path().join("htpasswd");
            std::fs::write(&file, HTPASSWD).expect("writes");
            config += &format!(
                "auth:\n  htpasswd:\n    realm: test\n    path: {}\n",
                file.display()
            );
        }
        let path = dir.path().join("config.yml");
        std::fs::write(&path, config).expect("writes");
        let process = Command::new("docker-registry")
            .arg("serve")
            .arg(&path)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("the Debian package `docker-registry` is needed for this test");
        let registry = Self {
            process,
            address,
            _dir: dir,
        };
        let deadline = Instant::now() + Duration::from_secs(60);
        while TcpStream::connect(&registry.address).is_err() {
            assert!(Instant::now() < deadline, "the registry does not answer");
            std::thread::sleep(Duration::from_millis(20));
        }
        registry
    }

    fn name(&self, name: &str) -> String {
        format!("{}/{name}", self.address)
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Collects the names of work that began.
fn recorder() -> (Progress, Arc<Mutex<Vec<String>>>) {
    let names = Arc::new(Mutex::new(Vec::new()));
    let sink = names.clone();
    let progress = Progress::new(move |event| {
        if let Event::Started { name, .. } = event {
            sink.lock().expect("is whole").push(name);
        }
    });
    (progress, names)
}

fn no_auth() -> BTreeMap<String, Credentials> {
    BTreeMap::new()
}

async fn push(
    store: &TestStore,
    address: &str,
    input: &[(ImageConfig, crate::store::Snapshot)],
) -> String {
    images(store)
        .push(
            address,
            input,
            Compression::Gzip,
            &[],
            &no_auth(),
            &Progress::silent(),
        )
        .await
        .expect("pushes")
}

#[tokio::test]
async fn an_image_is_pushed_and_pulled_and_layers_travel_once() {
    let (registry, here, there) = (Registry::start(false), store(), store());
    let (config, rootfs) = sample(&here);
    let address = registry.name("group/app:1");
    let pushed = push(&here, &address, &[(config.clone(), rootfs.clone())]).await;
    assert!(
        pushed.starts_with(&format!("{address}@sha256:")),
        "{pushed}"
    );
    let get = |progress: Progress| {
        let (images, address) = (images(&there), address.clone());
        async move {
            images
                .get(&address, host_platform(), &no_auth(), &progress)
                .await
        }
    };
    let image = get(Progress::silent()).await.expect("pulls");
    assert_eq!(image.reference, pushed);
    check_sample(&there, &image, &config);

    // A second push and pull with one layer more moves this layer alone.
    let more = here.on(&rootfs, |tree| {
        tree.write("more", b"m", 0o644, None).expect("writes")
    });
    let (progress, names) = recorder();
    images(&here)
        .push(
            &address,
            &[(config, more)],
            Compression::Gzip,
            &[],
            &no_auth(),
            &progress,
        )
        .await
        .expect("pushes");
    let (pulled, got) = recorder();
    let image = get(pulled).await.expect("pulls");
    assert_eq!(there.read(&image.rootfs, "more"), "m");
    for names in [names, got] {
        let names = names.lock().expect("is whole");
        assert_eq!(
            names
                .iter()
                .filter(|name| name.starts_with("layer "))
                .count(),
            1,
            "{names:?}"
        );
    }
}

#[tokio::test]
async fn dockers_media_types_are_pushed_as_docker_writes_them_and_pulled() {
    let (registry, here, there) = (Registry::start(false), store(), store());
    let (config, rootfs) = sample(&here);
    let other = ImageConfig {
        platform: "linux/s390x".to_owned(),
        ..config.clone()
    };
    let form = Form {
        compression: Compression::Gzip,
        media_types: MediaTypes::Docker,
    };
    let one = [(config.clone(), rootfs.clone())];
    let two = [one[0].clone(), (other, rootfs)];
    for (name, input) in [("one", &one[..]), ("two", &two[..])] {
        let pushed = images(&here)
            .push(
                &registry.name(name),
                input,
                form,
                &[],
                &no_auth(),
                &Progress::silent(),
            )
            .await
            .expect("pushes");
        let manifest = |digest: String, kind: &'static str| {
            let url = format!("http://{}/v2/{name}/manifests/{digest}", registry.address);
            async move {
                let asked = reqwest::Client::new().get(url).header("accept", kind);
                let answer = asked.send().await.expect("an answer");
                assert_eq!(answer.headers()["content-type"], kind);
                let text = answer.text().await.expect("a body");
                serde_json::from_str::<serde_json::Value>(&text).expect("JSON")
            }
        };
        let digest = pushed.rsplit('@').next().expect("a digest").to_owned();
        let single = "application/vnd.docker.distribution.manifest.v2+json";
        let found = match name {
            "one" => manifest(digest, single).await,
            _ => {
                let list = "application/vnd.docker.distribution.manifest.list.v2+json";
                let list = manifest(digest, list).await;
                assert_eq!(list["manifests"][0]["mediaType"], single);
                let first = list["manifests"][0]["digest"].as_str().expect("a digest");
                manifest(first.to_owned(), single).await
            }
        };
        assert_eq!(found["mediaType"], single);
        assert_eq!(
            found["config"]["mediaType"],
            "application/vnd.docker.container.image.v1+json"
        );
        let layer = &found["layers"][0]["mediaType"];
        assert_eq!(layer, "application/vnd.docker.image.rootfs.diff.tar.gzip");
        let image = images(&there)
            .get(
                &registry.name(name),
                host_platform(),
                &no_auth(),
                &Progress::silent(),
            )
            .await
            .expect("pulls");
        check_sample(&there, &image, &config);
    }
}

#[tokio::test]
async fn several_platforms_become_an_index_and_the_right_one_is_pulled() {
    let (registry, here, there) = (Registry::start(false), store(), store());
    let (own, rootfs) = sample(&here);
    let other = ImageConfig {
        platform: "linux/s390x".to_owned(),
        user: "9".to_owned(),
        ..own.clone()
    };
    let address = registry.name("multi");
    let input = [
        (own.clone(), rootfs),
        (other.clone(), here.snapshot(&[("s390x", "")])),
    ];
    let pushed = push(&here, &address, &input).await;
    for (config, platform) in [(&own, host_platform()), (&other, "linux/s390x")] {
        let image = images(&there)
            .get(&pushed, platform, &no_auth(), &Progress::silent())
            .await;
        assert_eq!(image.expect("pulls").config, *config);
    }
    let error = images(&there)
        .get(&address, "linux/riscv64", &no_auth(), &Progress::silent())
        .await
        .expect_err("is not there");
    assert!(error.to_string().contains("`linux/s390x`"), "{error}");
}

#[tokio::test]
async fn an_image_that_is_not_there_is_named_with_the_registry() {
    let (registry, store) = (Registry::start(false), store());
    let address = registry.name("no/such:tag");
    let get = images(&store)
        .get(&address, host_platform(), &no_auth(), &Progress::silent())
        .await;
    let error = get.expect_err("is missing").to_string();
    assert!(
        error.contains(&address) && error.contains("no such image"),
        "{error}"
    );
}

#[tokio::test]
async fn a_registry_that_wants_a_login_takes_the_one_given() {
    let (registry, store) = (Registry::start(true), store());
    let address = registry.name("private:1");
    let credentials = |password: &str| Credentials {
        username: "user".to_owned(),
        password: password.to_owned(),
    };
    let with = |password: &str| BTreeMap::from([(registry.address.clone(), credentials(password))]);
    let push = |auth: BTreeMap<String, Credentials>| {
        let (images, input, address) = (images(&store), [sample(&store)], address.clone());
        async move {
            let silent = Progress::silent();
            images
                .push(&address, &input, Compression::Zstd, &[], &auth, &silent)
                .await
        }
    };
    for auth in [no_auth(), with("wrong")] {
        let error = format!("{:#}", push(auth).await.expect_err("is refused"));
        assert!(
            error.contains("refuses access") && !error.contains("wrong"),
            "{error}"
        );
    }
    push(with("pass:word")).await.expect("pushes");
    let auth = with("pass:word");
    let image = images(&store)
        .get(&address, host_platform(), &auth, &Progress::silent())
        .await;
    assert_eq!(image.expect("pulls").config.workdir, "/w");
}

#[tokio::test]
async fn without_the_registry_the_copy_of_an_earlier_run_is_used_and_that_is_said() {
    let (registry, store) = (Registry::start(false), store());
    let address = registry.name("app:1");
    push(&store, &address, &[sample(&store)]).await;
    let notes = Arc::new(Mutex::new(Vec::new()));
    let sink = notes.clone();
    let progress = Progress::new(move |event| {
        if let Event::Note { text } = event {
            sink.lock().expect("is whole").push(text);
        }
    });
    let images = images(&store);
    let first = images
        .get(&address, host_platform(), &no_auth(), &progress)
        .await
        .expect("pulls");
    drop(registry);
    let again = images
        .get(&address, host_platform(), &no_auth(), &progress)
        .await
        .expect("is known");
    assert_eq!(again, first);
    assert!(
        notes
            .lock()
            .expect("is whole")
            .concat()
            .contains("earlier run")
    );
    let other = address.replace("app:1", "other:1");
    let error = images
        .get(&other, host_platform(), &no_auth(), &progress)
        .await;
    let error = error.expect_err("is unknown").to_string();
    assert!(
        error.contains("cannot reach") && error.contains("poniard.toml"),
        "{error}"
    );
}

#[tokio::test]
async fn a_mirror_is_asked_first_and_may_fail() {
    let (registry, store) = (Registry::start(false), store());
    push(
        &store,
        &registry.name("hub/library/thing:1"),
        &[sample(&store)],
    )
    .await;
    let path = store.dir.path().join("poniard.toml");
    let with = |mirror: &str| {
        let text = format!("[registry.mirrors]\n\"registry.invalid\" = \"{mirror}\"\n");
        std::fs::write(&path, text).expect("writes");
        Images::new(store.store.clone(), Some(&path), Arc::new(NoRunner)).expect("reads")
    };
    let images = with(&registry.name("hub"));
    let name = "registry.invalid/library/thing:1";
    let image = images
        .get(name, host_platform(), &no_auth(), &Progress::silent())
        .await;
    assert!(image.expect("pulls").reference.starts_with(name));
    // One that lacks the image is no obstacle to the registry itself.
    push(&store, &registry.name("own:1"), &[sample(&store)]).await;
    let text = format!(
        "[registry.mirrors]\n\"{0}\" = \"{0}/nothing\"\n",
        registry.address
    );
    std::fs::write(&path, text).expect("writes");
    let images = Images::new(store.store.clone(), Some(&path), Arc::new(NoRunner)).expect("reads");
    let own = registry.name("own:1");
    images
        .get(&own, host_platform(), &no_auth(), &Progress::silent())
        .await
        .expect("pulls");
}

#[tokio::test]
async fn a_push_to_a_registry_that_is_gone_is_told_without_ways_to_have_an_image() {
    let (registry, store) = (Registry::start(false), store());
    let address = registry.name("app:1");
    drop(registry);
    let pushed = images(&store)
        .push(
            &address,
            &[sample(&store)],
            Compression::Gzip,
            &[],
            &no_auth(),
            &Progress::silent(),
        )
        .await;
    let error = pushed.expect_err("is gone").to_string();
    assert!(
        error.contains("cannot push image") && error.contains("cannot reach"),
        "{error}"
    );
    assert!(!error.contains("mirror"), "{error}");
}

#[tokio::test]
async fn an_empty_image_is_pushed_and_pulled() {
    let (registry, store) = (Registry::start(false), store());
    let config = ImageConfig {
        platform: host_platform().to_owned(),
        ..ImageConfig::default()
    };
    let address = registry.name("empty");
    push(&store, &address, &[(config, Store::scratch())]).await;
    let image = images(&store)
        .get(&address, host_platform(), &no_auth(), &Progress::silent())
        .await;
    assert_eq!(image.expect("pulls").rootfs, Store::scratch());
}

#[tokio::test]
async fn a_name_is_looked_up_anew_whatever_an_earlier_run_found() {
    let (registry, store) = (Registry::start(false), store());
    let (config, rootfs) = sample(&store);
    let address = registry.name("app:1");
    let images = images(&store);
    let mut seen = Vec::new();
    for user in ["one", "two"] {
        let user = user.to_owned();
        let config = ImageConfig {
            user,
            ..config.clone()
        };
        let pushed = push(&store, &address, &[(config, rootfs.clone())]).await;
        let (_, pushed) = pushed.split_once('@').expect("a digest");
        let found = images.digest(&address, host_platform(), &no_auth()).await;
        assert_eq!(found.expect("finds"), pushed);
        seen.push(pushed.to_owned());
    }
    assert_ne!(seen[0], seen[1]);
    let by_digest = format!("{address}@{}", seen[0]);
    let found = images.digest(&by_digest, host_platform(), &no_auth()).await;
    assert_eq!(found.expect("finds"), seen[0]);
}

#[tokio::test]
async fn a_name_stands_for_all_its_platforms_and_has_to_have_the_one() {
    let (registry, store) = (Registry::start(false), store());
    let (config, rootfs) = sample(&store);
    let address = registry.name("app:1");
    let all = ["linux/amd64", "linux/arm64"].map(|platform| {
        let platform = platform.to_owned();
        (
            ImageConfig {
                platform,
                ..config.clone()
            },
            rootfs.clone(),
        )
    });
    let pushed = push(&store, &address, &all).await;
    let images = images(&store);
    for (config, _) in &all {
        let found = images.digest(&address, &config.platform, &no_auth()).await;
        assert_eq!(format!("{address}@{}", found.expect("finds")), pushed);
    }
    let error = images.digest(&address, "linux/s390x", &no_auth()).await;
    let error = error.expect_err("is not there").to_string();
    assert!(error.contains("is not for `linux/s390x`"), "{error}");
}
