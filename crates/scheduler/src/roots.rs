//! The threads in `block_on`: how many have something to do, and whom to wake for news.
//!
//! A *root* is the future that such a thread polls itself. It is *busy* from the wake that it will be
//! polled for to the end of that poll: so a root that was woken counts before its thread runs, and
//! whoever sees no busy root and no busy worker sees a scheduler that stands still.
//!
//! # Invariants
//! - Roots are woken under no lock.
//! - A failure (a task's panic, where [`crate::Config::stop_on_panic`] asks for that) is told to every
//!   root there is and every one to come.

use std::task::Waker;

use slab::Slab;

use crate::sync::Mutex;

/// All roots of one scheduler.
#[derive(Debug, Default)]
pub(crate) struct Roots(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    wakers: Slab<Waker>,
    busy: usize,
    /// How often a root became busy.
    turns: u64,
    failure: Option<String>,
}

impl Roots {
    pub(crate) fn enter(&self, waker: Waker) -> usize {
        self.0.lock().wakers.insert(waker)
    }

    pub(crate) fn leave(&self, key: usize) {
        let waker = self.0.lock().wakers.remove(key);
        drop(waker);
    }

    /// A root is to be polled.
    pub(crate) fn begin(&self) {
        let mut state = self.0.lock();
        state.busy += 1;
        state.turns += 1;
    }

    /// It was, and waits.
    pub(crate) fn end(&self) {
        self.0.lock().busy -= 1;
    }

    /// If no root is busy: how often one was.
    pub(crate) fn turns_if_idle(&self) -> Option<u64> {
        let state = self.0.lock();
        (state.busy == 0).then_some(state.turns)
    }

    /// Has every root look whether there is news for it.
    pub(crate) fn wake_all(&self) {
        let wakers = self.0.lock().wakers.clone();
        wakers.into_iter().for_each(|(_, waker)| waker.wake());
    }

    /// Has all roots end with a panic that tells why.
    pub(crate) fn fail(&self, why: &str) {
        self.0.lock().failure.get_or_insert_with(|| why.into());
        self.wake_all();
    }

    pub(crate) fn failure(&self) -> Option<String> {
        self.0.lock().failure.clone()
    }
}
