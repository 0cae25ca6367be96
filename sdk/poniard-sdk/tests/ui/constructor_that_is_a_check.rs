#![allow(unused)]

use poniard_sdk::prelude::*;

#[object]
pub struct Hello;

#[functions]
impl Hello {
    #[function(check, generate, up)]
    pub fn new() -> Self {
        Self
    }
}

fn main() {}
