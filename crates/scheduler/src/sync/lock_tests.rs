//! The stand-ins for `Mutex` and `Condvar` against the real ones: each program below is run on real
//! threads many times, by loom in all interleavings, and by shuttle under many schedules.
//!
//! What the real ones can show is written beside each program. They may not show anything else, and
//! each stand-in must show exactly that: less, and the models pass over what can happen; more, and
//! they fail for what cannot.

use std::collections::BTreeSet;
use std::fmt::Debug;
use std::sync::{Arc, Mutex as StdMutex};
use std::time::{Duration, Instant};

/// How often a program is run on real threads.
const RUNS: usize = 300;

/// How many schedules shuttle tries: enough for the rarest outcome below.
const SCHEDULES: usize = 3000;

/// What a program came to, over many runs.
#[derive(Clone)]
struct Seen<T>(Arc<StdMutex<BTreeSet<T>>>);

impl<T: Ord + Clone + Send + 'static> Seen<T> {
    fn during(explore: impl FnOnce(Seen<T>)) -> BTreeSet<T> {
        let seen = Seen(Arc::default());
        explore(seen.clone());
        seen.0.lock().expect("nobody panics with it").clone()
    }

    fn add(&self, outcome: T) {
        self.0
            .lock()
            .expect("nobody panics with it")
            .insert(outcome);
    }
}

/// Runs the three of them and compares.
fn compare<T: Ord + Clone + Debug + Send + 'static>(
    possible: impl IntoIterator<Item = T>,
    real: fn() -> T,
    loom: fn() -> T,
    shuttle: fn() -> T,
) {
    let possible: BTreeSet<T> = possible.into_iter().collect();
    let on_threads = Seen::during(|seen| (0..RUNS).for_each(|_| seen.add(real())));
    assert!(on_threads.is_subset(&possible), "real: {on_threads:?}");
    let by_loom = Seen::during(|seen| loom::model(move || seen.add(loom())));
    assert_eq!(by_loom, possible, "loom");
    let by_shuttle = Seen::during(|seen| {
        shuttle::check_random(move || seen.add(shuttle()), SCHEDULES);
    });
    assert_eq!(by_shuttle, possible, "shuttle");
}

/// A deadline that has passed, for loom and shuttle, whose timed waits have no time.
fn soon() -> Instant {
    Instant::now() + Duration::from_micros(50)
}

/// The programs, over one set of locks and threads each.
macro_rules! programs {
    ($name:ident, $sync:path, $thread:path) => {
        mod $name {
            use std::sync::Arc;

            use sync::{Condvar, Mutex};
            use $sync as sync;
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
                Arc::into_inner(count)
                    .expect("the other one is over")
                    .into_inner()
            }

            /// Two threads try once each, and one of them writes; then what one has read beside the
            /// other, and what is there in the end.
            pub(super) fn tries() -> (Option<u32>, Option<u32>) {
                let value = Arc::new(Mutex::new(0));
                let writer = {
                    let value = Arc::clone(&value);
                    thread::spawn(move || {
                        if let Some(mut guard) = value.try_lock() {
                            *guard = 1;
                        }
                    })
                };
                let beside = value.try_lock().map(|guard| *guard);
                writer.join().expect("does not panic");
                let after = value.try_lock().map(|guard| *guard);
                (beside, after)
            }

            /// A try while this very thread holds the lock.
            pub(super) fn try_while_held() -> (bool, bool) {
                let value = Mutex::new(());
                let held = value.lock();
                let while_held = value.try_lock().is_some();
                drop(held);
                (while_held, value.try_lock().is_some())
            }

            /// A thread waits for a flag that another one sets; true if the flag was there already.
            pub(super) fn handover() -> bool {
                let pair = Arc::new((Mutex::new(false), Condvar::new()));
                let setter = {
                    let pair = Arc::clone(&pair);
                    thread::spawn(move || {
                        *pair.0.lock() = true;
                        pair.1.notify_one();
                    })
                };
                let mut flag = pair.0.lock();
                let at_once = *flag;
                while !*flag {
                    flag = pair.1.wait(flag);
                }
                drop(flag);
                setter.join().expect("does not panic");
                at_once
            }

            /// Two threads wait for a notification to all, or come too late to need it.
            pub(super) fn broadcast() -> bool {
                let pair = Arc::new((Mutex::new(false), Condvar::new()));
                let waiters = [(); 2].map(|()| {
                    let pair = Arc::clone(&pair);
                    thread::spawn(move || {
                        let mut flag = pair.0.lock();
                        while !*flag {
                            flag = pair.1.wait(flag);
                        }
                    })
                });
                *pair.0.lock() = true;
                pair.1.notify_all();
                for waiter in waiters {
                    waiter.join().expect("does not panic");
                }
                let end = *pair.0.lock();
                end
            }

            /// A timed wait beside a thread that notifies: whether the flag was there first, and
            /// was there in the end. Whether the time is said to have run out is another matter.
            pub(super) fn timed_wait() -> (bool, bool) {
                let pair = Arc::new((Mutex::new(false), Condvar::new()));
                let setter = {
                    let pair = Arc::clone(&pair);
                    thread::spawn(move || {
                        *pair.0.lock() = true;
                        pair.1.notify_one();
                    })
                };
                let flag = pair.0.lock();
                let before = *flag;
                let (flag, _timed_out) = pair.1.wait_until(flag, super::soon());
                let after = *flag;
                drop(flag);
                setter.join().expect("does not panic");
                (before, after)
            }

            /// A timed wait that nobody ends.
            pub(super) fn time_runs_out() -> bool {
                let lock = Mutex::new(());
                Condvar::new().wait_until(lock.lock(), super::soon()).1
            }
        }
    };
}

programs!(real, crate::sync::imp, std::thread);
programs!(on_loom, crate::sync::loom_locks, loom::thread);
programs!(on_shuttle, crate::sync::shuttle_locks, shuttle::thread);

/// A test for each program.
macro_rules! agree {
    ($($test:ident: $program:ident shows $possible:expr;)*) => {
        $(
            #[test]
            fn $test() {
                compare($possible, real::$program, on_loom::$program, on_shuttle::$program);
            }
        )*
    };
}

agree! {
    a_lock_excludes_others: increments shows [2];
    a_try_fails_beside_another_or_comes_before_or_after: tries shows [
        (None, Some(1)),
        (Some(0), Some(0)),
        (Some(0), Some(1)),
        (Some(1), Some(1)),
    ];
    a_try_fails_while_the_lock_is_held: try_while_held shows [(false, true)];
    a_notification_is_not_lost: handover shows [false, true];
    a_notification_to_all_reaches_all: broadcast shows [true];
    a_timed_wait_lets_others_have_the_lock: timed_wait
        shows [(false, false), (false, true), (true, true)];
    a_timed_wait_ends_by_itself: time_runs_out shows [true];
}
