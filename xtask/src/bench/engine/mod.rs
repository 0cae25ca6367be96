//! The engine by itself, against what the kernel and runc need for the same work.

pub mod commands;
pub mod files;
pub mod layer;
pub mod start;
