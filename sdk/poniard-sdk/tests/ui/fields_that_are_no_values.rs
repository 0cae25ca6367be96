#![allow(unused)]

use poniard_sdk::prelude::*;

#[object]
pub struct Hello {
    pub outcome: Result<String>,
    pub nothing: (),
    pub callback: Box<dyn Fn() -> String>,
    pub at: Option<Workspace>,
}

fn main() {}
