//! Why a statement did not simply go on to the next.

use crate::client::Failure;

/// Failure or a jump.
#[derive(Clone, Debug)]
pub enum Stop {
    Failed(Failure),
    /// `.exit` with its code.
    Exit(i32),
    /// `_return` with its code.
    Return(i32),
    /// `_break` out of so many loops.
    Break(u32),
    Continue(u32),
}

/// What running something gives; `Ok` is exit status 0.
pub type Run = Result<(), Stop>;

impl From<Failure> for Stop {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

impl Stop {
    pub fn failed(message: impl Into<String>) -> Self {
        Self::Failed(Failure::new(message))
    }

    /// A status other than 0 without anything to be told.
    pub fn status(code: i32) -> Self {
        Self::Failed(Failure::silent(code))
    }
}
