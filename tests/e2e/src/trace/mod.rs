//! What a run leaves for people: its page in a real browser ([`browser`], [`page`]),
//! its spans at a collector ([`collector`], [`spans`]), the tree on a terminal
//! ([`terminal`]).

mod browser;
mod collector;
mod page;
mod spans;
mod terminal;
