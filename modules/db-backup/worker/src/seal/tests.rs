//! Backups that are sealed and opened again, or refused.

use std::fs;
use std::path::PathBuf;

use db_dumps::Tally;
use tempfile::TempDir;

use super::*;
use crate::age::tests::identity;
use crate::engine::Engine;

/// Does not get smaller, and is longer than several chunks of age.
fn dump() -> Vec<u8> {
    let hash = |i: u64| xxhash_rust::xxh3::xxh3_64(&i.to_le_bytes()).to_le_bytes();
    (0..40_000).flat_map(hash).collect()
}

fn sealed(dir: &TempDir, key: Option<&Key>) -> (PathBuf, Sum) {
    let path = dir.path().join("backup");
    let writer = Writer::new(File::create(&path).unwrap(), key).unwrap();
    let mut zstd = zstd::Encoder::new(writer, LEVEL).unwrap();
    zstd.write_all(&dump()).unwrap();
    let manifest = Manifest {
        engine: Engine::Postgresql,
        version: "15.4".into(),
        database: "secret_name".into(),
        created: String::new(),
        dump_bytes: dump().len() as u64,
        payload_bytes: 0,
        payload_sha256: String::new(),
        encoding: None,
        owners: Vec::new(),
        pieces: Vec::new(),
        tally: Tally::default(),
    };
    let (_, _, sum) = zstd.finish().unwrap().finish(manifest).unwrap();
    (path, sum)
}

fn refusal(path: &Path, key: Option<&Key>) -> String {
    format!("{:#}", Reader::open(path, key).err().unwrap())
}

#[test]
fn what_a_recipient_encrypts_only_its_identity_opens() {
    let dir = tempfile::tempdir().unwrap();
    let (theirs, identity) = identity();
    // As `age-keygen` prints it.
    let recipient = format!("# public key\n{}\n", identity.to_public());
    let recipient = Key::parse(&recipient).unwrap();
    let (path, sum) = sealed(&dir, Some(&recipient));
    let bytes = fs::read(&path).unwrap();
    assert_eq!(sum.bytes, bytes.len() as u64);
    assert_eq!(sum.sha256, hex(&Sha256::digest(&bytes)));
    let shows = |word: &[u8]| bytes.windows(word.len()).any(|part| part == word);
    assert!(!shows(b"secret_name") && !shows(&dump()[..16]));

    // By age and zstd alone: zstd skips the manifest.
    let plain = ::age::decrypt(&theirs, &bytes).unwrap();
    assert_eq!(zstd::decode_all(&plain[..]).unwrap(), dump());

    assert!(refusal(&path, None).contains("pass its `--encryption-key`"));
    assert!(refusal(&path, Some(&recipient)).contains("can only encrypt"));
    let other = Key::Identity(crate::age::tests::identity().1);
    assert!(refusal(&path, Some(&other)).contains("cannot decrypt"));
    let reader = Reader::open(&path, Some(&Key::Identity(identity))).unwrap();
    assert_eq!(reader.manifest.database, "secret_name");
    let mut read = Vec::new();
    reader.dump().unwrap().read_to_end(&mut read).unwrap();
    assert_eq!(read, dump());
}

#[test]
fn a_backup_that_was_changed_or_cut_anywhere_is_refused() {
    for key in [None, Some(Key::Identity(identity().1))] {
        let dir = tempfile::tempdir().unwrap();
        let (path, _) = sealed(&dir, key.as_ref());
        let whole = fs::read(&path).unwrap();
        assert!(Reader::open(&path, key.as_ref()).is_ok());
        for part in 0..8 {
            let at = whole.len() * part / 8 + 40;
            let mut changed = whole.clone();
            changed[at] ^= 1;
            fs::write(&path, changed).unwrap();
            refusal(&path, key.as_ref());
            fs::write(&path, &whole[..at]).unwrap();
            refusal(&path, key.as_ref());
        }
    }
}
