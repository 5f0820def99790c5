//! The order of attempts.

use super::*;

fn addr(text: &str) -> SocketAddr {
    text.parse().expect("an address")
}

#[test]
fn families_take_turns_beginning_with_the_first() {
    let listed = ["[::1]:1", "[::2]:1", "[::3]:1", "1.1.1.1:1", "2.2.2.2:1"].map(addr);
    let sorted = by_turns(listed[0], listed[1..].to_vec());
    let expected = ["[::1]:1", "1.1.1.1:1", "[::2]:1", "2.2.2.2:1", "[::3]:1"].map(addr);
    assert_eq!(sorted, expected);
}

#[test]
fn one_family_keeps_its_order() {
    let listed = ["1.1.1.1:1", "2.2.2.2:1", "3.3.3.3:1"].map(addr);
    assert_eq!(by_turns(listed[0], listed[1..].to_vec()), listed);
}
