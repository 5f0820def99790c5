//! The clock that can be stopped, on one thread and on many.

use heist::io::{AsyncReadExt, AsyncWriteExt};
use heist::net::{TcpListener, TcpStream};
use heist::runtime::{Builder, Runtime};
use heist::sync::{Mutex, mpsc};
use heist::task::{JoinSet, spawn_blocking};
use heist::time::{self, Duration, Instant, interval, sleep, sleep_until, timeout};
use heist_tests::deadline;
use std::sync::Arc;

const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(86_400);

/// Runs `test` on a paused clock: on one thread, on one worker, and on four.
fn paused<F: Future<Output = ()> + Send + 'static>(test: impl Fn() -> F + Send + 'static) {
    deadline(move || {
        for runtime in [current_thread(), workers(1), workers(4)] {
            runtime.block_on(test());
        }
    });
}

fn current_thread() -> Runtime {
    let mut builder = Builder::new_current_thread();
    builder.start_paused(true).build().expect("a runtime")
}

fn workers(count: usize) -> Runtime {
    let mut builder = Builder::new_multi_thread();
    let builder = builder.worker_threads(count).start_paused(true);
    builder.build().expect("a runtime")
}

#[test]
fn a_sleep_ends_at_once_and_exactly_at_its_deadline() {
    paused(|| async {
        for nanos in [1, 999, 1_000_000, 86_400_000_000_000] {
            let start = Instant::now();
            sleep(Duration::from_nanos(nanos)).await;
            assert_eq!(start.elapsed(), Duration::from_nanos(nanos));
        }
    });
}

#[test]
fn time_stands_still_while_anybody_computes() {
    paused(|| async {
        let start = Instant::now();
        let sleeper = heist::spawn(sleep(HOUR));
        let worker = heist::spawn(async {
            for _ in 0..2_000 {
                heist::task::yield_now().await;
            }
            Instant::now()
        });
        assert_eq!(worker.await.expect("no panic"), start);
        sleeper.await.expect("no panic");
        assert_eq!(start.elapsed(), HOUR);
    });
}

#[test]
fn time_waits_for_a_blocking_job() {
    paused(|| async {
        let start = Instant::now();
        let sleeper = heist::spawn(sleep(HOUR));
        let (send, receive) = std::sync::mpsc::channel::<()>();
        let job = spawn_blocking(move || {
            receive.recv().expect("sent");
            Instant::now()
        });
        let sender = std::thread::spawn(move || {
            // Long enough for a clock that does not wait to be seen; it cannot fail the other way.
            std::thread::sleep(Duration::from_millis(20));
            send.send(()).expect("waited for");
        });
        assert_eq!(job.await.expect("no panic"), start);
        sender.join().expect("no panic");
        sleeper.await.expect("no panic");
    });
}

#[test]
fn sleepers_wake_in_the_order_of_their_deadlines() {
    paused(|| async {
        let order = Arc::new(Mutex::new(Vec::new()));
        let mut set = JoinSet::new();
        let start = Instant::now();
        for hours in [5, 1, 4, 2, 3_u32] {
            let order = order.clone();
            set.spawn(async move {
                sleep(HOUR * hours).await;
                assert_eq!(start.elapsed(), HOUR * hours);
                order.lock().await.push(hours);
            });
        }
        set.join_all().await;
        assert_eq!(*order.lock().await, [1, 2, 3, 4, 5]);
    });
}

#[test]
fn a_chain_of_tasks_costs_no_time_between_two_sleeps() {
    paused(|| async {
        let start = Instant::now();
        let (send, mut receive) = mpsc::channel(1);
        let _task = heist::spawn(async move {
            for n in 1..=100_u32 {
                sleep(HOUR).await;
                send.send((n, Instant::now())).await.expect("received");
            }
        });
        while let Some((n, at)) = receive.recv().await {
            assert_eq!(at - start, HOUR * n);
            assert_eq!(at, Instant::now());
        }
    });
}

