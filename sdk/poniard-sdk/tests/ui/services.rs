#![allow(unused)]

use poniard_sdk::prelude::*;

#[object]
pub struct Hello;

#[functions]
impl Hello {
    #[function(up)]
    pub fn web(&self, port: u16) -> Result<Container> {
        Ok(dag().container())
    }
}

fn main() {}
