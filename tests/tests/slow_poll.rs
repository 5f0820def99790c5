//! Reports of slow polls: who is told what, and when.

use std::sync::mpsc;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use heist::runtime::{Builder, Runtime, SlowPoll, Stall};
use heist_tests::deadline;

/// A runtime that keeps its reports.
fn reporting(threshold: Duration) -> (Runtime, Arc<Mutex<Vec<SlowPoll>>>) {
    let reports = Arc::new(Mutex::new(Vec::new()));
    let kept = reports.clone();
    let runtime = Builder::new_multi_thread()
        .worker_threads(2)
        .slow_poll_threshold(threshold)
        .on_slow_poll(move |poll| kept.lock().expect("no panic").push(poll.clone()))
        .build()
        .expect("builds");
    (runtime, reports)
}

#[test]
fn slow_polls_are_reported_with_name_and_place_when_found_and_when_over() {
    deadline(|| {
        let (runtime, reports) = reporting(Duration::from_millis(20));
        let waiting = |over: bool| {
            reports
                .lock()
                .expect("no panic")
                .iter()
                .any(|poll| poll.is_over == over)
        };
        let (release, done) = mpsc::channel::<()>();
        let first = line!();
        let task = heist::task::Builder::new()
            .name("sleepy")
            .spawn_on(
                async move {
                    let _ = done.recv();
                },
                runtime.handle(),
            )
            .expect("spawns");
        let last = line!();
        while !waiting(false) {
            std::thread::yield_now();
        }
        drop(release);
        while !waiting(true) {
            std::thread::yield_now();
        }
        assert!(runtime.block_on(task).is_ok());
        let reports = reports.lock().expect("no panic");
        for report in reports.iter() {
            let task = report.task.as_ref().expect("it is alive");
            assert_eq!(task.name.as_deref(), Some("sleepy"));
            assert_eq!(task.spawned_at.file(), file!());
            assert!((first..last).contains(&task.spawned_at.line()));
            assert!(report.duration >= Duration::from_millis(20));
        }
        #[cfg(target_os = "linux")]
        assert_eq!(reports[0].stall, Stall::Blocked);
        assert_eq!(runtime.metrics().slow_poll_count(), 1);
    });
}

#[test]
#[cfg(target_os = "linux")]
fn a_spinning_poll_is_reported_as_spinning() {
    deadline(|| {
        let (runtime, reports) = reporting(Duration::from_millis(20));
        let told = reports.clone();
        let spin = runtime.spawn(async move {
            while told.lock().expect("no panic").is_empty() {
                for _ in 0..10_000 {
                    std::hint::spin_loop();
                }
            }
        });
        runtime.block_on(spin).expect("ends");
        assert_eq!(reports.lock().expect("no panic")[0].stall, Stall::Spinning);
    });
}

#[test]
fn a_hook_that_panics_does_not_end_the_watch() {
    deadline(|| {
        let (told, heard) = mpsc::channel();
        let runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .slow_poll_threshold(Duration::from_millis(5))
            .on_slow_poll(move |_| {
                let _ = told.send(());
                panic!("a hook of the test panics");
            })
            .build()
            .expect("builds");
        let (release, done) = mpsc::channel::<()>();
        let task = runtime.spawn(async move {
            let _ = done.recv();
        });
        heard.recv().expect("found");
        drop(release);
        heard.recv().expect("over");
        runtime.block_on(task).expect("ends");
    });
}

#[test]
fn what_was_not_reported_when_found_is_not_reported_when_over() {
    deadline(|| {
        let (runtime, reports) = reporting(Duration::from_millis(1));
        runtime.block_on(async {
            while runtime.metrics().slow_poll_count() < 50 {
                let polls: Vec<_> = (0..4)
                    .map(|_| heist::spawn(async { std::thread::sleep(Duration::from_millis(8)) }))
                    .collect();
                for poll in polls {
                    poll.await.expect("ends");
                }
            }
        });
        drop(runtime);
        let reports = reports.lock().expect("no panic");
        let over = reports.iter().filter(|poll| poll.is_over).count();
        assert!(2 * over <= reports.len(), "{over} of {}", reports.len());
    });
}
