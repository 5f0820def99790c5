//! What a panic inside the driver does to the parker.
//!
//! Not a model: loom's lock, unlike the real one, is poisoned when a panic passes it.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::time::Duration;

use super::{DriverSlot, Parked, Parker};
use crate::driver::{Driver, Unpark};

/// A driver that delivers an event to a waker that panics, then one to a waker that does not.
#[derive(Debug, Default)]
struct Panicking {
    parked: u32,
}

impl Driver for Panicking {
    fn park(&mut self, _timeout: Option<Duration>) {
        self.parked += 1;
        if self.parked == 1 {
            resume_unwind(Box::new("a waker's panic"));
        }
    }

    fn unparker(&self) -> std::sync::Arc<dyn Unpark> {
        std::sync::Arc::new(Nobody)
    }
}

#[derive(Debug)]
struct Nobody;

impl Unpark for Nobody {
    fn unpark(&self) {}
}

fn after_a_panic() -> (Parker, DriverSlot) {
    let (parker, driver) = (
        Parker::new(),
        DriverSlot::new(Box::new(Panicking::default())),
    );
    let park = AssertUnwindSafe(|| parker.park(&driver));
    assert!(catch_unwind(park).is_err());
    (parker, driver)
}

#[test]
fn a_panic_in_the_driver_leaves_the_role_free_and_the_parker_usable() {
    let (parker, driver) = after_a_panic();
    assert_eq!(parker.park(&driver), Parked::InDriver);
}

#[test]
fn an_unpark_after_a_panic_in_the_driver_is_seen() {
    let (parker, driver) = after_a_panic();
    parker.unpark(&driver);
    assert_eq!(parker.park(&driver), Parked::AtOnce);
}
