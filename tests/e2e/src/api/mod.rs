//! What of the API only shows from outside: terminals, GPUs, and programs with a session.

mod gpus;
mod terminal;
