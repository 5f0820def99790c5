//! Timers through the public API: never early, resettable, and fair to whoever shares the task.
//!
//! Lower bounds are asserted, upper bounds never: a loaded machine may be late.

use std::future::{pending, poll_fn};
use std::pin::pin;
use std::task::Poll;

use heist::io::AsyncReadExt;
use heist::time::{
    Duration, Instant, MissedTickBehavior, interval, interval_at, sleep, sleep_until, timeout,
    timeout_at,
};
use heist_tests::{deadline, multi};

const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

fn on_two_workers(test: impl Future<Output = ()> + Send + 'static) {
    deadline(|| multi(2).block_on(test));
}

#[test]
fn sleeping_takes_at_least_as_long_as_asked() {
    on_two_workers(async {
        for micros in [0, 1, 100, 1000, 20_000] {
            let duration = Duration::from_micros(micros);
            let start = Instant::now();
            sleep(duration).await;
            assert!(start.elapsed() >= duration);
        }
        let start = Instant::now();
        sleep_until(start - ms(10)).await;
        sleep_until(start + ms(10)).await;
        assert!(start.elapsed() >= ms(10));
    });
}

#[test]
fn every_sleeper_wakes_at_its_own_deadline() {
    on_two_workers(async {
        let start = Instant::now();
        let sleepers: Vec<_> = [30u64, 10, 20, 0]
            .map(|step| {
                heist::spawn(async move {
                    sleep_until(start + ms(step)).await;
                    assert!(start.elapsed() >= ms(step));
                })
            })
            .into();
        for sleeper in sleepers {
            sleeper.await.expect("not early");
        }
    });
}

#[test]
fn the_longest_duration_is_no_overflow() {
    on_two_workers(async {
        assert!(timeout(ms(5), sleep(Duration::MAX)).await.is_err());
        assert_eq!(timeout(Duration::MAX, async { 1 }).await, Ok(1));
        let mut ticks = interval(Duration::MAX);
        ticks.tick().await;
        assert!(timeout(ms(5), ticks.tick()).await.is_err());
        ticks.reset();
        ticks.reset_after(Duration::MAX);
    });
}

#[test]
fn a_sleep_can_be_moved_to_an_earlier_or_later_deadline() {
    on_two_workers(async {
        let start = Instant::now();
        let mut timer = pin!(sleep(Duration::from_secs(3600)));
        assert!(timeout(ms(5), timer.as_mut()).await.is_err());
        assert!(!timer.is_elapsed());

        timer.as_mut().reset(start + ms(20));
        assert_eq!(timer.deadline(), start + ms(20));
        timer.as_mut().await;
        assert!(start.elapsed() >= ms(20) && timer.is_elapsed());

        // After it has ended it can be used again.
        timer.as_mut().reset(start + ms(40));
        timer.as_mut().await;
        assert!(start.elapsed() >= ms(40));
    });
}

#[test]
fn resetting_wakes_the_task_that_waits_already() {
    on_two_workers(async {
        let mut timer = pin!(sleep(Duration::from_secs(3600)));
        let mut polls = 0;
        poll_fn(|cx| {
            polls += 1;
            let poll = timer.as_mut().poll(cx);
            if polls == 1 {
                // Pending, and armed with this task's waker: no second poll before the new end.
                timer.as_mut().reset(Instant::now() + ms(5));
            }
            poll
        })
        .await;
        assert!(polls >= 2);
    });
}

#[test]
fn a_timeout_lets_a_ready_future_win_whatever_the_deadline() {
    on_two_workers(async {
        assert_eq!(timeout(Duration::ZERO, async { 5 }).await, Ok(5));
        let long_ago = Instant::now() - ms(100);
        assert_eq!(timeout_at(long_ago, async { 5 }).await, Ok(5));
        let error = timeout(Duration::ZERO, pending::<()>())
            .await
            .expect_err("time is up");
        assert_eq!(error.to_string(), "deadline has elapsed");
        let error = std::io::Error::from(error);
        assert_eq!(error.kind(), std::io::ErrorKind::TimedOut);
    });
}

#[test]
fn a_timeout_gives_its_future_back() {
    on_two_workers(async {
        let mut limited = timeout(ms(10), std::future::ready(7));
        assert_eq!(limited.get_mut().clone().into_inner(), 7);
        assert_eq!(limited.into_inner().await, 7);
    });
}

#[test]
fn a_timeout_ends_a_future_that_always_uses_up_its_budget() {
    deadline(|| {
        multi(1).block_on(async {
            let flood = async {
                loop {
                    // Ready every time, so the budget is what stops it at each poll.
                    sleep(Duration::ZERO).await;
                }
            };
            let _: heist::time::error::Elapsed = timeout(ms(10), flood)
                .await
                .expect_err("the deadline is heard");
        });
    });
}

