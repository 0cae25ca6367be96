#![allow(unused)]

use poniard_sdk::prelude::*;

#[object]
pub struct Hello;

#[functions]
impl Hello {
    #[function(check)]
    pub fn lint(&self, name: String) -> Result<String> {
        Ok(name)
    }
}

fn main() {}
