//! Engines that many jobs share: the templates for a group of them, and sessions
//! over TCP.

mod sessions;
mod templates;
