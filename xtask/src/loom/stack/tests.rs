//! Stacks as the standard library prints them.

use super::*;

/// What a fence of the deque's caller looks like, shortened.
const STACK: &str = "\
   0: <heist_loom::trace::Recorder as tracing_core::subscriber::Subscriber>::event
             at ./crates/loom/src/trace.rs:79:25
   1: loom::rt::synchronize
             at /registry/src/loom-0.7.3/src/rt/mod.rs:141:5
   2: loom::rt::atomic::Atomic<T>::load
             at /registry/src/loom-0.7.3/src/rt/atomic.rs:230:9
   3: heist_loom::atomic::AtomicUsize::load
             at ./crates/loom/src/atomic.rs:51:30
   4: heist_scheduler::sync::deque_stand_in::Worker<T>::push
             at ./crates/scheduler/src/sync/deque.rs:83:32
   5: heist_scheduler::models::idle::push_races::{{closure}}
             at /sources/heist/crates/scheduler/src/models/idle.rs:105:15
   6: loom::model::Builder::check::{{closure}}
             at /registry/src/loom-0.7.3/src/model.rs:194:17";

fn stack(text: &str) -> Vec<Frame> {
    frames(&text.lines().collect::<Vec<_>>(), "/sources/heist")
}

#[test]
fn the_call_is_the_outermost_of_looms_and_the_place_is_the_programs() {
    let stack = stack(STACK);
    assert_eq!(loom_call(&stack).as_deref(), Some("AtomicUsize::load"));
    let place = place(&stack);
    assert_eq!(place.at, "crates/scheduler/src/models/idle.rs:105");
    assert_eq!(place.function, "idle::push_races");
}

#[test]
fn a_stand_in_is_the_place_if_there_is_no_other() {
    let lines: Vec<&str> = STACK.lines().take(10).collect();
    let place = place(&frames(&lines, "/sources/heist"));
    assert_eq!(place.at, "crates/scheduler/src/sync/deque.rs:83");
}

#[test]
fn a_stack_without_the_program_has_neither() {
    let stack = stack("   0: loom::rt::branch\n             at /registry/rt/mod.rs:1:1");
    assert_eq!(loom_call(&stack), None);
    assert_eq!(place(&stack), Place::default());
}

#[test]
fn functions_are_shown_without_path_arguments_and_closures() {
    for (printed, shown) in [
        ("heist_scheduler::idle::Idle::claim", "Idle::claim"),
        ("a::Injector<T>::len::{{closure}}", "Injector::len"),
        (
            "<loom::sync::arc::Arc<T> as core::clone::Clone>::clone",
            "Arc::clone",
        ),
        (
            "a::search::<impl a::worker::Worker>::steal::{{closure}}",
            "Worker::steal",
        ),
        (
            "a::context::<impl a::Schedule for loom::Arc<a::Shared>>::schedule",
            "Arc::schedule",
        ),
        ("a::apply<fn(u8) -> bool>::go", "apply::go"),
        ("main", "main"),
    ] {
        assert_eq!(short(printed), shown);
    }
}
