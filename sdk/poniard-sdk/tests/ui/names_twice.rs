#![allow(unused)]

use poniard_sdk::prelude::*;

#[object]
pub struct Hello;

#[functions]
impl Hello {
    pub fn say_it(&self, a: i64, #[arg(name = "a")] b: i64) {}
    #[function(name = "sayIt")]
    pub fn other(&self, id: String) {}
    #[function(name = "say it")]
    pub fn blank(&self) {}
}

fn main() {}
