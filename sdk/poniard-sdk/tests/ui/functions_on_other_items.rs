#![allow(unused)]

use poniard_sdk::prelude::*;

#[functions]
pub struct Hello;

#[object]
pub fn hello() {}

#[enumeration]
pub trait Mood {}

fn main() {}
