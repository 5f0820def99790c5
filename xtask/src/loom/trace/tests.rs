//! Small records of permutations.

use super::*;

/// An event with a stack: `function` of loom's, called in line `line` of the scheduler's `idle.rs`.
fn event(text: &str, function: &str, line: usize) -> String {
    format!(
        "event {text}\n   0: loom::{function}\n             at /registry/loom/x.rs:1:1\n   \
         1: heist_scheduler::idle::Idle::claim\n             \
         at ./crates/scheduler/src/idle.rs:{line}:9\n"
    )
}

fn load(object: usize, line: usize) -> String {
    let announced = format!("Object::branch_action obj=Ref<loom::State>({object}) action=Load");
    event(&announced, "AtomicUsize::load", line)
}

fn loaded(object: usize, line: usize, value: &str) -> String {
    let text = format!("Atomic::load state=Ref<loom::State>({object}) ordering=Acquire");
    event("synchronize", "AtomicUsize::load", line)
        + &event(&text, "AtomicUsize::load", line)
        + &format!("value {value}\n")
}

fn lock(object: usize, locked: bool, line: usize) -> String {
    let text = format!("Object::branch_acquire obj=Ref<loom::State>({object}) is_locked={locked}");
    event(&text, "Mutex::lock", line)
}

fn read(records: &[String]) -> Trace {
    Trace::read(&records.concat(), "/nowhere")
}

fn told(trace: &Trace) -> Vec<String> {
    trace
        .steps
        .iter()
        .map(|step| format!("T{} {}", step.thread, step.described()))
        .collect()
}

#[test]
fn a_step_is_told_when_its_thread_goes_on() {
    // Thread 0 announces its load, but thread 1 goes first.
    let trace = read(&[
        load(3, 10),
        "enter 1\n".to_owned(),
        event("branch switch=true", "rt::branch", 10),
        load(3, 20),
        "enter 1\n".to_owned(),
        loaded(3, 20, "7"),
        lock(4, false, 30),
        "enter 0\n".to_owned(),
        loaded(3, 10, "8"),
    ]);
    let steps = [
        "T1 AtomicUsize::load Acquire #3  7",
        "T0 AtomicUsize::load Acquire #3  8",
    ];
    assert_eq!(told(&trace), steps);
    assert_eq!(trace.steps[0].place.at, "crates/scheduler/src/idle.rs:20");
    assert!(trace.panic.is_empty());
}

#[test]
fn a_deadlock_names_what_each_thread_waits_for() {
    let trace = read(&[
        lock(1, false, 10),
        "enter 0\n".to_owned(),
        lock(2, true, 11),
        "enter 1\n".to_owned(),
        event(
            "park thread=Id(1) active.state=Runnable { unparked: false }",
            "Condvar::wait",
            20,
        ),
        "panic\n  at /registry/loom/execution.rs:1:1\n  deadlock; threads = []\n".to_owned(),
        load(9, 99),
    ]);
    assert_eq!(
        told(&trace),
        ["T0 Mutex::lock #1", "T0 Mutex::lock waits #2"]
    );
    let waiting: Vec<&str> = trace.waiting.iter().map(|step| &step.what[..]).collect();
    assert_eq!(waiting, ["Mutex::lock", "Condvar::wait"]);
    assert_eq!(trace.panic[1], "deadlock; threads = []");
}

#[test]
fn a_failed_assertion_leaves_nobody_waiting() {
    let trace = read(&[
        lock(2, true, 11),
        "enter 1\n".to_owned(),
        "panic\n  at crates/a.rs:1:1\n  left: 1\n".to_owned(),
    ]);
    assert!(trace.waiting.is_empty());
    assert_eq!(trace.panic, ["at crates/a.rs:1:1", "left: 1"]);
}

#[test]
fn the_orderings_of_a_compare_exchange_are_both_told() {
    let rmw = "Atomic::rmw state=Ref<loom::State>(3) success=AcqRel failure=Relaxed";
    let one = |call: &str| told(&read(&[event(rmw, call, 1)]));
    let trace = read(&[
        event(
            "Object::branch_action obj=Ref<loom::State>(3) action=Rmw",
            "A::compare_exchange",
            1,
        ),
        "enter 0\n".to_owned(),
        event(rmw, "A::compare_exchange", 1),
    ]);
    assert_eq!(
        told(&trace),
        ["T0 A::compare_exchange AcqRel, else Relaxed #3"]
    );
    assert_eq!(one("A::fetch_add"), ["T0 A::fetch_add AcqRel #3"]);
}

#[test]
fn a_read_of_what_was_overwritten_is_stale() {
    let store = "Object::branch_action obj=Ref<loom::State>(3) action=Store";
    let records = |read: &str| {
        read_one(&[
            event(store, "AtomicUsize::store", 1),
            "enter 0\n".to_owned(),
            "value 0 := 10\n".to_owned(),
            load(3, 2),
            "enter 0\n".to_owned(),
            loaded(3, 2, read),
        ])
    };
    assert_eq!(records("10"), "T0 AtomicUsize::load Acquire #3  10");
    assert_eq!(records("1"), "T0 AtomicUsize::load Acquire #3  1, stale");
    assert_eq!(
        records("10, not 1"),
        "T0 AtomicUsize::load Acquire #3  10, not 1"
    );
}

/// The last step told.
fn read_one(records: &[String]) -> String {
    told(&read(records)).pop().expect("there is a step")
}

#[test]
fn what_loom_does_for_itself_is_left_out() {
    let own = "event Object::branch_action obj=Ref<loom::State>(1) action=Opaque\n   0: loom::rt\n";
    let trace = read(&[own.to_owned(), "enter 0\n".to_owned(), lock(2, false, 3)]);
    assert!(trace.steps.is_empty());
}

#[test]
fn only_the_last_lines_are_shown_and_they_line_up() {
    let steps = [("a", 1), ("bbb", 22), ("cc", 3)].map(|(what, line)| Step {
        thread: 1,
        what: what.to_owned(),
        place: Place {
            function: "f".to_owned(),
            at: format!("x.rs:{line}"),
        },
        ..Step::default()
    });
    let trace = Trace {
        steps: steps.to_vec(),
        ..Trace::default()
    };
    let shown = ["    2  T1  bbb  x.rs:22  f", "    3  T1  cc   x.rs:3  f"];
    assert_eq!(trace.lines(Some(2)), shown);
    assert_eq!(trace.lines(None).len(), 3);
}

#[test]
fn a_fields_value_may_hold_spaces() {
    let (name, fields) = fields("Notify::wait 1 state=Ref<a::b>(4) active.state=Run { x: false }");
    assert_eq!(name, "Notify::wait 1");
    assert_eq!(fields["state"], "Ref<a::b>(4)");
    assert_eq!(fields["active.state"], "Run { x: false }");
    assert_eq!(number(fields["state"]), Some(4));
}
