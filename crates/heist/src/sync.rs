//! Channels, locks and other ways for tasks to meet: tokio's, which need no runtime.
//!
//! These *are* the items of `tokio::sync` and `tokio_util::sync`, re-exported: a channel can have one
//! end in a tokio program and the other here. Outside a tokio runtime they take no part in a cooperative
//! budget; Heist's sockets, timers and join handles have their own, in which
//! [`task::coop::cooperative`](crate::task::coop::cooperative) lets a receive take part.
//!
//! So a loop over a channel that is never empty keeps its worker, and neither a
//! [`timeout`](crate::time::timeout) around it nor another branch of a `join!` gets a turn; those of a
//! [`select!`](crate::select) do.
//!
//! Nor do these items know that a thread belongs to a runtime: `blocking_recv`, `blocking_send`,
//! `blocking_lock` and their like, called in a task, block it instead of panicking. On a runtime of several
//! workers the others take over; on a `current_thread` one nothing goes on until another thread lets them go.
//! They are for [`task::spawn_blocking`](crate::task::spawn_blocking) and foreign threads.
//!
//! The one item left out of reach is `mpsc::Sender::send_timeout` (and its kin): it wants tokio's
//! timer. Use [`time::timeout`](crate::time::timeout) around `send`.

pub use tokio::sync::{
    AcquireError, Barrier, BarrierWaitResult, MappedMutexGuard, Mutex, MutexGuard, Notify,
    OnceCell, OwnedMappedMutexGuard, OwnedMutexGuard, OwnedRwLockMappedWriteGuard,
    OwnedRwLockReadGuard, OwnedRwLockWriteGuard, OwnedSemaphorePermit, RwLock,
    RwLockMappedWriteGuard, RwLockReadGuard, RwLockWriteGuard, Semaphore, SemaphorePermit,
    SetError, SetOnce, SetOnceError, TryAcquireError, TryLockError,
};
pub use tokio::sync::{broadcast, futures, mpsc, oneshot, watch};
pub use tokio_util::sync::{
    CancellationToken, DropGuard, DropGuardRef, PollSemaphore, PollSendError, PollSender,
    ReusableBoxFuture, WaitForCancellationFuture, WaitForCancellationFutureOwned,
};
