#![allow(unused)]

use poniard_sdk::prelude::*;

#[object]
pub enum Mood {
    Happy,
}

fn main() {}
