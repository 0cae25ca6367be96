//! The module on an engine that answers what a test sets.

mod configs;
mod functions;
mod layouts;

#[test]
fn types_are_current() {
    poniard_sdk::assert_types_current!(crate::CloudflareDeploy);
}
