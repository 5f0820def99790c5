//! The two adapters through which hyper spawns and sleeps on Heist.

use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll},
    time::{Duration, Instant},
};

use heist::{
    runtime::Handle,
    time::{self, Sleep, sleep},
};

/// Spawns hyper's background futures onto the runtime that the caller runs on.
///
/// Zero-sized. Outside a runtime use [`HandleExecutor`].
///
/// # Panics
///
/// `execute` panics when the calling thread is not inside a Heist runtime.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HeistExecutor;

impl<F> hyper::rt::Executor<F> for HeistExecutor
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    #[track_caller]
    fn execute(&self, future: F) {
        drop(heist::spawn(future));
    }
}

/// Spawns hyper's background futures onto a given runtime, from any thread.
#[derive(Clone, Debug)]
pub struct HandleExecutor {
    handle: Handle,
}

impl HandleExecutor {
    /// Spawns onto the runtime of `handle`.
    pub fn new(handle: Handle) -> Self {
        Self { handle }
    }
}

impl<F> hyper::rt::Executor<F> for HandleExecutor
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    #[track_caller]
    fn execute(&self, future: F) {
        drop(self.handle.spawn(future));
    }
}

/// Gives hyper Heist's timers.
///
/// A sleep that hyper resets keeps its allocation.
///
/// # Panics
///
/// `sleep` and `sleep_until` panic when the calling thread is not inside a Heist runtime.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HeistTimer;

impl hyper::rt::Timer for HeistTimer {
    fn sleep(&self, duration: Duration) -> Pin<Box<dyn hyper::rt::Sleep>> {
        Box::pin(HyperSleep(sleep(duration)))
    }

    fn sleep_until(&self, deadline: Instant) -> Pin<Box<dyn hyper::rt::Sleep>> {
        Box::pin(HyperSleep(time::sleep_until(deadline.into())))
    }

    fn now(&self) -> Instant {
        time::Instant::now().into_std()
    }

    fn reset(&self, sleep: &mut Pin<Box<dyn hyper::rt::Sleep>>, new_deadline: Instant) {
        match sleep.as_mut().downcast_mut_pin::<HyperSleep>() {
            Some(own) => Pin::new(&mut own.get_mut().0).reset(new_deadline.into()),
            None => *sleep = self.sleep_until(new_deadline),
        }
    }
}

/// Heist's sleep under the trait that hyper wants; a newtype, for both are foreign here.
#[derive(Debug)]
struct HyperSleep(Sleep);

impl Future for HyperSleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        Pin::new(&mut self.0).poll(cx)
    }
}

impl hyper::rt::Sleep for HyperSleep {}
