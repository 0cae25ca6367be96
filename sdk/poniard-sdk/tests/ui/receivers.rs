#![allow(unused)]

use poniard_sdk::prelude::*;

#[object]
pub struct Hello;

#[functions]
impl Hello {
    pub fn helper() {}
    pub fn change(&mut self) {}
    #[function(check)]
    fn private(&self) {}
}

fn main() {}
