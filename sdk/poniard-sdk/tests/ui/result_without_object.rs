#![allow(unused)]

use poniard_sdk::prelude::*;

pub struct Page {
    pub title: String,
}

#[object]
pub struct Hello;

#[functions]
impl Hello {
    pub fn page(&self) -> Result<Page> {
        bail!("no")
    }
    pub fn pages(&self) -> Vec<Page> {
        Vec::new()
    }
}

fn main() {}
