#![allow(unused)]

use poniard_sdk::prelude::*;

#[object]
pub struct Hello;

#[functions]
impl Hello {
    pub fn feel(&self, #[arg(default = None)] note: Option<String>, nothing: ()) {}
}

fn main() {}
