#![allow(unused)]

use poniard_sdk::prelude::*;

poniard_sdk::dependencies!("nowhere");

fn main() {}
