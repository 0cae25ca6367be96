#![allow(unused)]

use poniard_sdk::prelude::*;

#[object]
pub struct Pair(String, String);

fn main() {}
