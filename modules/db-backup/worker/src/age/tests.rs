//! Against the crate `age`, both ways.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};

use ::age as reference;
use reference::secrecy::ExposeSecret as _;

use super::*;

/// The same one as the crate knows it, and as it is known here.
pub fn identity() -> (reference::x25519::Identity, Identity) {
    let theirs = reference::x25519::Identity::generate();
    let ours = theirs.to_string().expose_secret().parse().unwrap();
    (theirs, ours)
}

/// Around the sizes of chunks.
fn texts() -> impl Iterator<Item = Vec<u8>> {
    const CHUNK: usize = 64 << 10;
    let lengths = [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK, 3 * CHUNK + 5];
    lengths
        .map(|length| (0..length).map(|at| (at % 251) as u8).collect())
        .into_iter()
}

fn sealed(text: &[u8], recipient: &Recipient) -> Vec<u8> {
    let mut sealed = Sealed::new(Vec::new(), recipient).unwrap();
    for part in text.chunks(10_000) {
        sealed.write_all(part).unwrap();
    }
    sealed.finish().unwrap()
}

fn opened(bytes: &[u8], identity: &Identity) -> Result<Vec<u8>> {
    let mut file: File = tempfile::tempfile()?;
    file.write_all(bytes)?;
    file.seek(SeekFrom::Start(0))?;
    let mut text = Vec::new();
    Opened::new(file, identity)?.read_to_end(&mut text)?;
    Ok(text)
}

#[test]
fn keys_are_written_alike() {
    let (theirs, ours) = identity();
    assert_eq!(ours.to_public().to_string(), theirs.to_public().to_string());
    let public = theirs.to_public().to_string();
    assert_eq!(public.parse::<Recipient>().unwrap().to_string(), public);
    let mistyped = format!("{}q", &public[..public.len() - 1]);
    for text in ["", "age1", "AGE-SECRET-KEY-1", &public[..40], &mistyped] {
        assert!(
            text == public || text.parse::<Recipient>().is_err(),
            "{text}"
        );
        assert!(text.parse::<Identity>().is_err(), "{text}");
    }
    assert!(public.parse::<Identity>().is_err());
}

#[test]
fn age_reads_what_is_written_here() {
    let (theirs, ours) = identity();
    for text in texts() {
        let bytes = sealed(&text, &ours.to_public());
        assert!(reference::decrypt(&theirs, &bytes).unwrap() == text);
    }
}

#[test]
fn what_age_writes_is_read_here() {
    let (theirs, ours) = identity();
    let (other, _) = identity();
    for text in texts() {
        let bytes = reference::encrypt(&theirs.to_public(), &text).unwrap();
        assert!(opened(&bytes, &ours).unwrap() == text);
        // For several recipients, in any order.
        let both = [other.to_public(), theirs.to_public()];
        let to = both.iter().map(|to| to as &dyn reference::Recipient);
        let mut bytes = Vec::new();
        let mut writer = reference::Encryptor::with_recipients(to)
            .unwrap()
            .wrap_output(&mut bytes)
            .unwrap();
        writer.write_all(&text).unwrap();
        writer.finish().unwrap();
        assert!(opened(&bytes, &ours).unwrap() == text);
    }
}

#[test]
fn any_place_is_read() {
    let (_, ours) = identity();
    let text = texts().last().unwrap();
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(&sealed(&text, &ours.to_public())).unwrap();
    file.seek(SeekFrom::Start(0)).unwrap();
    let mut opened = Opened::new(file, &ours).unwrap();
    assert_eq!(opened.seek(SeekFrom::End(0)).unwrap(), text.len() as u64);
    for at in [150_000, 0, 65_535, text.len() - 3] {
        opened.seek(SeekFrom::Start(at as u64)).unwrap();
        let mut read = [0; 3];
        opened.read_exact(&mut read).unwrap();
        assert_eq!(read, text[at..at + 3]);
    }
}

#[test]
fn what_was_changed_anywhere_is_refused() {
    let (_, ours) = identity();
    for text in texts().filter(|text| text.len() < 70_000) {
        let whole = sealed(&text, &ours.to_public());
        let header = whole.len() - text.len();
        let places = (0..header).chain((header..whole.len()).step_by(9_973));
        for at in places.chain([whole.len() - 1]) {
            let mut changed = whole.clone();
            changed[at] ^= 1;
            assert!(opened(&changed, &ours).is_err(), "byte {at}");
        }
    }
}

#[test]
fn what_was_cut_or_has_more_is_refused() {
    const STEP: usize = (64 << 10) + 16;
    let (_, ours) = identity();
    for text in texts() {
        let whole = sealed(&text, &ours.to_public());
        let ends = [1, 15, 16, 17, STEP - 1, STEP, STEP + 1, 2 * STEP];
        for end in ends.iter().filter_map(|by| whole.len().checked_sub(*by)) {
            assert!(opened(&whole[..end], &ours).is_err(), "{end} bytes");
        }
        for more in [1, 16, STEP] {
            let longer = [&whole[..], &vec![0; more]].concat();
            assert!(opened(&longer, &ours).is_err(), "{more} more");
        }
    }
}

#[test]
fn another_key_opens_nothing() {
    let (_, ours) = identity();
    let (_, other) = identity();
    let bytes = sealed(b"text", &ours.to_public());
    let error = opened(&bytes, &other).unwrap_err().to_string();
    assert!(error.contains("for another key"), "{error}");
}
