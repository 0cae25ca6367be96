//! What the compiler says when macros are misused.

#[test]
fn misuse_is_reported_with_the_expected_form() {
    trybuild::TestCases::new().compile_fail("tests/ui/*.rs");
}
