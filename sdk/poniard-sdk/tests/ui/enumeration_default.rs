#![allow(unused)]

use poniard_sdk::prelude::*;

#[enumeration]
#[derive(Clone, Copy)]
pub enum Mood {
    Happy,
}

#[object]
pub struct Hello;

#[functions]
impl Hello {
    pub fn feel(&self, #[arg(default = "HAPPY")] mood: Mood) {}
}

fn main() {}
