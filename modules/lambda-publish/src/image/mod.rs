//! Images: how they are named ([`reference`]), what their [`registry`] says about
//! them, whether Lambda runs them ([`manifest`]), and the [`push`].

pub mod manifest;
pub mod push;
pub mod reference;
pub mod registry;
