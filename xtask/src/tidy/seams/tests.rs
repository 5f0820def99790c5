//! Seams.

use super::*;

fn count(path: &str, text: &str) -> usize {
    check(&Source::new(path, text)).len()
}

#[test]
fn synchronization_is_named_in_sync_only() {
    let text = "use std::sync::{Arc, Mutex};\nuse parking_lot::RwLock;\nuse crossbeam_deque::Worker;\n\
                static N: std::sync::atomic::AtomicU8 = x;\nuse loom::thread;";
    assert_eq!(count("crates/scheduler/src/worker.rs", text), 5);
    assert_eq!(count("crates/scheduler/src/sync.rs", text), 0);
    assert_eq!(count("crates/scheduler/src/sync/loom.rs", text), 0);
    let text = "use shuttle::sync::Mutex;\nshuttle::thread::spawn(f);";
    assert_eq!(count("crates/scheduler/src/worker.rs", text), 2);
    assert_eq!(count("crates/scheduler/src/sync/shuttle.rs", text), 0);
    assert_eq!(count("crates/scheduler/src/stress/stage.rs", text), 0);
    assert_eq!(count("crates/net/src/a.rs", text), 0);
    assert_eq!(
        count(
            "crates/scheduler/src/worker.rs",
            "use std::sync::Arc;\nuse crate::sync::Mutex;"
        ),
        0
    );
}

#[test]
fn clocks_threads_and_chance_have_their_seam() {
    let text = "let now = Instant::now();\nstd::thread::spawn(f);\nlet n = fastrand::u32(..);\n\
                use std::thread::{self, Builder};\nthread::sleep(d);\nSystemTime::now();";
    assert_eq!(count("crates/reactor/src/turn.rs", text), 6);
    assert_eq!(count("crates/reactor/src/clock.rs", text), 0);
    assert_eq!(count("crates/reactor/src/turn/tests.rs", text), 0);
    assert_eq!(count("crates/heist/src/runtime.rs", text), 0);
    assert_eq!(
        count(
            "crates/reactor/src/turn.rs",
            "use std::time::Instant;\nthread::panicking();"
        ),
        0
    );
}
