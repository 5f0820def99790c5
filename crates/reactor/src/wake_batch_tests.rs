//! Tests of waking in batches.

use std::sync::Mutex;
use std::task::{Wake, Waker};

use super::WakeBatch;
use crate::sync::Arc;

struct Note {
    name: u32,
    log: Arc<Mutex<Vec<u32>>>,
}

impl Wake for Note {
    fn wake(self: Arc<Self>) {
        self.log
            .lock()
            .expect("never held at a panic")
            .push(self.name);
        assert!(self.name % 3 != 0, "this waker is broken");
    }
}

#[test]
fn a_waker_that_panics_costs_no_other_its_wakeup() {
    let log = Arc::default();
    let mut batch = WakeBatch::new();
    for name in 0..10 {
        let log = Arc::clone(&log);
        batch.push(Waker::from(Arc::new(Note { name, log })));
    }
    batch.wake_all();
    let woken = log.lock().expect("never held at a panic").clone();
    assert_eq!(woken, (0..10).collect::<Vec<_>>());
}
