#![allow(unused)]

use poniard_sdk::prelude::*;

pub struct Settings {
    pub retries: u8,
}

#[object]
pub struct Hello {
    settings: State<Settings>,
}

fn main() {}
