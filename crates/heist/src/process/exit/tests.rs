//! Both bells ring for every end.

use std::os::unix::process::ExitStatusExt as _;
use std::process::Command;
use std::time::Duration;

use super::*;
use crate::runtime::Runtime;
use crate::time::timeout;

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
        for bell in [Bell::new, |_: &Child| Bell::signal()] {
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