#[test]
fn a_timeout_and_an_interval_follow_the_clock() {
    paused(|| async {
        let start = Instant::now();
        assert!(timeout(HOUR, std::future::pending::<()>()).await.is_err());
        assert_eq!(start.elapsed(), HOUR);
        assert!(timeout(HOUR, sleep(HOUR / 2)).await.is_ok());
        let mut ticks = interval(DAY);
        for n in 0..10 {
            assert_eq!(ticks.tick().await - start, HOUR * 3 / 2 + DAY * n);
        }
    });
}

#[test]
fn advance_fires_what_is_due_and_nothing_else() {
    paused(|| async {
        let start = Instant::now();
        let (send, mut receive) = mpsc::unbounded_channel();
        for minutes in [10, 59, 60, 61_u32] {
            let send = send.clone();
            let _task = heist::spawn(async move {
                sleep_until(start + Duration::from_secs(60) * minutes).await;
                send.send(minutes).expect("received");
            });
        }
        // The tasks are to be in their sleeps; the channel is empty, so the runtime is idle, but the
        // clock must not move on by itself: nobody but this task may wait.
        for _ in 0..1_000 {
            heist::task::yield_now().await;
        }
        time::advance(HOUR).await;
        assert_eq!(start.elapsed(), HOUR);
        let mut fired = Vec::new();
        for _ in 0..3 {
            fired.push(receive.recv().await.expect("sent"));
        }
        fired.sort_unstable();
        assert_eq!(fired, [10, 59, 60]);
        assert_eq!(
            start.elapsed(),
            HOUR,
            "the three are awaited without a timer"
        );
        assert_eq!(receive.recv().await, Some(61));
        assert_eq!(start.elapsed(), HOUR + Duration::from_secs(60));
    });
}

#[test]
fn a_clock_that_was_stopped_runs_on_from_where_it_stood() {
    deadline(|| {
        let runtime = heist_tests::multi(2);
        runtime.block_on(async {
            let real = std::time::Instant::now();
            let start = Instant::now();
            time::pause();
            sleep(HOUR).await;
            time::resume();
            let after = Instant::now();
            assert!(after - start >= HOUR);
            // Armed before the clock ran again, fires after: in real time.
            sleep(Duration::from_millis(5)).await;
            assert!(after.elapsed() >= Duration::from_millis(5));
            time::pause();
            let far = heist::spawn(sleep(2 * HOUR));
            let near = heist::spawn(sleep_until(
                Instant::now() + HOUR + Duration::from_millis(5),
            ));
            time::advance(HOUR).await;
            time::resume();
            near.await
                .expect("an alarm that was set for the stopped clock is set anew");
            far.abort();
            assert!(real.elapsed() < HOUR);
        });
    });
}

#[test]
#[should_panic(expected = "stands still already")]
fn pausing_twice_is_an_error() {
    workers(1).block_on(async { time::pause() });
}

#[test]
#[should_panic(expected = "the clock runs")]
fn advancing_a_clock_that_runs_is_an_error() {
    heist_tests::multi(1).block_on(time::advance(HOUR));
}

#[test]
fn sockets_work_while_the_clock_stands() {
    paused(|| async {
        let start = Instant::now();
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("binds");
        let addr = listener.local_addr().expect("bound");
        let echo = heist::spawn(async move {
            let (mut stream, _) = listener.accept().await?;
            let mut byte = [0];
            while stream.read(&mut byte).await? > 0 {
                stream.write_all(&byte).await?;
            }
            std::io::Result::Ok(())
        });
        let mut stream = TcpStream::connect(addr).await.expect("connects");
        for n in 0..100 {
            stream.write_all(&[n]).await.expect("writes");
            assert_eq!(stream.read_u8().await.expect("reads"), n);
        }
        drop(stream);
        echo.await.expect("no panic").expect("no error");
        assert_eq!(
            start.elapsed(),
            Duration::ZERO,
            "no timer waits, so the clock stands"
        );
    });
}

#[test]
fn two_runtimes_have_two_clocks() {
    deadline(|| {
        let (one, two) = (workers(2), current_thread());
        let begin = |runtime: &Runtime| runtime.block_on(async { Instant::now() });
        let (from_one, from_two) = (begin(&one), begin(&two));
        one.block_on(async { sleep(DAY).await });
        assert_eq!(one.block_on(async { Instant::now() }), from_one + DAY);
        assert_eq!(two.block_on(async { Instant::now() }), from_two);
    });
}
