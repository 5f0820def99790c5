//! A scheduler with four workers, what its tasks know of it, and the closing account.
//!
//! # What must hold at the end
//! Every future was dropped once, and so was every output; every handle that was awaited gave what
//! its task did; no task is alive, queued or leaked; no blocking thread is left; the workers ran at
//! least every poll that a task saw.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use shuttle::thread::JoinHandle as Thread;

use super::bells::Board;
use super::book::{Book, Child, Ended, Life, Output, Tracked};
use super::program::{Mix, chance, play};
use crate::clock::Clock;
use crate::config::{Config, ThreadKind};
use crate::crew::block_in_place;
use crate::handle::Handle;
use crate::watchdog::Watchdog;
use crate::worker::{Launch, Tick};

/// Workers of every scene.
pub(super) const WORKERS: usize = 4;
/// Spare workers at most.
const SPARE: usize = 2;
/// Threads of the blocking pool at most, fewer than there are jobs, and of tasks that block in place.
const BLOCKING: usize = 2;

/// The scheduler of a scene, and those who serve it.
pub(super) struct Stage {
    world: World,
    threads: Vec<Thread<()>>,
    servants: Vec<Thread<()>>,
}

impl Stage {
    /// A scheduler whose tasks do as `mix` says, at most `tasks` of them; with a watchdog or without, as
    /// one is to help only where workers are stuck.
    pub(super) fn new(mix: Mix, tasks: usize) -> Self {
        let mut stage = Self::unwatched(mix, tasks);
        if chance(1, 2) {
            stage.watch();
        }
        stage
    }

    /// Adds a watchdog.
    pub(super) fn watch(&mut self) {
        let watchdog = Watchdog::new(self.handle());
        self.threads
            .push(thread("watchdog", move || watchdog.run(|_| {})));
    }

    /// As [`Stage::new`], without a watchdog.
    pub(super) fn unwatched(mix: Mix, tasks: usize) -> Self {
        let board = Board::default();
        let spawn_thread = Arc::new(|kind, body| {
            let name = match kind {
                ThreadKind::Blocking => "blocking",
                ThreadKind::Worker => "crew",
            };
            drop(thread(name, body));
            Ok(())
        });
        let config = Config {
            clock: Arc::new(SceneClock::new()),
            max_blocking_threads: BLOCKING,
            max_spare_workers: SPARE,
            ..Config::new(WORKERS, spawn_thread)
        };
        let (handle, launches) = Handle::new(config, board.driver());
        let servants = (0..2).map(|_| {
            let board = board.clone();
            thread("servant", move || board.serve())
        });
        Self {
            servants: servants.collect(),
            threads: launches.into_iter().map(start).collect(),
            world: World {
                handle,
                board,
                mix,
                book: Arc::new(Book::new(tasks)),
                life: Arc::default(),
            },
        }
    }

    /// What the scene's own threads hold.
    pub(super) fn world(&self) -> World {
        self.world.clone()
    }

    pub(super) fn handle(&self) -> &Handle {
        &self.world.handle
    }

    /// Begins the shutdown; every task may end as cancelled from here on.
    pub(super) fn shut_down(&self) {
        self.world.book.shut_down();
        self.world.handle.shut_down();
    }

    /// Ends the scene and holds it to account. The scene's threads are over.
    pub(super) fn close(self) {
        self.shut_down();
        assert!(self.handle().wait_stopped(None));
        for thread in self.threads {
            thread
                .join()
                .expect("a worker's panic is a panic of the scene");
        }
        self.world.board.close();
        for servant in self.servants {
            servant
                .join()
                .expect("a servant's panic is a panic of the scene");
        }
        let World { handle, book, .. } = self.world;
        book.close();
        assert_eq!(handle.live_tasks(), 0);
        assert_eq!(handle.injector_depth(), 0);
        let pools = [&handle.shared.blocking, &handle.shared.crew];
        for pool in pools.map(|pool| pool.metrics()) {
            let left = (pool.threads, pool.idle_threads, pool.queue_depth);
            assert_eq!(left, (0, 0, 0), "threads, idle ones, jobs");
        }
        let workers = 0..WORKERS + SPARE;
        let metrics: Vec<_> = workers.map(|n| handle.worker_metrics(n)).collect();
        let polls: u64 = metrics.iter().map(|worker| worker.polls).sum();
        assert!(polls >= book.polls());
        assert!(metrics.iter().all(|worker| worker.queue_depth == 0));
        assert!(
            metrics
                .iter()
                .all(|worker| worker.driver_parks <= worker.parks)
        );
        // Each task's cell holds a reference too.
        let references = Arc::strong_count(&handle.shared);
        assert_eq!(references, 1, "a task's memory is leaked");
    }
}

