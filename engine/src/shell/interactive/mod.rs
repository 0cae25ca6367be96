//! The shell on a terminal.
