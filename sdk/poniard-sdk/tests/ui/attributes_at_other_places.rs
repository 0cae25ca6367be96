#![allow(unused)]

use poniard_sdk::prelude::*;

#[object]
pub struct Hello {
    #[arg(name = "x")]
    pub a: String,
}

#[functions]
impl Hello {
    #[check]
    #[arg(default = "x")]
    pub fn a(&self, #[default = "a"] x: String, #[function(cache = "never")] y: String) {}
    #[cache = "never"]
    pub fn b(&self, #[ignore = ["a"]] dir: Directory) {}
}

#[enumeration]
pub enum Mood {
    #[field(name = "X")]
    Happy,
}

fn main() {}
