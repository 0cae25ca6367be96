#![allow(unused)]

use poniard_sdk::prelude::*;

#[object]
pub struct Hello;

#[functions]
impl Hello {
    pub fn a(&self, #[arg(default = 3)] text: String, #[arg(default = "3")] number: u16) {}
    pub fn b(&self, #[arg(default = "a")] list: Vec<String>, #[arg(default = ["a", 1])] mixed: Vec<String>) {}
    pub fn c(&self, #[arg(default = ".")] dir: Directory, #[arg(default = "a", default_path = "b")] both: Option<File>) {}
}

fn main() {}
