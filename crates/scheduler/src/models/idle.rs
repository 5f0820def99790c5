//! Who sleeps and whom a push wakes: the fences of `idle`, over a queue without a lock.

use std::collections::VecDeque;

use loom::sync::Arc;

use super::{model, thread};
use crate::driver;
use crate::idle::{Idle, Searching, Sleep};
use crate::injector::Injector;
use crate::parker::{DriverSlot, Parker};
use crate::sync::deque::{Steal, Stealer, Worker};

/// What workers share, reduced to what the protocol needs: one queue, and nobody in the driver,
/// whose own lock would order more than a futex does.
struct Scene {
    idle: Idle,
    parkers: [Parker; 2],
    driver: DriverSlot,
    queue: Stealer<u32>,
    injector: Injector<u32>,
}

impl Scene {
    fn new(workers: usize) -> (Arc<Self>, Worker<u32>) {
        let queue = Worker::new_fifo();
        let scene = Self {
            idle: Idle::new(workers),
            parkers: [Parker::new(), Parker::new()],
            driver: DriverSlot::new(Box::new(driver::Idle::default())),
            queue: queue.stealer(),
            injector: Injector::new(1),
        };
        let driver = scene.driver.take();
        assert!(driver.is_some());
        (Arc::new(scene), queue)
    }

    fn wake_one(&self) {
        if let Some(worker) = self.idle.claim() {
            self.parkers[worker].unpark(&self.driver);
        }
    }

    fn has_work(&self) -> bool {
        !self.injector.is_empty() || !self.queue.is_empty()
    }

    fn find(&self) -> Option<u32> {
        if let Some(item) = self.injector.pop_batch(0, 1, &mut VecDeque::new(), |_| {
            unreachable!("one at a time")
        }) {
            return Some(item);
        }
        loop {
            match self
                .queue
                .steal_batch_with_limit_and_pop(&Worker::new_fifo(), 1)
            {
                Steal::Success(item) => return Some(item),
                Steal::Empty => return None,
                Steal::Retry => {}
            }
        }
    }

    /// A worker's life until it finds one item, as in `Worker::step` and `Worker::sleep`.
    fn work_until_found(&self, worker: usize, mut searching: Option<Searching>) -> u32 {
        loop {
            if let Some(item) = self.find() {
                if searching.is_some_and(|searching| self.idle.stop_searching(searching))
                    && self.has_work()
                {
                    self.wake_one();
                }
                return item;
            }
            if searching.is_none() {
                searching = self.idle.start_searching();
            }
            let again = self.idle.sleep(worker, searching.take());
            if again == Sleep::LookAgain && self.has_work() {
                let claimed = self.idle.wake_self(worker);
                searching = Some(claimed.unwrap_or_else(|| self.idle.search_anyway()));
                continue;
            }
            self.park(worker);
            searching = self.idle.wake_self(worker);
        }
    }

    fn park(&self, worker: usize) {
        self.parkers[worker].park(&self.driver);
    }
}

/// A task pushed while the last searcher gives up is found by its last look, or a worker is woken.
#[test]
fn push_races_with_the_last_searcher() {
    model(|| {
        let (scene, queue) = Scene::new(2);
        let searching = scene.idle.search_anyway();
        let searcher = {
            let scene = Arc::clone(&scene);
            thread(move || scene.work_until_found(0, Some(searching)))
        };
        queue.push(1);
        scene.wake_one();
        assert_eq!(searcher.join().expect("joins"), 1);
    });
}

/// A task injected while the last searcher gives up is found by its last look, or a worker is woken.
#[test]
fn an_injected_task_races_with_the_last_searcher() {
    model(|| {
        let (scene, _queue) = Scene::new(2);
        let searching = scene.idle.search_anyway();
        let searcher = {
            let scene = Arc::clone(&scene);
            thread(move || scene.work_until_found(0, Some(searching)))
        };
        assert!(scene.injector.push(1, 0).is_ok());
        scene.wake_one();
        assert_eq!(searcher.join().expect("joins"), 1);
    });
}

/// A worker that sleeps without having searched still sees a push, or is woken for it.
#[test]
fn push_races_with_a_worker_that_sleeps_without_a_search() {
    model(|| {
        let (scene, queue) = Scene::new(1);
        let worker = {
            let scene = Arc::clone(&scene);
            thread(move || scene.work_until_found(0, None))
        };
        queue.push(1);
        scene.wake_one();
        assert_eq!(worker.join().expect("joins"), 1);
    });
}

/// The last searcher that finds work wakes a sleeper for what else was pushed meanwhile.
#[test]
fn searcher_that_finds_work_passes_the_search_on() {
    model(|| {
        let (scene, queue) = Scene::new(2);
        let asleep = scene.idle.sleep(1, None);
        assert_eq!(asleep, Sleep::LookAgain);
        let searching = scene.idle.search_anyway();
        queue.push(1);
        let searcher = {
            let scene = Arc::clone(&scene);
            // It keeps to what it found: the second item is for the sleeper.
            thread(move || scene.work_until_found(0, Some(searching)))
        };
        let sleeper = {
            let scene = Arc::clone(&scene);
            thread(move || {
                scene.park(1);
                let searching = scene.idle.wake_self(1);
                scene.work_until_found(1, searching)
            })
        };
        queue.push(2);
        scene.wake_one();
        let found = searcher.join().expect("joins") + sleeper.join().expect("joins");
        assert_eq!(found, 3);
    });
}

/// Two searchers that give up at once do not rely on each other: both tasks are found.
#[test]
fn two_searchers_that_give_up_leave_no_work_behind() {
    model(|| {
        let (scene, queue) = Scene::new(2);
        let searchers = [0, 1].map(|worker| {
            let scene = Arc::clone(&scene);
            let searching = scene.idle.search_anyway();
            thread(move || scene.work_until_found(worker, Some(searching)))
        });
        queue.push(1);
        scene.wake_one();
        queue.push(2);
        scene.wake_one();
        let found = searchers.map(|searcher| searcher.join().expect("joins"));
        assert_eq!(found.iter().sum::<u32>(), 3);
    });
}

/// Two pushes at once wake one worker for both, and the counts stay exact.
#[test]
fn two_pushes_at_once_claim_one_sleeper_each_at_most() {
    model(|| {
        let (scene, _queue) = Scene::new(2);
        let _park = (scene.idle.sleep(0, None), scene.idle.sleep(1, None));
        let pusher = {
            let scene = Arc::clone(&scene);
            thread(move || scene.idle.claim())
        };
        let here = scene.idle.claim();
        let there = pusher.join().expect("joins");
        // The claimed one searches for both.
        assert_eq!(here.xor(there), Some(1));
        assert_eq!(scene.idle.sleeping(), 1);
        let searching = scene.idle.wake_self(1).expect("it was claimed");
        assert!(scene.idle.stop_searching(searching), "the counts are exact");
    });
}

/// A worker that wakes by itself is claimed or not, and it and the claimer agree on that.
#[test]
fn a_claim_races_with_a_worker_that_wakes_by_itself() {
    model(|| {
        let (scene, _queue) = Scene::new(2);
        let _park = scene.idle.sleep(0, None);
        let pusher = {
            let scene = Arc::clone(&scene);
            thread(move || scene.idle.claim())
        };
        let searching = scene.idle.wake_self(0);
        let claimed = pusher.join().expect("joins");
        assert_eq!(searching.is_some(), claimed == Some(0));
        assert_eq!(scene.idle.sleeping(), 0);
        if let Some(searching) = searching {
            assert!(scene.idle.stop_searching(searching), "the counts are exact");
        }
    });
}
