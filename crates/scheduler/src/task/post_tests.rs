//! Whatever is done in `with_core`, the post outlives it.

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::*;

fn post(number: u32) -> Rc<Post<u32, Vec<u32>>> {
    Rc::new(Post::new(number, Vec::new()))
}

fn serving(number: u32) -> Serving<u32, Vec<u32>> {
    let serving = Serving::nothing();
    assert!(serving.replace(Some(post(number))).is_none());
    serving
}

#[test]
fn the_core_is_that_of_the_post_that_is_asked_for() {
    let serving = serving(7);
    assert_eq!(serving.with_core(|&number| number == 8, |_, _| ()), None);
    serving.with_core(|&number| number == 7, |&number, core| core.push(number));
    let held = serving.replace(None).expect("it has a post");
    assert_eq!(*held.core.borrow(), Some(vec![7]));
    assert_eq!(serving.with_core(|_| true, |_, _| ()), None);
    assert!(serving.get().is_none());
}

#[test]
fn a_post_without_its_core_and_one_whose_core_is_in_use_are_none() {
    let serving = serving(7);
    let nested = serving.with_core(|_| true, |_, _| serving.with_core(|_| true, |_, _| ()));
    assert_eq!(nested, Some(None));
    let held = serving.get().expect("it has a post");
    let core = held.core.borrow_mut().take();
    assert!(core.is_some());
    assert_eq!(serving.with_core(|_| true, |_, _| ()), None);
}

#[test]
fn nobody_leaves_a_post_while_its_core_is_in_use() {
    let serving = serving(7);
    let leave = |next| {
        let left = catch_unwind(AssertUnwindSafe(|| drop(serving.replace(next))));
        assert!(left.is_err(), "it left");
    };
    let in_use = |&number: &u32| {
        leave(None);
        leave(Some(post(8)));
        number == 7
    };
    let kept = serving.with_core(in_use, |&number, core| {
        leave(None);
        core.push(number);
        number
    });
    assert_eq!(kept, Some(7));
    // It serves as before.
    let core = serving.with_core(|_| true, |_, core| core.clone());
    assert_eq!(core, Some(vec![7]));
    assert!(serving.replace(Some(post(9))).is_some());
    assert_eq!(serving.get().map(|post| **post), Some(9));
}

#[test]
fn a_panic_inside_gives_the_core_back() {
    let serving = serving(7);
    let panicked = catch_unwind(AssertUnwindSafe(|| {
        serving.with_core(|_| true, |_, _| panic!("in use"))
    }));
    assert!(panicked.is_err());
    assert_eq!(serving.with_core(|_| true, |_, _| ()), Some(()));
}
