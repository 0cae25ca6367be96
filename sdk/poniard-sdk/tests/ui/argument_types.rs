#![allow(unused)]

use poniard_sdk::prelude::*;

#[object]
pub struct Hello;

#[functions]
impl Hello {
    pub fn a(&self, name: &str, dir: &Directory) {}
    pub fn b(&self, name: impl Into<String>) {}
    pub fn c<T>(&self, many: [String; 2], (x, y): (i64, i64)) {}
    pub fn d(&self, wait: std::time::Duration, big: u128, deep: Option<Option<String>>, gaps: Vec<Option<i64>>) {}
}

fn main() {}
