#![allow(unused)]

use poniard_sdk::prelude::*;

#[object]
pub struct Hello;

#[functions]
impl Default for Hello {
    fn default() -> Self {
        Self
    }
}

fn main() {}
