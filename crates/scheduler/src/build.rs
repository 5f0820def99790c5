//! Makes a scheduler out of its parts: queues, pool, driver, and one [`Launch`] per worker.

use std::time::Duration;

use crate::blocking::{BlockingConfig, Pool};
use crate::config::{Config, ThreadKind};
use crate::driver::Driver;
use crate::handle::Handle;
use crate::parker::DriverSlot;
use crate::shared::Shared;
use crate::sync::Arc;
use crate::worker::Launch;

/// How long a thread of the crew waits for its next service: a moment, since many services end
/// soon, and no longer, since the runtime is to go back to the threads that it began with.
const CREW_KEEP_ALIVE: Duration = Duration::from_secs(1);

impl Handle {
    /// Makes a scheduler; each returned [`Launch`] is to be started on a thread of its own. With
    /// [`Config::seat`] there is none.
    ///
    /// # Panics
    /// If `config.workers` or `config.max_blocking_threads` is 0, or `config.seat` is set for more than
    /// one worker.
    #[track_caller]
    pub fn new(config: Config, driver: Box<dyn Driver>) -> (Handle, Vec<Launch>) {
        assert!(config.workers > 0, "a scheduler needs at least one worker");
        assert!(
            config.max_blocking_threads > 0,
            "the blocking pool needs at least one thread"
        );
        assert!(
            !config.seat || (config.workers, config.max_spare_workers) == (1, 0),
            "a scheduler without threads has one worker"
        );
        let pool = |kind, max_threads, keep_alive, went_idle| {
            std::sync::Arc::new(Pool::new(BlockingConfig {
                kind,
                max_threads,
                keep_alive,
                spawn_thread: config.spawn_thread.clone(),
                clock: config.clock.clone(),
                went_idle,
            }))
        };
        let blocking = pool(
            ThreadKind::Blocking,
            config.max_blocking_threads,
            config.blocking_keep_alive,
            Some(driver.unparker()),
        );
        // A task that calls `block_in_place` keeps its thread, and wants another one in its stead; that
        // one goes on serving, so that in the end all workers may be served by the crew.
        let crew_threads = config
            .workers
            .saturating_add(config.max_spare_workers)
            .saturating_add(config.max_blocking_threads);
        let crew = pool(ThreadKind::Worker, crew_threads, CREW_KEEP_ALIVE, None);
        let (shared, queues) = Shared::new(config, DriverSlot::new(driver), blocking, crew);
        let shared = Arc::new(shared);
        let launches = queues.into_iter().enumerate();
        let launches = launches
            .map(|(index, queue)| Launch::new(shared.clone(), index, queue))
            .collect();
        (Handle { shared }, launches)
    }
}
