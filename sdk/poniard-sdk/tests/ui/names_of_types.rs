#![allow(unused)]

use poniard_sdk::prelude::*;

#[object]
pub struct Directory2;

#[object(name = "Directory")]
pub struct Folder;

#[object(name = "lower_case")]
pub struct Lower;

#[object(name = "two words")]
pub struct Two;

#[enumeration]
pub enum NetworkProtocol {
    Tcp,
}

fn main() {}
