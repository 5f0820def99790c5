//! Mistakes that the compiler is to find, with what it says about them.
//!
//! `TRYBUILD=overwrite cargo test -p heist-tests --test compile_fail` writes down what the compiler says now.

#[test]
fn mistakes_are_found_and_told_in_words_that_help() {
    trybuild::TestCases::new().compile_fail("compile_fail/*.rs");
}
