#![allow(unused)]

use poniard_sdk::prelude::*;

#[object]
pub struct Hello {
    pub name: String,
}

#[functions]
impl Hello {
    pub fn longest<'a>(&'a self, other: &'a str) -> &'a str {
        other
    }
}

fn main() {}
