#![allow(unused)]

use poniard_sdk::prelude::*;

#[object]
pub struct Hello;

#[functions]
impl Hello {
    pub fn a(&self) -> &str {
        ""
    }
    pub fn b(&self) -> Result<(String, i64)> {
        bail!("no")
    }
    pub fn c(&self) -> Option<char> {
        None
    }
}

fn main() {}
