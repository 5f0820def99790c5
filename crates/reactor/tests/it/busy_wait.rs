//! Waiting awake: that it happens where waits are short, and only if it may.

use std::hint;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::support::deadline;
use heist_reactor::{Config, Reactor};

/// Turns a reactor until `done`, which gets the number of the turn and of busy waits. Another thread ends
/// each turn, one earlier, another later. Returns the number of busy waits.
fn turn_and_answer(config: Config, done: impl Fn(u64, u64) -> bool) -> u64 {
    const OVER: u64 = u64::MAX;
    let mut reactor = Reactor::new(config).expect("the system gives descriptors");
    let turns = Arc::new(AtomicU64::new(0));
    let other = {
        let (turns, handle) = (Arc::clone(&turns), reactor.handle().clone());
        thread::spawn(move || {
            let mut answered = 0;
            loop {
                match turns.load(Ordering::Acquire) {
                    OVER => return,
                    turn if turn > answered => {
                        let delay = Duration::from_micros(turn % 64);
                        let began = Instant::now();
                        while began.elapsed() < delay {
                            hint::spin_loop();
                        }
                        answered = turn;
                        handle.unpark();
                    }
                    _ => thread::yield_now(),
                }
            }
        })
    };
    let mut turn = 0;
    let busy_waits = loop {
        turn += 1;
        turns.store(turn, Ordering::Release);
        reactor.turn(None).expect("a turn does not fail");
        let busy_waits = reactor.handle().metrics().busy_waits;
        if done(turn, busy_waits) {
            break busy_waits;
        }
    };
    turns.store(OVER, Ordering::Release);
    other.join().expect("the thread does not panic");
    busy_waits
}

#[cfg(any(target_os = "linux", target_os = "android", target_vendor = "apple"))]
#[test]
fn short_waits_come_to_be_awake() {
    let _deadline = deadline();
    turn_and_answer(Config::default(), |_, busy_waits| busy_waits > 10);
}

#[test]
fn without_leave_every_wait_blocks() {
    let _deadline = deadline();
    let config = Config {
        max_busy_wait: Duration::ZERO,
        ..Config::default()
    };
    let busy_waits = turn_and_answer(config, |turn, _| turn == 300);
    assert_eq!(busy_waits, 0);
}
