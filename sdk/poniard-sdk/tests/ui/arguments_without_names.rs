#![allow(unused)]

use poniard_sdk::prelude::*;

#[object]
pub struct Hello;

#[functions]
impl Hello {
    pub fn a(&self, _: String, Some(x): Option<i64>) {}
    pub fn b(self: Box<Self>) {}
}

fn main() {}
