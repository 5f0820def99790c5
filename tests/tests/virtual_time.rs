//! Ninety days of a server's timers, on a stopped clock and four workers.

use heist::runtime::Builder;
use heist::sync::mpsc;
use heist::time::{Duration, Instant, interval, sleep, sleep_until, timeout};
use heist_tests::deadline;

const DAY: Duration = Duration::from_secs(86_400);
const RUN: Duration = Duration::from_secs(90 * 86_400);

/// Timers from 1 ms to two years, of which those due within 90 days fire: each exactly when it should,
/// all in order. A wheel that loses far timers, or a clock that goes past one, is caught.
#[test]
fn ninety_days_take_less_than_ten_seconds() {
    deadline(|| {
        let mut builder = Builder::new_multi_thread();
        let builder = builder.worker_threads(4).start_paused(true);
        let runtime = builder.build().expect("a runtime");
        let real = std::time::Instant::now();
        let firings = runtime.block_on(runtime.spawn(ninety_days()));
        let firings = firings.expect("each fires when it should");
        let took = real.elapsed();
        println!("{firings} firings in {took:?}");
        assert!(firings > 100_000);
        assert!(took < Duration::from_secs(10), "took {took:?}");
    });
}

async fn ninety_days() -> u64 {
    let start = Instant::now();
    let (send, mut fired) = mpsc::unbounded_channel::<Instant>();
    // Lengths from a millisecond to two years, each a little longer than the one before.
    let mut length = Duration::from_millis(1);
    while length <= 730 * DAY {
        let (send, due) = (send.clone(), start + length);
        let _task = heist::spawn(async move {
            sleep_until(due).await;
            assert_eq!(Instant::now(), due);
            let _ = send.send(due);
        });
        length = length * 1_001 / 1_000 + Duration::from_nanos(7);
    }
    // Clocks that tick, as servers have them: every second to every day.
    for (n, period) in [90, 600, 3_600, 86_400_u64].into_iter().enumerate() {
        let send = send.clone();
        let _task = heist::spawn(async move {
            let offset = Duration::from_nanos(n as u64 + 1);
            sleep(offset).await;
            let mut ticks = interval(Duration::from_secs(period));
            while ticks.tick().await.duration_since(start) < RUN {
                let _ = send.send(Instant::now());
            }
        });
    }
    // Requests with timeouts, of which one in two comes true.
    let _task = heist::spawn(async move {
        while start.elapsed() < RUN {
            let answer = timeout(Duration::from_secs(30), sleep(Duration::from_secs(29))).await;
            assert!(answer.is_ok());
            let late = timeout(Duration::from_secs(30), sleep(Duration::from_secs(3_600))).await;
            assert!(late.is_err());
            let _ = send.send(Instant::now());
            sleep(Duration::from_secs(900)).await;
        }
    });
    let end = sleep_until(start + RUN);
    heist::pin!(end);
    let (mut count, mut last) = (0, start);
    loop {
        heist::select! {
            biased;
            Some(at) = fired.recv() => {
                assert!(at >= last, "fired out of order: {:?} after {:?}", at - start, last - start);
                assert!(at - start <= RUN, "fired late");
                (count, last) = (count + 1, at);
            }
            () = &mut end => break count,
        }
    }
}
