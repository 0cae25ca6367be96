//! poniard from outside: that pipelines do their work, what it says to bad input
//! and bad surroundings, and that it leaves nothing behind whatever happens.
//!
//! [`place`] is a directory to work in, with the CLI and the questions that
//! every test asks; [`fixture`] lays out modules and sites.

mod fixture;
mod place;

mod arguments;
mod databases;
mod descriptions;
mod interruption;
mod modules;
mod pipelines;
mod surroundings;
mod websites;
