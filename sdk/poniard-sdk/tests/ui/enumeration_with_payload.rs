#![allow(unused)]

use poniard_sdk::prelude::*;

#[enumeration]
pub enum Mood {
    Happy,
    Sad(String),
    #[member(name = "HAPPY")]
    Glad { why: String },
}

fn main() {}
