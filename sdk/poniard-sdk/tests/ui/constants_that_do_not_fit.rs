#![allow(unused)]

use poniard_sdk::prelude::*;

const VERSION: &str = "1";

#[object]
pub struct Hello;

#[functions]
impl Hello {
    pub fn tell(&self, #[arg(default = VERSION)] version: i64) {}
}

fn main() {}
