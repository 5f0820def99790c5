//! [`Handle`]: how any thread reaches a reactor, and how a thread says which one is its own.

use std::cell::RefCell;
use std::fmt;
use std::marker::PhantomData;
use std::time::Instant;

use crate::clock::{Control, Timeline};
use crate::coop::Coop;
use crate::scheduled_io::ScheduledIo;
use crate::slots::{Key, Rejected, Slots};
use crate::sync::plain::{AtomicU64, AtomicUsize, Ordering};
use crate::sync::{Arc, CachePadded, NotSend};
use crate::timer::{Timer, Timers};
use crate::wake_batch::WakeBatch;

/// A shared reference to a [`Reactor`](crate::Reactor), usable from any thread.
///
/// # Examples
///
/// ```
/// use heist_reactor::{Config, Handle, Reactor};
///
/// # fn main() -> std::io::Result<()> {
/// let mut reactor = Reactor::new(Config::default())?;
/// let handle = reactor.handle().clone();
/// let other = std::thread::spawn(move || handle.unpark());
/// reactor.turn(None)?; // returns once the other thread has called `unpark`
/// other.join().expect("the thread does not panic");
///
/// let _entered = reactor.handle().enter();
/// assert!(Handle::try_current().is_some());
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Handle {
    pub(crate) shared: Arc<Shared>,
}

// No foreign code runs under the reactor's locks, so a panic leaves nothing half done.
impl std::panic::UnwindSafe for Handle {}
impl std::panic::RefUnwindSafe for Handle {}

/// What a reactor and all its handles share; what is written often has cache lines of its own.
pub(crate) struct Shared {
    pub(crate) registry: mio::Registry,
    pub(crate) waker: Arc<mio::Waker>,
    pub(crate) timers: Timers,
    pub(crate) slots: CachePadded<Slots<Registered>>,
    pub(crate) counters: CachePadded<Counters>,
}

/// A registered descriptor. All of it is behind one pointer, so that a socket, which futures move about
/// and hold several times, is two words long.
pub(crate) struct Registered {
    pub(crate) io: ScheduledIo,
    /// The key as a token. Relaxed: it is written once, before the registration is anybody's.
    token: AtomicUsize,
    /// Keeps the table that this is in alive until the registration, which ends it, is dropped.
    pub(crate) handle: Handle,
}

impl Registered {
    pub(crate) fn new(handle: &Handle, io: ScheduledIo) -> Result<Arc<Self>, Rejected> {
        let registered = Arc::new(Self {
            io,
            token: AtomicUsize::new(0),
            handle: handle.clone(),
        });
        let key = handle.shared.slots.insert(Arc::clone(&registered))?;
        registered.token.store(key.token(), Ordering::Relaxed);
        Ok(registered)
    }

    pub(crate) fn token(&self) -> usize {
        self.token.load(Ordering::Relaxed)
    }

    /// Ends the registration: no event reaches it any more.
    pub(crate) fn end(&self) {
        let key = Key::from_token(self.token());
        drop(self.handle.shared.slots.remove(key));
    }
}

impl AsRef<ScheduledIo> for Registered {
    fn as_ref(&self) -> &ScheduledIo {
        &self.io
    }
}

impl fmt::Debug for Registered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Without the handle, in whose table this is.
        f.debug_struct("Registered")
            .field("io", &self.io)
            .finish_non_exhaustive()
    }
}

/// Statistics; written by the thread that turns the reactor.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) turns: AtomicU64,
    pub(crate) events: AtomicU64,
    pub(crate) timers_fired: AtomicU64,
    pub(crate) busy_waits: AtomicU64,
}

thread_local! {
    static CURRENT: RefCell<Option<Handle>> = const { RefCell::new(None) };
}

impl Handle {
    /// Returns the reactor this thread has [entered](Handle::enter).
    ///
    /// # Panics
    ///
    /// If the thread has entered none.
    #[track_caller]
    pub fn current() -> Self {
        Self::with_current(Self::clone)
    }

    /// Returns the reactor this thread has [entered](Handle::enter), if any.
    pub fn try_current() -> Option<Self> {
        CURRENT
            .try_with(|current| current.borrow().clone())
            .ok()
            .flatten()
    }

