//! `check`, `generate` and `up`: functions that the command line finds by itself,
//! of a small module and of this repository.

mod commands;
mod family;
