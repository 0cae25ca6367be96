#![allow(unused)]

use poniard_sdk::prelude::*;

#[object]
pub struct Hello;

#[functions]
impl Hello {
    #[function(cache = "never")]
    pub fn new(&self) -> String {
        String::new()
    }
}

fn main() {}
