#![allow(unused)]

use poniard_sdk::prelude::*;

#[object]
pub struct Shelf<T> {
    items: Vec<T>,
}

fn main() {}
