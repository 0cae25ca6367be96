#![allow(unused)]

use poniard_sdk::prelude::*;

#[object]
pub struct Hello;

#[functions]
impl Hello {
    pub fn a(&self) -> impl Iterator<Item = String> {
        std::iter::empty()
    }
    pub fn b(&self, call: fn(i64) -> i64) {}
    pub fn c(&self, bytes: &[u8], any: Box<dyn std::any::Any>) -> [u8; 2] {
        [0, 0]
    }
}

fn main() {}
