#![allow(unused)]

use poniard_sdk::prelude::*;

#[enumeration]
pub enum Mood {}

#[enumeration]
pub enum Shape<T> {
    Round,
    #[member(name = "very square")]
    Square,
    #[member(value = 4)]
    Other,
}

fn main() {}
