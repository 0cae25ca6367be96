#![allow(unused)]

use poniard_sdk::prelude::*;

use std::collections::HashMap;

#[object]
pub struct Site {
    pub pages: HashMap<String, String>,
    pub path: std::path::PathBuf,
    pub both: (String, i64),
    pub raw: &'static str,
    pub ws: Workspace,
}

fn main() {}
