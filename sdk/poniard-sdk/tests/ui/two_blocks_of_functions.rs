#![allow(unused)]

use poniard_sdk::prelude::*;

#[object]
pub struct Hello;

#[functions]
impl Hello {
    pub fn a(&self) {}
}

#[functions]
impl Hello {
    pub fn b(&self) {}
}

fn main() {}
