//! One worker's parker, in and out of the driver.

use std::time::Duration;

use heist_loom::atomic::AtomicBool;
use heist_loom::atomic::Ordering::Relaxed;
use loom::sync::Arc;

use super::{model, thread};
use crate::driver::{self, Driver, Unpark};
use crate::parker::{DriverSlot, Parked, Parker};

struct Scene {
    parker: Parker,
    driver: DriverSlot,
    /// What the unpark is about. Relaxed: only the unpark publishes it.
    news: AtomicBool,
}

impl Scene {
    fn new(driver: impl Driver) -> Arc<Self> {
        Arc::new(Self {
            parker: Parker::new(),
            driver: DriverSlot::new(Box::new(driver)),
            news: AtomicBool::new(false),
        })
    }

    fn unpark(&self) {
        self.news.store(true, Relaxed);
        self.parker.unpark(&self.driver);
    }

    fn park_until_news(&self) {
        while !self.news.load(Relaxed) {
            self.parker.park(&self.driver);
        }
    }
}

/// A driver that comes back for no reason the first time, and leaves its token there.
#[derive(Debug)]
struct Restless {
    inner: driver::Idle,
    tired: bool,
}

impl Restless {
    fn new() -> Self {
        Self {
            inner: driver::Idle::default(),
            tired: false,
        }
    }
}

impl Driver for Restless {
    fn park(&mut self, timeout: Option<Duration>) {
        if timeout.is_some() || std::mem::replace(&mut self.tired, true) {
            self.inner.park(timeout);
        }
    }

    fn unparker(&self) -> std::sync::Arc<dyn Unpark> {
        self.inner.unparker()
    }
}

/// A park returns at once after an unpark, and sees what was done before it.
#[test]
fn unpark_before_park_returns_at_once() {
    model(|| {
        let scene = Scene::new(driver::Idle::default());
        let role = scene.driver.try_role();
        let other = {
            let scene = Arc::clone(&scene);
            thread(move || scene.unpark())
        };
        // Without the driver, only the token ends a park: one is enough.
        let parked = scene.parker.park(&scene.driver);
        assert_ne!(parked, Parked::InDriver);
        assert!(
            scene.news.load(Relaxed),
            "the park came back without the news"
        );
        other.join().expect("joins");
        drop(role);
    });
}

/// A worker in the driver is unparked, even if another one takes the driver's token away.
#[test]
fn unpark_reaches_a_worker_in_the_driver() {
    model(|| {
        let scene = Scene::new(Restless::new());
        let unparker = {
            let scene = Arc::clone(&scene);
            thread(move || scene.unpark())
        };
        let poller = {
            let scene = Arc::clone(&scene);
            // Another worker between two turns: it may take the driver's token away.
            thread(move || {
                if let Some(mut role) = scene.driver.try_role() {
                    let driver = role.as_mut().expect("`try_role` found a driver");
                    driver.park(Some(Duration::ZERO));
                }
            })
        };
        scene.park_until_news();
        unparker.join().expect("joins");
        poller.join().expect("joins");
    });
}

/// A worker on the condition variable, or about to wait there, is unparked.
#[test]
fn unpark_reaches_a_worker_on_the_condvar() {
    model(|| {
        let scene = Scene::new(driver::Idle::default());
        let role = scene.driver.try_role();
        let worker = {
            let scene = Arc::clone(&scene);
            thread(move || scene.park_until_news())
        };
        scene.unpark();
        worker.join().expect("joins");
        drop(role);
    });
}

/// Unparks that come together leave one token, and the next one reaches the next park.
#[test]
fn two_unparks_reach_a_worker_that_parks_twice() {
    model(|| {
        let scene = Scene::new(driver::Idle::default());
        let others = [0; 2].map(|_| {
            let scene = Arc::clone(&scene);
            thread(move || scene.parker.unpark(&scene.driver))
        });
        scene.parker.park(&scene.driver);
        for other in others {
            other.join().expect("joins");
        }
        scene.parker.unpark(&scene.driver);
        scene.parker.park(&scene.driver);
    });
}
