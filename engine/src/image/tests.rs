//! Archives and layers: what is written reads back, and nothing leads out.

mod hostile;

use std::io::Write;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use eyre::Result;
use tar::{Builder, EntryType, Header};

use super::unpack::{Whiteouts, unpack};
use super::*;
use crate::store::testing::{TestStore, fill, store};

/// For images that need no recipe.
pub(super) struct NoRunner;

#[async_trait::async_trait]
impl RecipeRunner for NoRunner {
    async fn run(
        &self,
        _: &Image,
        _: &Path,
        _: &[String],
        _: &Path,
        _: &[(PathBuf, PathBuf)],
        _: Digest,
        _: &Progress,
    ) -> Result<Snapshot> {
        eyre::bail!("no recipe runs here")
    }
}

pub(super) fn images(store: &TestStore) -> Images {
    Images::new(store.store.clone(), None, Arc::new(NoRunner)).expect("works without settings")
}

/// An image of three layers, the upper ones hiding files of the lower ones.
pub(super) fn sample(store: &TestStore) -> (ImageConfig, Snapshot) {
    let base = store.snapshot(&[("etc/a", "1"), ("gone", "x"), ("d/old", "x"), ("tmp/", "")]);
    let base = store.on(&base, |tree| {
        tree.chmod("tmp", 0o1777).expect("changes");
        tree.chown(
            "etc/a",
            crate::store::tree::Owner {
                uid: 4_000_000,
                gid: 7,
            },
        )
        .expect("changes");
        tree.set_times("etc/a", 1_000_000_000).expect("sets");
        tree.symlink("/etc/a", "l").expect("links");
        let root = tree.root();
        std::fs::hard_link(root.join("etc/a"), root.join("etc/b")).expect("links");
    });
    let top = store.on(&base, |tree| {
        tree.remove("gone").expect("removes");
        std::fs::remove_dir_all(tree.root().join("d")).expect("removes");
        fill(
            tree,
            &[("d/new", "n"), (&format!("long/{}", "n".repeat(200)), "")],
        );
        let flags = rustix::fs::XattrFlags::empty();
        rustix::fs::setxattr(tree.root().join("d/new"), "user.x", b"v", flags).expect("sets");
    });
    let config = ImageConfig {
        platform: host_platform().to_owned(),
        env: vec![("K".to_owned(), "v".to_owned())],
        workdir: "/w".to_owned(),
        cmd: vec!["x".to_owned()],
        ..ImageConfig::default()
    };
    (config, top)
}

pub(super) fn check_sample(store: &TestStore, image: &Image, config: &ImageConfig) {
    assert_eq!(image.config, *config);
    let long = format!("long/{}", "n".repeat(200));
    let all = [
        "d/", "d/new", "etc/", "etc/a", "etc/b", "l", "long/", &long, "tmp/",
    ];
    assert_eq!(store.list(&image.rootfs), all);
    let mount = store.mount(&image.rootfs).expect("a mount");
    let meta = |path: &str| {
        mount
            .path()
            .join(path)
            .symlink_metadata()
            .expect("is there")
    };
    assert_eq!(
        (meta("etc/a").uid(), meta("etc/a").mtime()),
        (4_000_000, 1_000_000_000)
    );
    assert_eq!(meta("etc/a").ino(), meta("etc/b").ino());
    assert_eq!(meta("tmp").mode() & 0o7777, 0o1777);
    assert_eq!(mount.tree().read_link("l").expect("is a link"), "/etc/a");
    let mut value = [0; 4];
    assert_eq!(
        rustix::fs::getxattr(mount.path().join("d/new"), "user.x", &mut value[..]),
        Ok(1)
    );
}

