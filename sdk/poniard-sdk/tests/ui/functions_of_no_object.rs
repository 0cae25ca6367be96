#![allow(unused)]

use poniard_sdk::prelude::*;

pub struct Hello {
    name: String,
}

#[functions]
impl Hello {
    pub fn a(&self) -> String {
        self.name.clone()
    }
}

fn main() {}
