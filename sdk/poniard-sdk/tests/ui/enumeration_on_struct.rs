#![allow(unused)]

use poniard_sdk::prelude::*;

#[enumeration]
pub struct Mood;

fn main() {}
