//! The stand-ins for `Mutex` against the real one: each program is run on real threads many times, by
//! loom in all interleavings, and by shuttle under many schedules, and comes to the same.
//!
//! What it can come to stands beside it. The real one may not come to anything else, and each
//! stand-in must come to all of it and no more.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex as StdMutex};

/// How often a program is run on real threads, and under shuttle's schedules.
const RUNS: usize = 300;

/// The outcomes of many runs.
#[derive(Clone, Default)]
struct Seen(Arc<StdMutex<BTreeSet<u32>>>);

impl Seen {
    fn add(&self, outcome: u32) {
        self.0
            .lock()
            .expect("nobody panics with it")
            .insert(outcome);
    }

    fn all(&self) -> BTreeSet<u32> {
        self.0.lock().expect("nobody panics with it").clone()
    }
}

fn compare(possible: &[u32], real: fn() -> u32, loom: fn() -> u32, shuttle: fn() -> u32) {
    let possible: BTreeSet<u32> = possible.iter().copied().collect();
    let [on_threads, by_loom, by_shuttle] = [(); 3].map(|()| Seen::default());
    (0..RUNS).for_each(|_| on_threads.add(real()));
    assert!(
        on_threads.all().is_subset(&possible),
        "real: {:?}",
        on_threads.all()
    );
    let seen = by_loom.clone();
    loom::model(move || seen.add(loom()));
    assert_eq!(by_loom.all(), possible, "loom");
    let seen = by_shuttle.clone();
    shuttle::check_random(move || seen.add(shuttle()), RUNS);
    assert_eq!(by_shuttle.all(), possible, "shuttle");
}

/// The programs, over one lock and its threads each.
macro_rules! programs {
    ($name:ident, $mutex:path, $thread:path) => {
        mod $name {
            use std::sync::Arc;

            use $mutex as Mutex;
            use $thread as thread;

            /// Two threads read, let others run, and write.
            pub(super) fn increments() -> u32 {
                let count = Arc::new(Mutex::new(0));
                let add = |count: &Mutex<u32>| {
                    let mut guard = count.lock();
                    let old = *guard;
                    thread::yield_now();
                    *guard = old + 1;
                };
                let other = {
                    let count = Arc::clone(&count);
                    thread::spawn(move || add(&count))
                };
                add(&count);
                other.join().expect("does not panic");
                let end = *count.lock();
                end
            }

            /// Whether a look comes before or after another thread's write.
            pub(super) fn looks() -> u32 {
                let value = Arc::new(Mutex::new(0));
                let writer = {
                    let value = Arc::clone(&value);
                    thread::spawn(move || *value.lock() = 1)
                };
                let seen = *value.lock();
                writer.join().expect("does not panic");
                seen
            }
        }
    };
}

programs!(real, crate::sync::Mutex, std::thread);
programs!(on_loom, crate::sync::loom_locks::Mutex, loom::thread);
programs!(
    on_shuttle,
    crate::sync::shuttle_locks::Mutex,
    shuttle::thread
);

#[test]
fn a_lock_excludes_others() {
    let [real, loom, shuttle] = [
        real::increments,
        on_loom::increments,
        on_shuttle::increments,
    ];
    compare(&[2], real, loom, shuttle);
}

#[test]
fn a_look_comes_before_or_after_a_write() {
    compare(&[0, 1], real::looks, on_loom::looks, on_shuttle::looks);
}