/// A thread of the scene; a deadlock is reported with the names of those who are in it.
pub(super) fn thread(name: &str, body: impl FnOnce() + Send + 'static) -> Thread<()> {
    let builder = shuttle::thread::Builder::new().name(name.to_owned());
    builder.spawn(body).expect("shuttle always has a thread")
}

/// Half of the workers run by themselves, half are stepped.
fn start(launch: Launch) -> Thread<()> {
    thread("worker", move || {
        if launch.index() % 2 == 0 {
            return launch.start().run();
        }
        let mut worker = launch.start();
        loop {
            match worker.tick() {
                Tick::Ran => {}
                Tick::Idle => worker.park(),
                Tick::Stop => return,
            }
        }
    })
}

/// Stands still but for what each look takes: most often a moment, sometimes longer than any pause
/// or stay in the scheduler.
#[derive(Debug)]
struct SceneClock {
    origin: Instant,
    micros: AtomicU64,
}

impl SceneClock {
    fn new() -> Self {
        Self {
            origin: Instant::now(),
            micros: AtomicU64::new(0),
        }
    }
}

impl Clock for SceneClock {
    fn now(&self) -> Instant {
        let took = if chance(1, 8) { 700_000 } else { 10 };
        let before = self.micros.fetch_add(took, Ordering::Relaxed);
        self.origin + Duration::from_micros(before + took)
    }
}

/// What a task knows: the scheduler it is on, who wakes it, what it does, and its own record.
#[derive(Clone)]
pub(super) struct World {
    pub(super) handle: Handle,
    pub(super) board: Board,
    pub(super) mix: Mix,
    pub(super) life: Arc<Life>,
    book: Arc<Book>,
}

impl World {
    /// Spawns a task of up to `steps` steps, if the scene may have one more.
    pub(super) fn spawn(&self, steps: usize) -> Option<Child> {
        let world = self.newborn()?;
        let (book, life) = (world.book.clone(), world.life.clone());
        let ended = Ended::new(&book, &life);
        let future = Tracked::new(play(world, steps), ended);
        let name = chance(1, 4).then_some("a name");
        Some(Child::new(self.handle.spawn(future, name), book, life))
    }

    /// Spawns a blocking job, which spawns a task of its own at times.
    pub(super) fn block(&self) -> Option<Child> {
        let world = self.newborn()?;
        let (book, life) = (world.book.clone(), world.life.clone());
        let ended = Ended::new(&book, &life);
        let job = move || {
            let _ended = ended;
            if chance(1, 3) {
                drop(world.spawn(2));
            }
            world.output()
        };
        let handle = self.handle.spawn_blocking(job, None);
        Some(Child::new(handle, book, life))
    }

    /// Calls `f`, which blocks, in place; does not if as many block already as there are threads for.
    pub(super) fn in_place(&self, f: impl FnOnce()) {
        if let Some(_place) = self.book.take_place(BLOCKING) {
            block_in_place(f);
        }
    }

    fn newborn(&self) -> Option<World> {
        self.book.note_birth().then(|| World {
            life: Arc::default(),
            ..self.clone()
        })
    }

    /// The output of the task whose world this is.
    pub(super) fn output(&self) -> Output {
        Output::new(&self.book, &self.life)
    }
}
