//! The live connections of one server: who they are, how to reach them, when they are gone.
//!
//! # Protocol
//!
//! 1. The accept loop calls [`Registry::enter`] before it spawns a connection, so that a connection
//!    which has not run yet is already counted.
//! 2. The connection leaves its waker on its first poll ([`Member::reachable_by`]).
//! 3. [`Registry::advance`] stores the phase, then wakes every waker that it finds. A connection
//!    whose waker came too late for that took the same lock after it, so it sees the phase when it
//!    looks, which it does on each poll.
//! 4. The [`Member`] leaves when it is dropped; the last one to leave wakes [`Registry::emptied`].
//!
//! # Invariants
//!
//! Nothing is woken and no user code runs under the lock.

use std::{
    collections::HashMap,
    net::SocketAddr,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU8, AtomicU64, Ordering::Relaxed},
    },
    task::Waker,
};

use heist::sync::Notify;

/// How far the server is on its way out. Phases only move forward.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub(crate) enum Phase {
    /// Accepting and serving.
    Serving,
    /// Accepting nothing more; each connection ends after what it has in flight.
    Draining,
    /// What is left ends now.
    Cutting,
}

#[derive(Debug)]
pub(crate) struct Registry {
    /// A [`Phase`]. Relaxed: the lock of `live` orders it against the wakers (step 3), and a woken
    /// task sees what its waker saw.
    phase: AtomicU8,
    live: Mutex<Live>,
    emptied: Notify,
    panicked: AtomicU64,
}

#[derive(Debug, Default)]
struct Live {
    members: HashMap<u64, Entry>,
    entered: u64,
}

#[derive(Debug)]
struct Entry {
    peer: SocketAddr,
    waker: Option<Waker>,
}

impl Registry {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self {
            phase: AtomicU8::new(Phase::Serving as u8),
            live: Mutex::default(),
            emptied: Notify::new(),
            panicked: AtomicU64::new(0),
        })
    }

    pub(crate) fn phase(&self) -> Phase {
        match self.phase.load(Relaxed) {
            0 => Phase::Serving,
            1 => Phase::Draining,
            _ => Phase::Cutting,
        }
    }

    /// Counts a new connection in.
    pub(crate) fn enter(self: &Arc<Self>, peer: SocketAddr) -> Member {
        let mut live = self.live();
        let id = live.entered;
        live.entered += 1;
        live.members.insert(id, Entry { peer, waker: None });
        drop(live);
        Member {
            registry: Arc::clone(self),
            id,
            ended: false,
        }
    }

    /// Moves to `phase` and tells every connection.
    pub(crate) fn advance(&self, phase: Phase) {
        let mut live = self.live();
        self.phase.fetch_max(phase as u8, Relaxed);
        let wakers: Vec<Waker> = live
            .members
            .values_mut()
            .filter_map(|entry| entry.waker.clone())
            .collect();
        drop(live);
        wakers.into_iter().for_each(Waker::wake);
    }

    /// Waits until no connection is left.
    pub(crate) async fn emptied(&self) {
        loop {
            let notified = self.emptied.notified();
            if self.live().members.is_empty() {
                return;
            }
            notified.await;
        }
    }

    /// The addresses of the connections that live now.
    pub(crate) fn peers(&self) -> Vec<SocketAddr> {
        self.live()
            .members
            .values()
            .map(|entry| entry.peer)
            .collect()
    }

    /// How many connections have entered.
    pub(crate) fn entered(&self) -> u64 {
        self.live().entered
    }

    /// How many connections live now.
    pub(crate) fn len(&self) -> usize {
        self.live().members.len()
    }

    pub(crate) fn count_panic(&self) {
        self.panicked.fetch_add(1, Relaxed);
    }

    pub(crate) fn panicked(&self) -> u64 {
        self.panicked.load(Relaxed)
    }

    /// No panic can leave the map half changed, so a poisoned lock is as good as any.
    fn live(&self) -> MutexGuard<'_, Live> {
        self.live.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A connection's place in the [`Registry`]; dropping it leaves.
#[derive(Debug)]
pub(crate) struct Member {
    registry: Arc<Registry>,
    id: u64,
    ended: bool,
}

impl Member {
    pub(crate) fn registry(&self) -> &Arc<Registry> {
        &self.registry
    }

    /// Leaves the waker by which [`Registry::advance`] reaches this connection.
    pub(crate) fn reachable_by(&self, waker: &Waker) {
        let mut live = self.registry.live();
        let entry = live.members.get_mut(&self.id);
        let old = entry.and_then(|entry| entry.waker.replace(waker.clone()));
        drop(live);
        drop(old);
    }

    /// Notes that the connection came to an end of its own, so that its drop is no panic.
    pub(crate) fn end(mut self) {
        self.ended = true;
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        if !self.ended {
            self.registry.count_panic();
        }
        let mut live = self.registry.live();
        let entry = live.members.remove(&self.id);
        let last = live.members.is_empty();
        drop(live);
        drop(entry);
        if last && self.registry.phase() > Phase::Serving {
            self.registry.emptied.notify_waiters();
        }
    }
}
