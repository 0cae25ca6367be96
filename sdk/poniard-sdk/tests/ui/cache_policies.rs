#![allow(unused)]

use poniard_sdk::prelude::*;

#[object]
pub struct Hello;

#[functions]
impl Hello {
    #[function(cache = "always")]
    pub fn a(&self) {}
    #[function(cache = "0s")]
    pub fn b(&self) {}
    #[function(cache = "200h")]
    pub fn c(&self) {}
    #[function(cache = 20)]
    pub fn d(&self) {}
}

fn main() {}
