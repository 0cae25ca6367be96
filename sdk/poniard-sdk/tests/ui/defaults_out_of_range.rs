#![allow(unused)]

use poniard_sdk::prelude::*;

#[object]
pub struct Hello;

#[functions]
impl Hello {
    pub fn b(&self, #[arg(default = 300)] small: u8, #[arg(default = -1)] count: u64) {}
    pub fn c(&self, #[arg(default = Some(3))] x: Option<i64>) {}
    pub fn d(&self, #[arg(default = vec!["a"])] list: Vec<String>) {}
}

fn main() {}
