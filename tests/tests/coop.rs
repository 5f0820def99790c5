//! What the budget bounds: how long a loop over something that is always ready keeps its worker.

use heist::runtime::Builder;
use heist::sync::mpsc;
use heist::task::coop::{cooperative, has_budget_remaining};
use heist::task::{consume_budget, yield_now};
use heist_tests::deadline;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

const MESSAGES: u32 = 10_000;

/// A channel with all messages in it, and no sender.
fn full() -> mpsc::UnboundedReceiver<u32> {
    let (send, receive) = mpsc::unbounded_channel();
    (0..MESSAGES).for_each(|n| send.send(n).expect("the receiver is there"));
    receive
}

/// Runs `receiver` beside a task that counts its own turns, on one worker; returns those turns.
fn turns_beside(receiver: impl Future<Output = ()> + Send + 'static) -> u32 {
    let turns = Arc::new(AtomicU32::new(0));
    // The watchdog would have another worker take the counting task over.
    let mut builder = Builder::new_multi_thread();
    let runtime = builder.worker_threads(1).watchdog(false).build();
    let runtime = runtime.expect("a runtime");
    let both = runtime.spawn(async move {
        let counted = turns.clone();
        drop(heist::spawn(async move {
            loop {
                counted.fetch_add(1, Relaxed);
                yield_now().await;
            }
        }));
        receiver.await;
        turns.load(Relaxed)
    });
    runtime.block_on(both).expect("no panic")
}

#[test]
fn a_receive_that_is_cooperative_shares_its_worker_and_a_bare_one_does_not() {
    deadline(|| {
        let mut bare = full();
        let hogs = turns_beside(async move { while bare.recv().await.is_some() {} });
        assert!(hogs <= 2, "{hogs} turns beside tokio's own receive");
        let mut fair = full();
        let shares = turns_beside(async move { while cooperative(fair.recv()).await.is_some() {} });
        assert!(
            shares >= MESSAGES / 128 - 2,
            "{shares} turns beside a cooperative receive"
        );
    });
}

#[test]
fn consume_budget_shares_the_worker_too() {
    deadline(|| {
        let shares = turns_beside(async {
            let mut empty = false;
            for _ in 0..MESSAGES {
                consume_budget().await;
                empty |= !has_budget_remaining();
            }
            assert!(
                empty,
                "a poll uses its budget up, and the next one has a new one"
            );
        });
        assert!(shares >= MESSAGES / 128 - 2, "{shares} turns");
    });
}

#[test]
fn a_branch_of_select_outlives_its_budget_beside_a_channel_that_is_never_empty() {
    deadline(|| {
        let runtime = Builder::new_multi_thread().worker_threads(1).build();
        let runtime = runtime.expect("a runtime");
        let mut messages = full();
        let turns = runtime.spawn(async move {
            let mut turns = 0;
            loop {
                heist::select! {
                    () = consume_budget() => turns += 1,
                    message = messages.recv() => if message.is_none() {
                        break turns;
                    },
                }
            }
        });
        let turns = runtime.block_on(turns).expect("no panic");
        assert!(
            turns > MESSAGES / 4,
            "{turns} turns beside {MESSAGES} messages"
        );
    });
}
