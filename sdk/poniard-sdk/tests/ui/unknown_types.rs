#![allow(unused)]

use poniard_sdk::prelude::*;

pub struct Secretive;

#[object]
pub struct Hello {
    settings: Secretive,
}

#[functions]
impl Hello {
    pub fn tell(&self, what: Secretive) {}
}

fn main() {}
