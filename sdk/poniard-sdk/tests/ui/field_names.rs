#![allow(unused)]

use poniard_sdk::prelude::*;

#[object]
pub struct Note {
    pub id: String,
    pub web_url: String,
    #[field(name = "webUrl")]
    pub url: String,
    #[field(name = "x")]
    hidden: String,
}

fn main() {}
