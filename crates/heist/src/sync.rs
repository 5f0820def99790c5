//! Channels, locks and other ways for tasks to meet: tokio's, which need no runtime.
//!
//! These *are* the items of `tokio::sync` and `tokio_util::sync`, re-exported: a channel can have one
//! end in a tokio program and the other here. Outside a tokio runtime they take no part in a cooperative
//! budget; Heist's sockets, timers and join handles have their own, in which
//! [`task::coop::cooperative`](crate::task::coop::cooperative) lets a receive take part.
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
