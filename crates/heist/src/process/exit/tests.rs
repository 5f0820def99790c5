//! Both bells ring for every end, also in another runtime.

use std::os::unix::process::ExitStatusExt as _;
use std::pin::{Pin, pin};
use std::process::{ChildStdin, Command, Stdio};
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::{Duration, Instant};

use super::*;
use crate::runtime::Runtime;
use crate::time::timeout;

/// Both kinds of bells.
const BELLS: [fn(&Child) -> io::Result<Bell>; 2] = [Bell::new, |_| Bell::signal()];

fn child(script: &str) -> Child {
    Command::new("sh")
        .args(["-c", script])
        .spawn()
        .expect("a shell")
}

fn watched(child: Child, bell: Bell) -> Exit {
    Exit::new(child, bell, Handle::current(), false)
}

fn run(test: impl Future<Output = ()>) {
    let runtime = Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let minute = Duration::from_secs(60);
        timeout(minute, test).await.expect("a hang");
    });
}

/// A child that ends with 7 once its input does, watched in `home`.
fn reader(home: &Runtime, bell: fn(&Child) -> io::Result<Bell>) -> (Exit, ChildStdin) {
    let _inside = home.enter();
    let mut child = Command::new("sh")
        .args(["-c", "read line; exit 7"])
        .stdin(Stdio::piped())
        .spawn()
        .expect("a shell");
    let stdin = child.stdin.take().expect("piped");
    let bell = bell(&child).expect("a bell");
    (watched(child, bell), stdin)
}

fn poll(wait: Pin<&mut impl Future<Output = io::Result<ExitStatus>>>) -> Poll<Option<i32>> {
    let mut cx = Context::from_waker(Waker::noop());
    wait.poll(&mut cx)
        .map(|status| status.expect("waits").code())
}

/// Shuts `runtime` down to the end, which only a thread that belongs to none waits for.
fn end(runtime: Runtime) {
    thread::spawn(|| drop(runtime)).join().expect("ends");
}

fn is_there(pid: u32) -> bool {
    std::fs::exists(format!("/proc/{pid}")).expect("procfs")
}

#[test]
fn the_signal_tells_of_every_end() {
    run(async {
        let mut exits: Vec<_> = (0..20)
            .map(|code| {
                let bell = Bell::signal().expect("listens");
                watched(child(&format!("exit {code}")), bell)
            })
            .collect();
        for (code, exit) in (0..).zip(&mut exits) {
            let status = exit.wait().await.expect("waits");
            assert_eq!(status.code(), Some(code));
            assert_eq!(exit.try_wait().expect("kept"), Some(status));
        }
    });
}

#[test]
fn the_best_bell_here_is_a_pidfd_and_tells_of_a_kill() {
    run(async {
        let child = child("exec sleep 1000");
        let bell = Bell::new(&child).expect("a bell");
        assert!(matches!(bell, Bell::Pidfd(_)), "{bell:?}");
        let mut exit = watched(child, bell);
        assert_eq!(exit.try_wait().expect("asks"), None);
        exit.kill().expect("kills");
        let status = exit.wait().await.expect("waits");
        assert_eq!(status.signal(), Some(9));
    });
}

#[test]
fn a_wait_that_is_dropped_loses_nothing() {
    run(async {
        for bell in BELLS {
            let child = child("exit 7");
            let bell = bell(&child).expect("a bell");
            let mut exit = watched(child, bell);
            for _ in 0..3 {
                let _ = timeout(Duration::ZERO, exit.wait()).await;
            }
            let status = exit.wait().await.expect("waits");
            assert_eq!(status.code(), Some(7));
        }
    });
}

#[test]
fn a_wait_goes_on_in_another_runtime_when_the_childs_own_has_ended() {
    for bell in BELLS {
        let first = Runtime::new().expect("a runtime");
        let (mut exit, stdin) = reader(&first, bell);
        end(first);
        run(async {
            assert_eq!(poll(pin!(exit.wait())), Poll::Pending);
            drop(stdin);
            let status = exit.wait().await.expect("waits");
            assert_eq!(status.code(), Some(7));
            let again = exit.wait().await.expect("kept");
            assert_eq!(again, status);
        });
    }
}

#[test]
fn a_wait_in_flight_outlives_the_childs_runtime() {
    for bell in BELLS {
        let first = Runtime::new().expect("a runtime");
        let (mut exit, stdin) = reader(&first, bell);
        run(async {
            let mut wait = pin!(exit.wait());
            assert_eq!(poll(wait.as_mut()), Poll::Pending);
            let waits = async {
                let status = wait.await.expect("waits");
                assert_eq!(status.code(), Some(7));
            };
            crate::join!(waits, async {
                end(first);
                drop(stdin);
            });
        });
    }
}

#[test]
fn without_any_runtime_a_wait_fails_until_the_child_has_ended() {
    for bell in BELLS {
        let home = Runtime::new().expect("a runtime");
        let (mut exit, stdin) = reader(&home, bell);
        end(home);
        let deadline = Instant::now() + Duration::from_secs(60);
        let mut cx = Context::from_waker(Waker::noop());
        let mut ask = |exit: &mut Exit| pin!(exit.wait()).poll(&mut cx);
        let Poll::Ready(Err(error)) = ask(&mut exit) else {
            panic!("nobody is there to wake it");
        };
        assert!(is_rt_shutdown_err(&error), "{error}");
        drop(stdin);
        let status = loop {
            assert!(Instant::now() < deadline, "a hang");
            match ask(&mut exit) {
                Poll::Ready(Ok(status)) => break status,
                Poll::Ready(Err(error)) => assert!(is_rt_shutdown_err(&error), "{error}"),
                Poll::Pending => panic!("nobody is there to wake it"),
            }
            thread::yield_now();
        };
        assert_eq!(status.code(), Some(7));
    }
}

#[test]
fn a_child_whose_runtime_has_ended_is_reaped_by_the_one_it_is_dropped_in() {
    for (bell, waited) in BELLS.into_iter().zip([false, true]) {
        let first = Runtime::new().expect("a runtime");
        let (mut exit, stdin) = reader(&first, bell);
        end(first);
        run(async {
            if waited {
                assert_eq!(poll(pin!(exit.wait())), Poll::Pending);
            }
            let pid = exit.id();
            drop(exit);
            drop(stdin);
            while is_there(pid) {
                crate::task::yield_now().await;
            }
        });
    }
}
