#![allow(unused)]

use poniard_sdk::prelude::*;

#[object(color = "red")]
pub struct Hello;

#[functions]
impl Hello {
    #[function(cached)]
    pub fn a(&self, #[arg(defualt = 1)] x: i64) {}
    #[function(name = "a", name = "b")]
    pub fn b(&self, #[arg(ignore = "target")] dir: Directory) {}
}

fn main() {}
