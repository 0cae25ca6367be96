//! Files of age, version 1, for one key of the kind X25519: what `age -r` writes and
//! `age -d -i` reads. The primitives are ring's and x25519-dalek's; the crate `age` is
//! what the tests compare with. Here it would be a tenth of the program and a quarter
//! of the time that it takes to compile, most of it for translations of messages and
//! for kinds of keys that no backup has.
//!
//! [`keys`] are read from text, [`header`] wraps the key of a file for one of them,
//! [`stream`] is what comes after it. <https://c2sp.org/age>

mod header;
mod keys;
mod stream;
#[cfg(test)]
pub mod tests;

use ring::hkdf::{HKDF_SHA256, Salt};
use ring::rand::{SecureRandom, SystemRandom};
use zeroize::Zeroizing;

use poniard_sdk::prelude::*;

pub use keys::{Identity, Recipient};
pub use stream::{Opened, Sealed};

/// What every file begins with.
pub const MAGIC: &[u8] = b"age-encryption.org/";

type Key = Zeroizing<[u8; 32]>;
/// Of one file: what it is encrypted with is derived from it.
type FileKey = Zeroizing<[u8; 16]>;

fn derived(secret: &[u8], salt: &[u8], label: &[u8]) -> Result<Key> {
    let mut key = Key::default();
    Salt::new(HKDF_SHA256, salt)
        .extract(secret)
        .expand(&[label], HKDF_SHA256)
        .and_then(|derived| derived.fill(&mut *key))
        .map_err(|_| eyre!("cannot derive a key"))?;
    Ok(key)
}

fn random<const N: usize>() -> Result<Zeroizing<[u8; N]>> {
    let mut bytes = Zeroizing::new([0; N]);
    SystemRandom::new()
        .fill(&mut *bytes)
        .map_err(|_| eyre!("the system gives no random bytes"))?;
    Ok(bytes)
}
