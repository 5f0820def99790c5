//! Which groups a task lives in, and how the outer ones wait for what the inner ones started.
//!
//! # Protocol
//! Each group has a [`Lineage`]: a token of the group around it, and that one's lineage. Each of its children,
//! and `run` itself, hold the lineage. So as long as one child is alive every group outside of it counts one
//! task, also when the `run` between has been dropped and waits for nobody.
//!
//! The group around is found by an inherited local, which holds its lineage weakly: a context may be kept by
//! tasks that are no children.

use std::sync::{Arc, Weak};

use crate::task::{TaskTracker, TaskTrackerToken};

crate::inherited_local! {
    /// The innermost group.
    pub(super) static GROUP: Ancestor
}

/// A group, as seen from inside.
#[derive(Clone, Debug)]
pub(super) struct Ancestor {
    pub(super) tracker: TaskTracker,
    pub(super) lineage: Weak<Lineage>,
}

/// Has the groups outside wait, for as long as it lives.
#[derive(Debug)]
pub(super) struct Lineage {
    // Dropped in this order: the nearest group first.
    _token: Option<TaskTrackerToken>,
    _outer: Option<Arc<Lineage>>,
}

impl Lineage {
    /// That of a group which begins here.
    pub(super) fn here() -> Arc<Self> {
        let around = GROUP.try_get().ok();
        // A group that is over waits for nobody.
        let outer = around.as_ref().and_then(|group| group.lineage.upgrade());
        let token = around.filter(|_| outer.is_some());
        Arc::new(Self {
            _token: token.map(|group| group.tracker.token()),
            _outer: outer,
        })
    }
}
