//! The stand-ins, proven by the clients that they stand in for.

mod cloudflare;
mod gitlab;
