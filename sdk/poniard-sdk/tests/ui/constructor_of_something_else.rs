#![allow(unused)]

use poniard_sdk::prelude::*;

#[object]
pub struct Hello;

#[object]
pub struct Other;

#[functions]
impl Hello {
    pub async fn new() -> Result<Other> {
        Ok(Other)
    }
}

fn main() {}