#[test]
fn timers_fire_while_the_only_worker_is_kept_busy_by_cooperative_tasks() {
    deadline(|| {
        multi(1).block_on(async {
            let busy = heist::spawn(async {
                loop {
                    heist::task::yield_now().await;
                }
            });
            heist::spawn(sleep(ms(5))).await.expect("fires");
            busy.abort();
        });
    });
}

#[test]
fn an_interval_ticks_at_once_and_then_every_period() {
    on_two_workers(async {
        let start = Instant::now();
        let mut ticks = interval_at(start, ms(10));
        assert_eq!(ticks.period(), ms(10));
        for n in 0..5 {
            assert_eq!(ticks.tick().await, start + ms(10) * n);
            assert!(start.elapsed() >= ms(10) * n);
        }
    });
}

#[test]
fn missed_ticks_are_made_up_delayed_or_skipped() {
    on_two_workers(async {
        for behavior in [
            MissedTickBehavior::Burst,
            MissedTickBehavior::Delay,
            MissedTickBehavior::Skip,
        ] {
            let start = Instant::now();
            let mut ticks = interval_at(start, ms(10));
            ticks.set_missed_tick_behavior(behavior);
            assert_eq!(ticks.missed_tick_behavior(), behavior);
            ticks.tick().await;
            sleep_until(start + ms(45)).await;
            assert_eq!(
                ticks.tick().await,
                start + ms(10),
                "the tick that was due first"
            );
            let taken = Instant::now();
            let next = ticks.tick().await - start;
            match behavior {
                MissedTickBehavior::Burst => assert_eq!(next, ms(20)),
                MissedTickBehavior::Delay => assert!(next >= ms(55)),
                MissedTickBehavior::Skip => {
                    assert!(
                        next.as_nanos() % ms(10).as_nanos() == 0,
                        "in step: {next:?}"
                    );
                    assert!(next >= ms(50) && next + ms(10) > taken - start - ms(10));
                }
            }
        }
    });
}

#[test]
fn a_dropped_tick_is_not_taken_and_resets_move_the_next_one() {
    on_two_workers(async {
        let start = Instant::now();
        let mut ticks = interval_at(start + ms(20), ms(10));
        assert!(timeout(Duration::ZERO, ticks.tick()).await.is_err());
        assert_eq!(ticks.tick().await, start + ms(20));

        ticks.reset_immediately();
        ticks.tick().await;
        let before = Instant::now();
        ticks.reset();
        assert!(ticks.tick().await >= before + ms(10));
        let before = Instant::now();
        ticks.reset_after(ms(3));
        assert!(ticks.tick().await >= before + ms(3));
        let at = Instant::now() + ms(7);
        ticks.reset_at(at);
        assert_eq!(ticks.tick().await, at);
    });
}

#[test]
fn a_hundred_thousand_timers_fire_and_none_is_early() {
    on_two_workers(async {
        let tasks: Vec<_> = (0..100_000u64)
            .map(|n| {
                heist::spawn(async move {
                    let end = Instant::now() + Duration::from_micros(n % 5000);
                    sleep_until(end).await;
                    Instant::now() >= end
                })
            })
            .collect();
        for task in tasks {
            assert!(task.await.expect("no panic"), "early");
        }
    });
}

#[test]
fn timeouts_around_reads_that_complete_leave_no_timer_behind() {
    on_two_workers(async {
        let (near, mut far) = heist::io::duplex(64);
        drop(near);
        for _ in 0..1000 {
            let mut byte = [0];
            let read = timeout(Duration::from_secs(3600), far.read(&mut byte));
            assert_eq!(read.await.expect("in time").expect("reads"), 0);
        }
        let mut never = pin!(timeout(Duration::from_secs(3600), pending::<()>()));
        poll_fn(|cx| {
            assert!(never.as_mut().poll(cx).is_pending());
            Poll::Ready(())
        })
        .await;
        let metrics = heist::runtime::Handle::current().metrics();
        assert_eq!(metrics.timers_armed(), 1);
    });
}

#[test]
fn timers_outside_a_runtime_panic_with_the_remedy() {
    let panic = std::panic::catch_unwind(|| drop(sleep(ms(1)))).expect_err("no runtime here");
    let message = panic.downcast_ref::<&str>().expect("a message");
    assert!(message.contains("Runtime::block_on"), "{message}");
    let panic = std::panic::catch_unwind(|| drop(interval(Duration::ZERO)));
    assert!(panic.is_err(), "a period of zero");
}

#[test]
fn instants_convert_and_never_overflow_silently() {
    let now = Instant::now();
    assert_eq!(Instant::from_std(now.into_std()), now);
    assert_eq!(std::time::Instant::from(now), now.into_std());
    assert_eq!(now.checked_add(Duration::MAX), None);
    assert_eq!((now + ms(5)).duration_since(now), ms(5));
    assert_eq!(now.duration_since(now + ms(5)), Duration::ZERO);
    assert_eq!(now.checked_duration_since(now + ms(5)), None);
    let mut moved = now;
    moved += ms(5);
    moved -= ms(5);
    assert_eq!(moved, now);
}
