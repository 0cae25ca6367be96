#![allow(unused)]

use poniard_sdk::prelude::*;

#[object]
pub struct Hello;

#[functions]
impl Hello {
    #[function(generate)]
    pub fn files(&self, source: Directory) -> Directory {
        source
    }
    #[function(generate)]
    pub fn nothing(&self) {}
}

fn main() {}
