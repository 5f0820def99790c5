//! The work-stealing scheduler of Heist: tasks, queues, stealing, idling, the blocking pool.
//!
//! It knows no I/O. What an idle worker blocks on comes in through [`driver::Driver`], the time
//! through [`clock::Clock`], threads through [`Config::spawn_thread`] and randomness through
//! [`Config::seed`]; so the same scheduler runs on N threads in production and, one
//! [`Worker::tick`] at a time, on one thread in a simulator.
//!
//! The modules stand in layer order, lowest first: a module uses only those above it.
//! All unsafe code of the scheduler lives under `task`.

#![deny(unsafe_code)]

pub(crate) mod sync;

pub mod budget;
pub mod clock;
pub mod driver;

#[expect(
    unsafe_code,
    reason = "task cells, and a thread's post, are reached by raw pointer; `task` and `post` say why they may be"
)]
mod task;

mod metrics;
mod report;

mod idle;
mod injector;
mod parker;
mod nap;
mod vitals;
mod roots;

mod config;

mod blocking;
mod shared;

mod context;
mod handle;
mod stillness;
mod worker;

mod entered;

mod crew;
mod watchdog;

mod build;

mod block_on;

#[cfg(all(test, heist_loom))]
mod models;

#[cfg(all(test, heist_shuttle))]
mod stress;

pub use block_on::block_on;
pub use config::{Config, SpawnThread, ThreadBody, ThreadHook, ThreadKind, ThreadTest};
pub use context::{is_worker, worker_index};
pub use crew::block_in_place;
pub use handle::{EnterGuard, Handle, spawn};
pub use metrics::{BUCKETS, BlockingMetrics, WatchdogMetrics, WorkerMetrics};
pub use report::{Reporting, SlowPoll, SlowPollHook, Stall, TaskInfo, ThreadProbe, ThreadTime};
pub use task::{AbortHandle, Id, JoinError, JoinHandle, LocalTasks};
pub use watchdog::{Look, Watchdog};
pub use worker::{Launch, Tick, Worker};
