//! A change.

use super::*;

#[test]
fn a_mutant_changes_its_range_only() {
    let mutant = Mutant {
        name: String::new(),
        krate: String::new(),
        path: String::new(),
        range: 2..5,
        new: "if false".to_owned(),
        models: Vec::new(),
        argument: None,
    };
    assert_eq!(mutant.apply("a bcd e"), "a if false e");
}