#[tokio::test]
async fn an_archive_reads_back_with_every_compression_and_is_reproducible() {
    let (store, other) = (store(), store());
    let (config, rootfs) = sample(&store);
    let input = [(config.clone(), rootfs)];
    for compression in [
        Compression::Gzip,
        Compression::Zstd,
        Compression::Uncompressed,
    ] {
        let path = store.dir.path().join("image.tar");
        let write = || {
            let images = images(&store);
            let (input, path) = (input.clone(), path.clone());
            async move {
                images
                    .archive(&input, compression, &[], &path)
                    .await
                    .expect("writes")
            }
        };
        write().await;
        let first = std::fs::read(&path).expect("reads");
        write().await;
        assert!(
            std::fs::read(&path).expect("reads") == first,
            "{compression:?}"
        );
        let image = images(&other).import(&path, "").await.expect("reads");
        check_sample(&other, &image, &config);
        let packed = zstd::encode_all(first.as_slice(), 1).expect("packs");
        std::fs::write(&path, packed).expect("writes");
        let again = images(&other)
            .import(&path, "")
            .await
            .expect("reads a packed archive");
        assert_eq!(again, image);
    }
}

#[tokio::test]
async fn an_archive_serves_docker_and_oci_readers() {
    let store = store();
    let path = store.dir.path().join("image.tar");
    let annotations = [("org.example.k".to_owned(), "v".to_owned())];
    images(&store)
        .archive(&[sample(&store)], Compression::Gzip, &annotations, &path)
        .await
        .expect("writes");
    let dir = store.dir.path().join("unpacked");
    std::fs::create_dir(&dir).expect("makes");
    unpack(
        std::fs::File::open(&path).expect("opens"),
        &dir,
        Whiteouts::Plain,
    )
    .expect("unpacks");
    let json = |path: &Path| -> serde_json::Value {
        serde_json::from_slice(&std::fs::read(path).expect("is there")).expect("is JSON")
    };
    assert_eq!(json(&dir.join("oci-layout"))["imageLayoutVersion"], "1.0.0");
    let index: oci_spec::image::ImageIndex =
        serde_json::from_value(json(&dir.join("index.json"))).expect("is an index");
    assert_eq!(
        index
            .annotations()
            .as_ref()
            .map(|all| all["org.example.k"].as_str()),
        Some("v")
    );
    let docker = json(&dir.join("manifest.json"));
    let layers = docker[0]["Layers"].as_array().expect("are layers").clone();
    assert_eq!(layers.len(), 3);
    for layer in layers {
        assert!(dir.join(layer.as_str().expect("is a path")).is_file());
    }
    // A docker archive has no index; an OCI layout may be a directory.
    let layout = images(&store)
        .import(&dir, "")
        .await
        .expect("reads a directory");
    std::fs::remove_file(dir.join("index.json")).expect("removes");
    let docker = images(&store)
        .import(&dir, "")
        .await
        .expect("reads a docker archive");
    assert_eq!(
        (docker.config, docker.rootfs),
        (layout.config, layout.rootfs)
    );
}

#[tokio::test]
async fn an_archive_for_several_platforms_gives_the_one_of_this_machine() {
    let store = store();
    let (own, rootfs) = sample(&store);
    let other = ImageConfig {
        platform: "linux/s390x".to_owned(),
        ..own.clone()
    };
    let path = store.dir.path().join("image.tar");
    let input = [(other, Store::scratch()), (own.clone(), rootfs)];
    images(&store)
        .archive(&input, Compression::Gzip, &[], &path)
        .await
        .expect("writes");
    assert_eq!(
        images(&store)
            .import(&path, "")
            .await
            .expect("reads")
            .config,
        own
    );
}

