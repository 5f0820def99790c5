//! Makes a scheduler out of its parts: queues, pool, driver, and one [`Launch`] per worker.

use crate::blocking::{BlockingConfig, Pool};
use crate::config::Config;
use crate::driver::Driver;
use crate::handle::Handle;
use crate::parker::DriverSlot;
use crate::shared::Shared;
use crate::sync::Arc;
use crate::worker::Launch;

impl Handle {
    /// Makes a scheduler; each returned [`Launch`] is to be started on a thread of its own.
    ///
    /// # Panics
    /// If `config.workers` or `config.max_blocking_threads` is 0.
    pub fn new(config: Config, driver: Box<dyn Driver>) -> (Handle, Vec<Launch>) {
        assert!(config.workers > 0, "a scheduler needs at least one worker");
        assert!(
            config.max_blocking_threads > 0,
            "the blocking pool needs at least one thread"
        );
        let seed = config.seed;
        let pool = std::sync::Arc::new(Pool::new(BlockingConfig {
            max_threads: config.max_blocking_threads,
            keep_alive: config.blocking_keep_alive,
            spawn_thread: config.spawn_thread.clone(),
            clock: config.clock.clone(),
        }));
        let (shared, queues) = Shared::new(config, DriverSlot::new(driver), pool);
        let shared = Arc::new(shared);
        let launches = queues.into_iter().enumerate();
        let launches = launches
            .map(|(index, queue)| Launch::new(shared.clone(), index, queue, seed))
            .collect();
        (Handle { shared }, launches)
    }
}
