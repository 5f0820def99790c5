//! Signals through the public API. Each test has a signal of its own: they reach all of a process.

use std::time::Duration;

use heist::signal::unix::{SignalKind, signal};
use heist::time::timeout;
use heist_tests::{deadline, multi};
use rustix::process::{Signal, getpid, kill_process};

fn raise(signal: Signal) {
    kill_process(getpid(), signal).expect("a signal to ourselves");
}

#[test]
fn a_listener_hears_each_signal_and_keeps_the_one_it_is_not_waiting_for() {
    deadline(|| {
        multi(2).block_on(async {
            let mut usr1 = signal(SignalKind::user_defined1()).expect("listens");
            for _ in 0..100 {
                raise(Signal::USR1);
                assert_eq!(usr1.recv().await, Some(()));
            }
            // Several before the wait are one; a wait given up takes none.
            raise(Signal::USR1);
            raise(Signal::USR1);
            while timeout(Duration::ZERO, usr1.recv()).await.is_err() {}
            raise(Signal::USR1);
            usr1.recv().await.expect("not lost");
        });
    });
}

#[test]
fn every_listener_of_every_runtime_hears_the_signal() {
    deadline(|| {
        let (first, second) = (multi(1), multi(1));
        let listen = || signal(SignalKind::user_defined2()).expect("listens");
        let mut listeners = Vec::new();
        for runtime in [&first, &second] {
            let _entered = runtime.enter();
            listeners.extend([listen(), listen()]);
        }
        raise(Signal::USR2);
        for mut listener in listeners.drain(1..) {
            first.block_on(listener.recv()).expect("heard");
        }
        // The end of one runtime leaves the other's listeners alone.
        drop(second);
        raise(Signal::USR2);
        first.block_on(listeners[0].recv()).expect("heard");
    });
}

#[test]
fn dropped_listeners_give_their_descriptors_back_and_keep_the_process_alive() {
    deadline(|| {
        multi(1).block_on(async {
            let registered = || {
                heist::runtime::Handle::current()
                    .metrics()
                    .io_driver_fd_registered_count()
            };
            let before = registered();
            for _ in 0..100 {
                drop(signal(SignalKind::hangup()).expect("listens"));
            }
            assert_eq!(registered(), before);
            // Nobody listens, yet the default action, the end of the process, is gone for good.
            raise(Signal::HUP);
        });
    });
}

#[test]
fn ctrl_c_waits_for_an_interrupt() {
    deadline(|| {
        multi(2).block_on(async {
            // The handler must be there before the signal, or the signal ends the process.
            let _keep = signal(SignalKind::interrupt()).expect("listens");
            let waiting = heist::spawn(heist::signal::ctrl_c());
            while !waiting.is_finished() {
                raise(Signal::INT);
                heist::task::yield_now().await;
            }
            waiting.await.expect("no panic").expect("no error");
        });
    });
}

#[test]
fn a_listener_outlives_its_runtime_as_none() {
    deadline(|| {
        let (first, second) = (multi(1), multi(1));
        let mut listener = first.block_on(async { signal(SignalKind::alarm()).expect("listens") });
        drop(first);
        assert_eq!(second.block_on(listener.recv()), None);
    });
}

#[test]
fn signals_that_cannot_be_handled_are_refused() {
    deadline(|| {
        multi(1).block_on(async {
            // SIGKILL, SIGSEGV, SIGSTOP, and no signals at all.
            for number in [9, 11, 19, 0, -1, 1000] {
                let result = signal(SignalKind::from_raw(number));
                assert!(result.is_err(), "{number}");
            }
        });
    });
    assert_eq!(SignalKind::from(2), SignalKind::interrupt());
    assert_eq!(i32::from(SignalKind::terminate()), 15);
}