#[tokio::test]
async fn a_damaged_archive_is_refused_and_leaves_no_layer() {
    let (store, other) = (store(), store());
    let path = store.dir.path().join("image.tar");
    let input = [(sample(&store).0, store.snapshot(&[("etc/a", "1")]))];
    images(&store)
        .archive(&input, Compression::Uncompressed, &[], &path)
        .await
        .expect("writes");
    let mut bytes = std::fs::read(&path).expect("reads");
    let place = bytes
        .windows(5)
        .position(|window| window == b"etc/a")
        .expect("is there");
    // One letter of a file's content.
    bytes[place + 512] ^= 1;
    std::fs::write(&path, &bytes).expect("writes");
    let error = format!(
        "{:#}",
        images(&other)
            .import(&path, "")
            .await
            .expect_err("is damaged")
    );
    assert!(
        error.contains("damaged") && error.contains("image.tar"),
        "{error}"
    );
    assert_eq!(
        std::fs::read_dir(other.root().join("layers"))
            .expect("is there")
            .count(),
        0
    );
    std::fs::write(&path, b"no archive").expect("writes");
    assert!(images(&other).import(&path, "").await.is_err());
    let error = images(&other)
        .import(Path::new("/no/where"), "")
        .await
        .expect_err("is missing");
    assert!(format!("{error:#}").contains("/no/where"), "{error:#}");
}

#[tokio::test]
async fn a_tag_chooses_among_images() {
    let store = store();
    let path = store.dir.path().join("image.tar");
    images(&store)
        .archive(&[sample(&store)], Compression::Gzip, &[], &path)
        .await
        .expect("writes");
    let error = images(&store)
        .import(&path, "v9")
        .await
        .expect_err("is not there");
    assert!(format!("{error:#}").contains("`v9`"), "{error:#}");
}

/// A tar with one entry, which the library would not write under that name.
fn tar_with(kind: EntryType, name: &str, link: &str) -> Vec<u8> {
    let mut builder = Builder::new(Vec::new());
    let mut header = Header::new_gnu();
    let raw = header.as_gnu_mut().expect("is of that kind");
    raw.name[..name.len()].copy_from_slice(name.as_bytes());
    raw.linkname[..link.len()].copy_from_slice(link.as_bytes());
    header.set_entry_type(kind);
    header.set_mode(0o644);
    header.set_size(0);
    header.set_cksum();
    builder.append(&header, std::io::empty()).expect("writes");
    builder.into_inner().expect("ends")
}

#[test]
fn a_layer_that_leads_out_is_refused() {
    let dir = tempfile::tempdir().expect("a directory");
    std::fs::write(dir.path().join("outside"), "safe").expect("writes");
    for (kind, name, link) in [
        (EntryType::Regular, "../evil", ""),
        (EntryType::Regular, "/evil", ""),
        (EntryType::Regular, "a/../../evil", ""),
        (EntryType::Link, "hard", "../outside"),
        (EntryType::Link, "hard", "/etc/passwd"),
        (EntryType::Link, "hard", "not/there"),
    ] {
        let layer = tempfile::tempdir_in(dir.path()).expect("a directory");
        let error = unpack(
            tar_with(kind, name, link).as_slice(),
            layer.path(),
            Whiteouts::Keep,
        )
        .expect_err(name);
        assert!(error.to_string().contains(name), "{error:#}");
    }
    assert!(!dir.path().join("evil").exists());
}

#[test]
fn links_of_a_layer_do_not_lead_later_entries_out() {
    let dir = tempfile::tempdir().expect("a directory");
    let (layer, outside) = (dir.path().join("layer"), dir.path().join("outside"));
    for dir in [&layer, &outside] {
        std::fs::create_dir(dir).expect("makes");
    }
    let mut builder = Builder::new(Vec::new());
    for target in [outside.as_path(), Path::new("../outside")] {
        let mut header = Header::new_gnu();
        header.set_entry_type(EntryType::Symlink);
        header.set_size(0);
        builder
            .append_link(&mut header, "out", target)
            .expect("writes");
        let mut header = Header::new_gnu();
        header.set_size(1);
        header.set_mode(0o644);
        builder
            .append_data(&mut header, "out/file", &b"x"[..])
            .expect("writes");
    }
    let tar = builder.into_inner().expect("ends");
    unpack(tar.as_slice(), &layer, Whiteouts::Keep).expect("unpacks inside");
    assert_eq!(std::fs::read_dir(&outside).expect("lists").count(), 0);
}

