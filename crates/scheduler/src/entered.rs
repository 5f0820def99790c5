//! Whether this thread is in `block_on`, which it may not enter twice.

use std::cell::Cell;

use crate::context;
use crate::sync::const_thread_local;

const_thread_local! {
    static IN_BLOCK_ON: Cell<bool> = Cell::new(false);
}

/// Evidence that this thread is in its only `block_on`.
pub(crate) struct Entered(());

impl Entered {
    #[track_caller]
    pub(crate) fn new() -> Self {
        assert!(
            !context::is_worker(),
            "`block_on` called on a worker thread of a runtime: it would stop the tasks of that \
             worker; use `.await`, or call it inside `spawn_blocking`"
        );
        assert!(
            !IN_BLOCK_ON.with(|inside| inside.replace(true)),
            "`block_on` called inside `block_on`: use `.await`, or call it inside `spawn_blocking`"
        );
        Self(())
    }
}

impl Drop for Entered {
    fn drop(&mut self) {
        IN_BLOCK_ON.with(|inside| inside.set(false));
    }
}

/// Runs `f`, in which `block_on` may be called also if this thread is in one, polling its root.
pub(crate) fn apart<R>(f: impl FnOnce() -> R) -> R {
    let _inside = Inside(IN_BLOCK_ON.with(|inside| inside.replace(false)));
    f()
}

/// Restores whether this thread is in `block_on`.
struct Inside(bool);

impl Drop for Inside {
    fn drop(&mut self) {
        IN_BLOCK_ON.with(|inside| inside.set(self.0));
    }
}
