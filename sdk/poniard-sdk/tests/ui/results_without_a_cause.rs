#![allow(unused)]

use poniard_sdk::prelude::*;

#[object]
pub struct Hello;

#[functions]
impl Hello {
    pub fn a(&self) -> std::result::Result<String, String> {
        Ok(String::new())
    }
    pub async fn b(&self) -> std::result::Result<(), &'static str> {
        Ok(())
    }
}

fn main() {}
