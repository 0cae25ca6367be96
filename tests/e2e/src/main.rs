//! poniard from outside: that pipelines do their work, what it says to bad input
//! and bad surroundings, and that it leaves nothing behind whatever happens.
//!
//! [`place`] is a directory to work in, with the CLI and the questions that
//! every test asks; [`fixture`] lays out modules and sites; [`git`] is repositories and their servers,
//! [`processes`] who runs on this machine.

mod fixture;
mod git;
mod place;
mod processes;

mod api;
mod arguments;
mod authors;
mod canary;
mod checks;
mod cloudflare;
mod crowd;
mod databases;
mod descriptions;
mod endurance;
mod fleet;
mod gitlab_ci;
mod gitlab_comment;
mod host_images;
mod install;
mod interruption;
mod lambda;
mod listed;
mod lock;
mod modules;
mod people;
mod php;
mod pipelines;
mod prebuilt;
mod registries;
mod rootless;
mod spare;
mod surroundings;
mod trace;
mod user_defaults;
mod websites;
