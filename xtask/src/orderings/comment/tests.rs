//! The form of an ORDERING comment.

use super::*;

const GOOD: &str = "ORDERING: Release pairs with `Slot::take`: publishes the cell. (model: a_b)";

fn edges(comments: &str) -> Vec<Edge> {
    parse(comments).expect("it has edges").expect("they parse")
}

fn error(comments: &str) -> String {
    parse(comments).expect("it has edges").expect_err(comments)
}

#[test]
fn an_edge_has_a_claim_its_other_half_what_it_carries_and_models() {
    let edge = &edges(GOOD)[0];
    assert_eq!(edge.claim.to_string(), "Release");
    assert_eq!(edge.others, ["Slot::take"]);
    assert_eq!(edge.carries, "publishes the cell");
    assert_eq!(edge.models, ["a_b"]);
}

#[test]
fn a_comment_holds_prose_and_any_number_of_edges() {
    assert_eq!(parse("Relaxed: nobody draws conclusions from it."), None);
    let two = "The handle (of a task) may be gone. \
        ORDERING: Release of AcqRel pairs with `A::b`, `A::c` and `d`: publishes x (`y`). (models: a, b) \
        ORDERING: failure Acquire pairs with `A::b`: sees x. (model: c)";
    let edges = edges(two);
    assert_eq!(edges[0].claim.to_string(), "Release of AcqRel");
    assert_eq!(edges[0].others, ["A::b", "A::c", "d"]);
    assert_eq!(edges[0].carries, "publishes x (`y`)");
    assert_eq!(edges[0].models, ["a", "b"]);
    assert_eq!(edges[1].claim.token.role, Role::Failure);
}

#[test]
fn a_claim_is_an_ordering_or_half_of_one() {
    for claim in [
        "Acquire",
        "fence SeqCst",
        "failure SeqCst",
        "Acquire of fence AcqRel",
    ] {
        let parsed = Claim::parse(claim).expect(claim);
        assert_eq!(parsed.to_string(), claim);
    }
    for text in [
        "Relaxed",
        "SeqCst fence",
        "Acquire of Acquire",
        "AcqRel of SeqCst",
        "",
    ] {
        assert_eq!(Claim::parse(text), None, "{text}");
    }
}

#[test]
fn halves_are_contained_in_their_whole() {
    let contains = |claim: &str| {
        let claim = Claim::parse(claim).expect(claim);
        [Ordering::Acquire, Ordering::Release].map(|half| claim.contains(half))
    };
    assert_eq!(contains("Acquire"), [true, false]);
    assert_eq!(contains("fence SeqCst"), [true, true]);
    assert_eq!(contains("Release of AcqRel"), [false, true]);
}

#[test]
fn each_missing_part_is_named() {
    assert!(error("ORDERING: Release, for the cell").contains("no other half"));
    assert!(error(&GOOD.replace("Release", "Relaxed")).contains("`Relaxed` is no ordering"));
    assert!(error(&GOOD.replace("`Slot::take`", "the Acquire")).contains("no list"));
    assert!(error(&GOOD.replace("take`: ", "take`; ")).contains("no list"));
    assert!(error(&GOOD.replace("publishes", "sees")).contains("Release publishes"));
    assert!(error(&GOOD.replace("cell.", "cell")).contains("ends with `.`"));
    assert!(error(&GOOD.replace(" (model: a_b)", "")).contains("no model"));
    assert!(error(&GOOD.replace("a_b)", "a_b")).contains("does not end with"));
    assert!(error(&GOOD.replace("a_b", "a b")).contains("no model's name"));
}
