//! `age1…` and `AGE-SECRET-KEY-1…`: a public and a secret key in Bech32.

use std::fmt;
use std::str::FromStr;

use bech32::primitives::decode::CheckedHrpstring;
use bech32::{Bech32, Hrp};
use x25519_dalek::{X25519_BASEPOINT_BYTES, x25519};
use zeroize::Zeroizing;

use super::Key;

const RECIPIENT: Hrp = Hrp::parse_unchecked("age");
const IDENTITY: Hrp = Hrp::parse_unchecked("age-secret-key-");

/// Who can decrypt.
#[derive(Clone)]
pub struct Recipient(pub(super) [u8; 32]);

/// What decrypts.
pub struct Identity(pub(super) Key);

/// A text that is no such key.
#[derive(Debug)]
pub struct NoKey;

impl Identity {
    pub fn to_public(&self) -> Recipient {
        public(&self.0)
    }
}

impl FromStr for Recipient {
    type Err = NoKey;

    fn from_str(text: &str) -> Result<Self, NoKey> {
        Ok(Self(*decoded(text, RECIPIENT)?))
    }
}

impl FromStr for Identity {
    type Err = NoKey;

    fn from_str(text: &str) -> Result<Self, NoKey> {
        Ok(Self(decoded(text, IDENTITY)?))
    }
}

impl fmt::Display for Recipient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        bech32::encode_lower_to_fmt::<Bech32, _>(f, RECIPIENT, &self.0).map_err(|_| fmt::Error)
    }
}

/// What others know of a secret key.
pub fn public(secret: &Key) -> Recipient {
    Recipient(x25519(**secret, X25519_BASEPOINT_BYTES))
}

fn decoded(text: &str, kind: Hrp) -> Result<Key, NoKey> {
    let checked = CheckedHrpstring::new::<Bech32>(text).map_err(|_| NoKey)?;
    if checked.hrp() != kind || checked.byte_iter().len() != 32 {
        return Err(NoKey);
    }
    let mut key = Zeroizing::new([0; 32]);
    for (to, byte) in key.iter_mut().zip(checked.byte_iter()) {
        *to = byte;
    }
    Ok(key)
}