#[test]
fn marks_become_whiteouts_except_in_the_lowest_layer() {
    let mut builder = Builder::new(Vec::new());
    for name in [
        "./d/.wh.gone",
        "./e/.wh..wh..opq",
        "./e/f",
        "./.wh..wh.plnk",
    ] {
        let mut header = Header::new_gnu();
        header.set_size(0);
        header.set_mode(0o644);
        builder
            .append_data(&mut header, name, std::io::empty())
            .expect("writes");
    }
    let tar = builder.into_inner().expect("ends");
    let opaque = |dir: &Path| {
        let mut value = [0; 4];
        rustix::fs::getxattr(
            dir.join("e"),
            crate::store::opaque_attribute(),
            &mut value[..],
        )
        .is_ok()
    };
    let unpacked = |whiteouts| {
        let dir = tempfile::tempdir().expect("a directory");
        unpack(tar.as_slice(), dir.path(), whiteouts).expect("unpacks");
        dir
    };
    let kept = unpacked(Whiteouts::Keep);
    let meta = kept
        .path()
        .join("d/gone")
        .symlink_metadata()
        .expect("is there");
    assert_eq!((meta.mode() & 0o170000, meta.rdev()), (0o020000, 0));
    assert!(opaque(kept.path()) && !kept.path().join(".wh..wh.plnk").exists());
    let ignored = unpacked(Whiteouts::Ignore);
    assert!(!ignored.path().join("d/gone").exists() && !opaque(ignored.path()));
    assert!(ignored.path().join("e/f").exists());
    let plain = unpacked(Whiteouts::Plain);
    assert!(plain.path().join("d/.wh.gone").exists());
}

#[test]
fn a_layer_cannot_set_marks_of_overlayfs_itself() {
    let mut builder = Builder::new(Vec::new());
    let marks = [
        ("SCHILY.xattr.trusted.overlay.opaque", &b"y"[..]),
        ("SCHILY.xattr.user.ok", b"1"),
    ];
    builder.append_pax_extensions(marks).expect("writes");
    let mut header = Header::new_gnu();
    header.set_entry_type(EntryType::Directory);
    header.set_mode(0o755);
    header.set_size(0);
    builder
        .append_data(&mut header, "d/", std::io::empty())
        .expect("writes");
    let tar = builder.into_inner().expect("ends");
    let dir = tempfile::tempdir().expect("a directory");
    unpack(tar.as_slice(), dir.path(), Whiteouts::Keep).expect("unpacks");
    let has = |name: &str| {
        let mut value = [0; 4];
        rustix::fs::getxattr(dir.path().join("d"), name, &mut value[..]).is_ok()
    };
    assert!(has("user.ok") && !has("trusted.overlay.opaque"));
}

#[test]
fn a_layer_packs_to_the_same_bytes_every_time() {
    let store = store();
    let (_, snapshot) = sample(&store);
    for layer in &snapshot.layers {
        let pack = || {
            let mut out = Vec::new();
            super::pack::pack_layer(&store.layer_path(layer), &mut out).expect("packs");
            out.flush().expect("is in memory");
            out
        };
        assert!(pack() == pack());
    }
}

#[tokio::test]
async fn a_name_that_is_none_is_refused_before_anything_else() {
    let store = store();
    let auth = std::collections::BTreeMap::new();
    let error = images(&store)
        .get(
            "no such image!",
            host_platform(),
            &auth,
            &Progress::silent(),
        )
        .await
        .expect_err("is no name");
    assert!(error.to_string().contains("`no such image!`"), "{error}");
}