    /// Makes this the calling thread's reactor until the guard is dropped, which brings back the
    /// one before. Guards nest: drop them in the reverse order.
    pub fn enter(&self) -> EnterGuard<'_> {
        EnterGuard {
            _restore: Restore {
                previous: replace_current(Some(self.clone())),
                _not_send: NotSend::HERE,
            },
            _handle: PhantomData,
        }
    }

    /// Makes the current [`turn`](crate::Reactor::turn) return, or the next one if none is under
    /// way. Calls add up to one.
    pub fn unpark(&self) {
        self.shared
            .waker
            .wake()
            .expect("a waker whose poll is alive can be woken");
    }

    /// Returns the present instant by the reactor's clock.
    pub fn now(&self) -> Instant {
        self.timeline().now()
    }

    /// Returns the present instant by the clock of the reactor this thread has
    /// [entered](Handle::enter), if any; cheaper than `try_current` followed by [`now`](Handle::now).
    pub fn now_current() -> Option<Instant> {
        // The thread's current handle is borrowed meanwhile: a clock may read it, not change it.
        let now = CURRENT.try_with(|current| current.borrow().as_ref().map(Self::now));
        now.ok().flatten()
    }

    /// Returns the controls of the reactor's clock, if it can be stopped. After a change call
    /// [`clock_changed`](Handle::clock_changed).
    pub fn clock_control(&self) -> Option<&dyn Control> {
        self.timeline().control()
    }

    /// Has the next turn fire the timers that a change of the clock has made due, and sets the alarm
    /// anew for those that are left.
    pub fn clock_changed(&self) {
        self.shared.timers.set_alarm_anew();
        self.unpark();
    }

    /// Ends every wait: pending I/O operations return an error, [`Sleep`](crate::Sleep)s wake up,
    /// and nothing can be registered any more. Calling it again does nothing more.
    pub fn shutdown(&self) {
        let mut batch = WakeBatch::new();
        self.shared.timers.shut_down(&mut batch);
        for registered in self.shared.slots.close() {
            registered.io.shut_down(&mut batch);
        }
        batch.wake_all();
        self.unpark();
    }

    /// Returns the budget hooks this reactor was built with.
    pub fn coop(&self) -> Coop {
        self.shared.timers.coop()
    }

    /// Returns the earliest deadline a timer waits for, or `None` if none does. With a virtual
    /// clock: move it there, then call [`turn`](crate::Reactor::turn) with a zero timeout.
    pub fn next_deadline(&self) -> Option<Instant> {
        self.shared.timers.next_deadline()
    }

    /// Returns the reactor's counters. Each is exact, but they are not read at one moment.
    pub fn metrics(&self) -> Metrics {
        let counters = &self.shared.counters;
        Metrics {
            registered: self.shared.slots.len(),
            timers_armed: self.shared.timers.len(),
            turns: counters.turns.load(Ordering::Relaxed),
            events: counters.events.load(Ordering::Relaxed),
            timers_fired: counters.timers_fired.load(Ordering::Relaxed),
            busy_waits: counters.busy_waits.load(Ordering::Relaxed),
        }
    }

    pub(crate) fn is_shut_down(&self) -> bool {
        self.shared.timers.is_shut_down()
    }

    pub(crate) fn timeline(&self) -> &Timeline {
        self.shared.timers.timeline()
    }

    pub(crate) fn timer(&self) -> Timer {
        self.shared.timers.timer()
    }

    /// Calls `f` with the current handle, which it need not clone. No user code in `f`: the
    /// thread's current handle is borrowed.
    #[track_caller]
    #[inline(always)]
    pub(crate) fn with_current<R>(f: impl FnOnce(&Self) -> R) -> R {
        let found = CURRENT.try_with(|current| current.borrow().as_ref().map(f));
        match found {
            Ok(Some(result)) => result,
            _ => no_reactor(),
        }
    }
}

impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handle").finish_non_exhaustive()
    }
}

#[cold]
#[track_caller]
fn no_reactor() -> ! {
    panic!(
        "no reactor on this thread: call from inside `Runtime::block_on` or a spawned task, or \
         hold a `Runtime::enter` guard"
    )
}

/// Keeps a reactor entered on the thread that called [`Handle::enter`].
#[must_use = "dropping the guard leaves the reactor at once"]
#[derive(Debug)]
pub struct EnterGuard<'a> {
    _restore: Restore,
    _handle: PhantomData<&'a Handle>,
}

/// Restores the thread's current reactor. It has no lifetime, so that a guard that is still there does
/// not keep the handle borrowed.
#[derive(Debug)]
struct Restore {
    previous: Option<Handle>,
    /// To be dropped on the thread whose current reactor it restores.
    _not_send: NotSend,
}

impl Drop for Restore {
    fn drop(&mut self) {
        drop(replace_current(self.previous.take()));
    }
}

/// Sets the thread's current handle and returns the one before, for the caller to drop: the last
/// handle of a reactor drops wakers, which may ask for the current handle.
fn replace_current(handle: Option<Handle>) -> Option<Handle> {
    CURRENT
        .try_with(|current| current.replace(handle))
        .ok()
        .flatten()
}

/// Counters of a reactor, from [`Handle::metrics`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Metrics {
    /// Sources registered now.
    pub registered: usize,
    /// Timers that wait for their deadline now.
    pub timers_armed: usize,
    /// Calls of `turn` since the start.
    pub turns: u64,
    /// I/O events delivered since the start.
    pub events: u64,
    /// Timers fired since the start.
    pub timers_fired: u64,
    /// Turns since the start whose wait was ended while the thread still [looked for
    /// events](crate::Config::max_busy_wait), by one that came meanwhile or by a timer: which did not have
    /// to block.
    pub busy_waits: u64,
}
