#![allow(unused)]

use poniard_sdk::prelude::*;

#[object]
pub struct Hello;

#[functions]
impl Hello {
    pub fn a(&self, #[arg(default_path = ".")] text: String, #[arg(ignore = ["x"])] file: File) {}
    pub fn b(&self, #[arg(default_address = "alpine")] dir: Directory) {}
}

fn main() {}
