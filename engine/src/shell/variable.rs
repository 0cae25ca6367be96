//! Variables of the shell. One that is not set is looked up in the environment.

use std::collections::{BTreeMap, HashMap};

use crate::client::Value;

/// Scalars are arrays of one item.
type Items = BTreeMap<usize, Value>;

#[derive(Clone, Debug, Default)]
pub struct Variables {
    set: HashMap<String, Items>,
    /// Unset here, whatever the environment says.
    unset: Vec<String>,
    /// What `local` has hidden, for each function under way.
    hidden: Vec<HashMap<String, Option<Items>>>,
}

impl Variables {
    pub fn get(&self, name: &str) -> Option<Value> {
        self.item(name, 0)
    }

    pub fn item(&self, name: &str, index: usize) -> Option<Value> {
        match self.set.get(name) {
            Some(items) => items.get(&index).cloned(),
            None if index == 0 && !self.unset.iter().any(|u| u == name) => {
                std::env::var(name).ok().map(Value::text)
            }
            None => None,
        }
    }

    /// All items of an array.
    pub fn items(&self, name: &str) -> Vec<Value> {
        match self.set.get(name) {
            Some(items) => items.values().cloned().collect(),
            None => self.get(name).into_iter().collect(),
        }
    }

    pub fn indices(&self, name: &str) -> Vec<usize> {
        self.set
            .get(name)
            .map(|items| items.keys().copied().collect())
            .unwrap_or_default()
    }

    pub fn set(&mut self, name: &str, value: Value) {
        self.set_item(name, 0, value);
    }

    pub fn set_item(&mut self, name: &str, index: usize, value: Value) {
        self.set
            .entry(name.to_owned())
            .or_default()
            .insert(index, value);
    }

    pub fn set_all(&mut self, name: &str, values: Vec<Value>) {
        self.set
            .insert(name.to_owned(), values.into_iter().enumerate().collect());
    }

    /// Adds items at the end of an array.
    pub fn append_items(&mut self, name: &str, values: Vec<Value>) {
        let items = self.set.entry(name.to_owned()).or_default();
        let start = items.keys().next_back().map_or(0, |last| last + 1);
        items.extend(values.into_iter().enumerate().map(|(i, v)| (start + i, v)));
    }

    pub fn unset(&mut self, name: &str) {
        self.set.remove(name);
        self.unset.push(name.to_owned());
    }

    /// Names of all variables of the script, in order.
    pub fn names(&self) -> Vec<String> {
        let mut names: Vec<String> = self.set.keys().cloned().collect();
        names.sort();
        names
    }

    /// A function begins.
    pub fn enter(&mut self) {
        self.hidden.push(HashMap::new());
    }

    /// A function ends: what `local` hid comes back.
    pub fn leave(&mut self) {
        for (name, before) in self.hidden.pop().unwrap_or_default() {
            match before {
                Some(items) => drop(self.set.insert(name, items)),
                None => drop(self.set.remove(&name)),
            }
        }
    }

    /// Makes `name` local to the function; false outside of functions.
    pub fn localize(&mut self, name: &str) -> bool {
        let Some(frame) = self.hidden.last_mut() else {
            return false;
        };
        let before = self.set.remove(name);
        frame.entry(name.to_owned()).or_insert(before);
        true
    }
}
