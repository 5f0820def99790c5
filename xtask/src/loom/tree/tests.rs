//! Claims, and names.

use super::*;

const SOURCE: &str = "
/// A push that races with the last searcher is found by it, or by a worker
/// that it wakes. More about it.
#[test]
fn push_races_with_the_last_searcher() {}

#[test]
fn without_a_comment() {}

    /// One sentence.
    fn inside() {}
";

#[test]
fn the_claim_is_the_first_sentence_of_the_comment() {
    let claim = documented_claim(SOURCE, "push_races_with_the_last_searcher");
    let first =
        "A push that races with the last searcher is found by it, or by a worker that it wakes";
    assert_eq!(claim.as_deref(), Some(first));
    assert_eq!(
        documented_claim(SOURCE, "inside").as_deref(),
        Some("One sentence")
    );
}

#[test]
fn without_a_comment_the_name_is_the_claim() {
    assert_eq!(documented_claim(SOURCE, "without_a_comment"), None);
    assert_eq!(documented_claim(SOURCE, "push_races"), None);
    assert_eq!(
        claim(None, "models::idle::two_pushes_at_once"),
        "two pushes at once"
    );
}
