//! The lines before what is encrypted: the key of the file, wrapped for a recipient,
//! and a checksum that only who knows that key can make.

use std::io::{BufRead, Read};

use base64::prelude::{BASE64_STANDARD_NO_PAD as BASE64, Engine as _};
use poniard_sdk::prelude::*;
use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::hmac;
use x25519_dalek::x25519;
use zeroize::Zeroizing;

use super::keys::public;
use super::{FileKey, Identity, Key, Recipient, derived, random};

const VERSION: &str = "age-encryption.org/v1";
const STANZA: &str = "-> ";
const KIND: &str = "X25519";
const LABEL: &[u8] = b"age-encryption.org/v1/X25519";
const END: &str = "---";
/// How long a line of base64 is; the last one is shorter.
const COLUMNS: usize = 64;
/// No header of any number of recipients is longer.
const MAX: u64 = 1 << 20;

/// The header of a new file, and its key.
pub fn write(recipient: &Recipient) -> Result<(String, FileKey)> {
    let file_key: FileKey = random()?;
    let once = random()?;
    let share = public(&once);
    let key = wrapping(&once, recipient, &share, recipient)?;
    let mut wrapped = file_key.to_vec();
    aead(&key)?
        .seal_in_place_append_tag(zero(), Aad::empty(), &mut wrapped)
        .map_err(|_| eyre!("cannot wrap a key"))?;
    let mut header = format!(
        "{VERSION}\n{STANZA}{KIND} {}\n{}\n{END}",
        BASE64.encode(share.0),
        BASE64.encode(wrapped),
    );
    let sum = hmac::sign(&sum_key(&file_key)?, header.as_bytes());
    header += &format!(" {}\n", BASE64.encode(sum));
    Ok((header, file_key))
}

/// Reads a header and no more; the key of the file.
pub fn read(source: &mut impl BufRead, identity: &Identity) -> Result<FileKey> {
    let mut source = source.take(MAX);
    let mut header = String::new();
    let mut line = || {
        let begin = header.len();
        source
            .read_line(&mut header)
            .wrap_err("its header is no text")?;
        let line = header[begin..].strip_suffix('\n');
        line.map(str::to_owned).ok_or_eyre("its header has no end")
    };
    let version = line()?;
    ensure!(version == VERSION, "it is in another format, `{version}`");
    let mut found = None;
    let sum = loop {
        let first = line()?;
        let Some(stanza) = first.strip_prefix(STANZA) else {
            break first;
        };
        let mut body = String::new();
        loop {
            let part = line()?;
            ensure!(part.len() <= COLUMNS, "a line of its header is too long");
            body += &part;
            if part.len() < COLUMNS {
                break;
            }
        }
        if found.is_none() && stanza.split(' ').next() == Some(KIND) {
            found = unwrapped(stanza, &body, identity)?;
        }
    };
    let sum = sum
        .strip_prefix(END)
        .and_then(|sum| sum.strip_prefix(' '))
        .ok_or_eyre("its header has an unknown line")?;
    let sum_of = &header[..header.len() - " \n".len() - sum.len()];
    let file_key = found.ok_or_eyre("it is encrypted for another key")?;
    hmac::verify(&sum_key(&file_key)?, sum_of.as_bytes(), &bytes(sum)?)
        .map_err(|_| eyre!("its header was changed"))?;
    Ok(file_key)
}

/// The key of the file, if it is wrapped for this identity.
fn unwrapped(stanza: &str, body: &str, identity: &Identity) -> Result<Option<FileKey>> {
    let share = stanza
        .strip_prefix(KIND)
        .and_then(|it| it.strip_prefix(' '));
    let share = bytes(share.unwrap_or_default())?;
    let share = share
        .try_into()
        .ok()
        .ok_or_eyre("a share is not of 32 bytes")?;
    let share = Recipient(share);
    let mut wrapped = bytes(body)?;
    ensure!(wrapped.len() == 32, "a wrapped key is not of 32 bytes");
    let key = wrapping(&identity.0, &share, &share, &identity.to_public())?;
    let opened = aead(&key)?.open_in_place(zero(), Aad::empty(), &mut wrapped);
    let Ok(opened) = opened else {
        return Ok(None);
    };
    let mut file_key = FileKey::default();
    file_key.copy_from_slice(opened);
    opened.fill(0);
    Ok(Some(file_key))
}

/// What both ends know, the one by its secret and the other's public key.
fn wrapping(
    secret: &Key,
    other: &Recipient,
    share: &Recipient,
    recipient: &Recipient,
) -> Result<Key> {
    let shared = Zeroizing::new(x25519(**secret, other.0));
    // Of a few keys nobody's secret matters.
    ensure!(*shared != [0; 32], "a key of its header is weak");
    derived(&*shared, &[share.0, recipient.0].concat(), LABEL)
}

fn sum_key(file_key: &FileKey) -> Result<hmac::Key> {
    let key = derived(&**file_key, &[], b"header")?;
    Ok(hmac::Key::new(hmac::HMAC_SHA256, &*key))
}

pub fn aead(key: &Key) -> Result<LessSafeKey> {
    let key = UnboundKey::new(&CHACHA20_POLY1305, &**key);
    Ok(LessSafeKey::new(key.map_err(|_| eyre!("no key"))?))
}

/// For a key that encrypts one thing only.
fn zero() -> Nonce {
    Nonce::assume_unique_for_key([0; NONCE_LEN])
}

/// Without padding, and in the only way that these bytes are written.
fn bytes(text: &str) -> Result<Vec<u8>> {
    BASE64.decode(text).wrap_err("its header has bad base64")
}
