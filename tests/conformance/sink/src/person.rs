//! An object that functions take and return.

use poniard_sdk::prelude::*;

/// A person with a name and an age.
#[object]
pub struct Person {
    /// The name of the person
    pub name: String,
    /// The age in years
    pub age: i64,
}

#[functions]
impl Person {
    /// The same person some years later
    pub fn older(
        self,
        /// How many years
        #[arg(default = 1)]
        years: i64,
    ) -> Self {
        Self {
            age: self.age + years,
            ..self
        }
    }

    /// One sentence about the person
    pub fn intro(&self) -> String {
        format!("{} is {}", self.name, self.age)
    }
}
