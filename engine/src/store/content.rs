//! What tells the contents of files apart inside the state directory, and
//! nowhere else: what people and registries see is a [`Digest`](super::Digest).
//! BLAKE3, which takes half of SHA-256's time on processors that have
//! instructions for that, and less on others.

use super::hashed::Sum;

/// Stands for the bytes of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Content([u8; 32]);

impl Content {
    /// Of a file that was not read yet.
    pub const UNKNOWN: Self = Self([0; 32]);

    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    pub fn bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl Sum for Content {
    type State = blake3::Hasher;

    fn add(state: &mut Self::State, bytes: &[u8]) {
        state.update(bytes);
    }

    fn of(state: Self::State) -> Self {
        Self(state.finalize().into())
    }
}

impl AsRef<[u8]> for Content {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}