/// An archive with a layer of a few hundred thousand bytes.
async fn large_archive(
    store: &TestStore,
    compression: Compression,
) -> (std::path::PathBuf, Vec<u8>) {
    let path = store.dir.path().join("large.tar");
    // Hard to compress, the same every time.
    let mut number = 1_u32;
    let contents: String = (0..1_500_000)
        .map(|_| {
            number = number.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            char::from(b' ' + (number >> 25) as u8 % 90)
        })
        .collect();
    let rootfs = store.snapshot(&[("a", "1"), ("large", &contents), ("z", "2")]);
    images(store)
        .archive(&[(sample(store).0, rootfs)], compression, &[], &path)
        .await
        .expect("writes");
    (path, contents.into_bytes())
}

#[tokio::test]
async fn a_large_layer_is_unpacked_as_it_was_packed() {
    let store = store();
    for compression in [Compression::Gzip, Compression::Uncompressed] {
        let other = crate::store::testing::store();
        let (path, contents) = large_archive(&store, compression).await;
        let image = images(&other).import(&path, "").await.expect("reads");
        let mount = other.mount(&image.rootfs).expect("a mount");
        assert!(mount.tree().read("large").expect("reads") == contents);
        assert_eq!(mount.tree().read("z").expect("reads"), b"2");
    }
}

#[tokio::test]
async fn an_archive_that_is_cut_off_or_changed_leaves_no_layer() {
    let store = store();
    for compression in [Compression::Gzip, Compression::Uncompressed] {
        let (path, _) = large_archive(&store, compression).await;
        let whole = std::fs::read(&path).expect("reads");
        let other = crate::store::testing::store();
        let layers = || std::fs::read_dir(other.root().join("layers")).expect("is there");
        for end in [100, whole.len() / 2, whole.len() - 20_000] {
            std::fs::write(&path, &whole[..end]).expect("writes");
            let cut = images(&other).import(&path, "").await;
            assert!(cut.is_err(), "{end} bytes are enough");
            assert_eq!(layers().count(), 0);
        }
        // The blob is the largest part of it, whatever its place.
        for at in [whole.len() / 3, whole.len() / 2, whole.len() / 3 * 2] {
            let mut bytes = whole.clone();
            bytes[at] ^= 0x40;
            std::fs::write(&path, &bytes).expect("writes");
            let changed = images(&other).import(&path, "").await;
            let error = format!("{:#}", changed.expect_err("is damaged"));
            assert!(error.contains("blob `sha256:"), "{error}");
            assert!(error.contains("damaged"), "{error}");
            assert_eq!(layers().count(), 0);
        }
    }
}

/// As older versions of docker write them.
#[tokio::test]
async fn an_archive_with_links_between_its_layers_is_read() {
    let (store, other) = (store(), store());
    let (config, rootfs) = sample(&store);
    let path = store.dir.path().join("image.tar");
    images(&store)
        .archive(
            &[(config.clone(), rootfs)],
            Compression::Uncompressed,
            &[],
            &path,
        )
        .await
        .expect("writes");
    let mut linked = Builder::new(Vec::new());
    let bytes = std::fs::read(&path).expect("reads");
    let mut archive = tar::Archive::new(bytes.as_slice());
    for entry in archive.entries().expect("is an archive") {
        let mut entry = entry.expect("is an entry");
        let name = entry.path().expect("has a name").into_owned();
        let mut header = entry.header().clone();
        if name == Path::new("index.json") || name == Path::new("oci-layout") {
            continue;
        }
        let is_blob = name.starts_with("blobs") && header.entry_type() == EntryType::Regular;
        let real = if is_blob {
            Path::new("real").join(name.file_name().expect("has a name"))
        } else {
            name.clone()
        };
        linked
            .append_data(&mut header, &real, &mut entry)
            .expect("writes");
        if is_blob {
            let target = Path::new("../..").join(&real);
            header.set_entry_type(EntryType::Symlink);
            header.set_size(0);
            linked
                .append_link(&mut header, &name, target)
                .expect("writes");
        }
    }
    std::fs::write(&path, linked.into_inner().expect("ends")).expect("writes");
    let image = images(&other).import(&path, "").await.expect("reads");
    check_sample(&other, &image, &config);
}
