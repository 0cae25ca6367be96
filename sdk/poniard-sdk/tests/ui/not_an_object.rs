#![allow(unused)]

use poniard_sdk::prelude::*;

pub struct Plain;

poniard_sdk::main!(Plain);

