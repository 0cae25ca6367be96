//! Archives made to do harm: whatever is in them, nothing is written outside.

use std::io::Cursor;

use proptest::prelude::*;

use super::*;

/// One entry, with names that no honest writer would choose.
type Hostile = (EntryType, String, String, Vec<u8>);

fn name() -> impl Strategy<Value = String> {
    let part = prop::sample::select(vec![
        "a",
        "b",
        "c",
        ".",
        "..",
        "",
        "outside",
        ".wh.a",
        ".wh...",
        ".wh..wh..opq",
        ".wh.",
    ]);
    (any::<bool>(), prop::collection::vec(part, 1..5)).prop_map(|(rooted, parts)| {
        let slash = if rooted { "/" } else { "" };
        format!("{slash}{}", parts.join("/"))
    })
}

fn entry() -> impl Strategy<Value = Hostile> {
    let kind = prop::sample::select(vec![
        EntryType::Regular,
        EntryType::Directory,
        EntryType::Symlink,
        EntryType::Symlink,
        EntryType::Link,
        EntryType::Fifo,
        EntryType::Char,
    ]);
    let link = prop_oneof![
        name(),
        Just("../outside".to_owned()),
        Just("../../outside/kept".to_owned())
    ];
    (kind, name(), link, prop::collection::vec(any::<u8>(), 0..9))
}

fn tar_of(entries: &[Hostile]) -> Vec<u8> {
    let mut builder = Builder::new(Vec::new());
    for (kind, name, link, contents) in entries {
        let contents: &[u8] = if *kind == EntryType::Regular {
            contents
        } else {
            &[]
        };
        let mut header = Header::new_gnu();
        let raw = header.as_gnu_mut().expect("is of that kind");
        raw.name[..name.len()].copy_from_slice(name.as_bytes());
        raw.linkname[..link.len()].copy_from_slice(link.as_bytes());
        header.set_entry_type(*kind);
        header.set_mode(0o644);
        header.set_mtime(1);
        header.set_device_major(1).expect("has the field");
        header.set_device_minor(3).expect("has the field");
        header.set_size(contents.len() as u64);
        header.set_cksum();
        builder.append(&header, contents).expect("writes");
    }
    builder.into_inner().expect("ends")
}

/// Every name below `dir` with what would change if it were written to.
fn state(dir: &Path) -> Vec<(PathBuf, u32, u64, i64)> {
    let entries = walkdir::WalkDir::new(dir).sort_by_file_name();
    let state = entries.into_iter().map(|entry| {
        let entry = entry.expect("lists");
        let meta = entry.metadata().expect("is there");
        let links = if meta.is_dir() { 0 } else { meta.nlink() };
        (entry.into_path(), meta.mode(), links, meta.ctime_nsec())
    });
    state.collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_archive_writes_outside_of_its_directory(
        entries in prop::collection::vec(entry(), 1..12),
        whiteouts in prop::sample::select(vec![Whiteouts::Keep, Whiteouts::Ignore, Whiteouts::Plain]),
        end in any::<prop::sample::Index>(),
        is_cut in any::<bool>(),
    ) {
        let dir = tempfile::tempdir().expect("a directory");
        let (layer, outside) = (dir.path().join("layer"), dir.path().join("outside"));
        std::fs::create_dir(&layer).expect("makes");
        std::fs::create_dir(&outside).expect("makes");
        std::fs::write(outside.join("kept"), "kept").expect("writes");
        let before = state(&outside);
        let mut tar = tar_of(&entries);
        if is_cut {
            tar.truncate(end.index(tar.len()));
        }
        // Whether it is refused is for other tests.
        let _ = unpack(Cursor::new(tar), &layer, whiteouts);
        prop_assert_eq!(state(&outside), before);
        let beside: Vec<_> = std::fs::read_dir(dir.path()).expect("lists").collect();
        prop_assert_eq!(beside.len(), 2);
    }
}

#[test]
fn a_layer_that_is_cut_off_is_never_taken_for_whole() {
    let big = vec![b'x'; 1500];
    let entries = [(EntryType::Regular, "a".to_owned(), String::new(), big)];
    let tar = tar_of(&entries);
    for end in [1, 100, 511, 513, 700, 1024, 1600, 2000, 2047] {
        let dir = tempfile::tempdir().expect("a directory");
        let cut = unpack(&tar[..end], dir.path(), Whiteouts::Keep);
        assert!(cut.is_err(), "{end} bytes are enough");
    }
    let packed = zstd::encode_all(tar.as_slice(), 1).expect("packs");
    for end in [5, packed.len() / 2, packed.len() - 1] {
        let dir = tempfile::tempdir().expect("a directory");
        let stream = super::super::unpack::decompress(&packed[..end]).expect("begins");
        assert!(
            unpack(stream, dir.path(), Whiteouts::Keep).is_err(),
            "{end} bytes are enough"
        );
    }
}

/// A GNU sparse file of `size` bytes with a single one at its end.
fn sparse(size: u64) -> Vec<u8> {
    let mut header = Header::new_gnu();
    header.set_entry_type(EntryType::GNUSparse);
    header.set_path("hole").expect("is a name");
    header.set_mode(0o644);
    header.set_size(1);
    let raw = header.as_gnu_mut().expect("is of that kind");
    let octal = |field: &mut [u8; 12], value: u64| {
        if value >> 33 == 0 {
            field[..11].copy_from_slice(format!("{value:011o}").as_bytes());
        } else {
            field[4..].copy_from_slice(&value.to_be_bytes());
            field[0] = 0x80;
        }
    };
    octal(&mut raw.sparse[0].offset, size - 1);
    octal(&mut raw.sparse[0].numbytes, 1);
    octal(&mut raw.realsize, size);
    header.set_cksum();
    let mut builder = Builder::new(Vec::new());
    builder.append(&header, &b"x"[..]).expect("writes");
    builder.into_inner().expect("ends")
}

#[test]
fn a_sparse_file_stays_sparse_and_one_that_cannot_fit_is_refused_at_once() {
    let dir = tempfile::tempdir().expect("a directory");
    unpack(sparse(64 << 20).as_slice(), dir.path(), Whiteouts::Keep).expect("unpacks");
    let meta = dir.path().join("hole").metadata().expect("is there");
    assert_eq!(meta.len(), 64 << 20);
    assert!(meta.blocks() * 512 < 1 << 20, "{} blocks", meta.blocks());

    let dir = tempfile::tempdir().expect("a directory");
    let start = std::time::Instant::now();
    let error = unpack(sparse(1 << 60).as_slice(), dir.path(), Whiteouts::Keep);
    let error = format!("{:#}", error.expect_err("does not fit"));
    assert!(
        error.contains("hole") && error.contains("no space left"),
        "{error}"
    );
    assert!(start.elapsed() < std::time::Duration::from_secs(60));
    assert_eq!(std::fs::read_dir(dir.path()).expect("lists").count(), 0);
}
