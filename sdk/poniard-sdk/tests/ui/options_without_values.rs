#![allow(unused)]

use poniard_sdk::prelude::*;

#[object("Hello")]
pub struct Hello;

#[functions]
impl Hello {
    #[function("never")]
    pub fn a(&self, #[arg("x")] other: String, #[arg(default)] name: String) {}
    #[function(cache, check = true)]
    pub fn b(&self) {}
    #[function = "never"]
    pub fn c(&self) {}
}

fn main() {}
