//! The right to abort a task, without the right to its output.

use std::fmt;

use super::{Id, TaskRef};

/// Aborts a task from anywhere; any number of them may exist for one task.
#[derive(Clone)]
pub struct AbortHandle(TaskRef);

impl AbortHandle {
    pub(super) fn new(task: TaskRef) -> Self {
        Self(task)
    }

    /// Asks the runtime to drop the task's future; see [`super::JoinHandle::abort`].
    pub fn abort(&self) {
        self.0.abort();
    }

    /// Whether the task has finished, by itself or by an abort that took effect.
    pub fn is_finished(&self) -> bool {
        self.0.is_done()
    }

    /// The task's id.
    pub fn id(&self) -> Id {
        self.0.meta().id
    }
}

impl fmt::Debug for AbortHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AbortHandle")
            .field("id", &self.id())
            .finish()
    }
}
