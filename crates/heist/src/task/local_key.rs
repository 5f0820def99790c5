//! [`task_local!`](crate::task_local) and [`LocalKey`]: a value that belongs to a task.
//!
//! # Protocol
//! A value rests in the future that scopes it. For the time of a poll it changes places with what the
//! thread holds, and changes back afterwards, also after a panic: so each thread holds the value of
//! the innermost scope that it is polling, and nothing between polls.

use std::cell::RefCell;
use std::error::Error;
use std::fmt;
use std::future::Future;
use std::mem;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::thread;

use pin_project_lite::pin_project;

/// Declares values that belong to tasks, as `thread_local!` declares values that belong to threads.
///
/// A task spawned inside a scope does not see the value; [`inherited_local!`](crate::inherited_local)
/// declares values that it can see.
///
/// # Examples
/// ```
/// heist::task_local! {
///     pub static REQUEST: u64;
///     static USER: String;
/// }
///
/// # #[heist::main] async fn main() {
/// let seen = REQUEST.scope(7, async { REQUEST.get() + 1 }).await;
/// assert_eq!(seen, 8);
/// assert!(USER.try_with(String::len).is_err());
/// # }
/// ```
#[macro_export]
macro_rules! task_local {
    () => {};
    ($(#[$attr:meta])* $vis:vis static $name:ident: $t:ty $(; $($rest:tt)*)?) => {
        $(#[$attr])*
        $vis static $name: $crate::task::LocalKey<$t> = {
            ::std::thread_local! {
                static KEY: ::std::cell::RefCell<::std::option::Option<$t>> =
                    const { ::std::cell::RefCell::new(::std::option::Option::None) };
            }
            $crate::task::LocalKey { inner: KEY }
        };
        $($crate::task_local!($($rest)*);)?
    };
}

/// A key that [`task_local!`](crate::task_local) declares.
pub struct LocalKey<T: 'static> {
    #[doc(hidden)]
    pub inner: thread::LocalKey<RefCell<Option<T>>>,
}

impl<T: 'static> LocalKey<T> {
    /// Gives `future` a value for the key, for as long as it lives.
    ///
    /// # Cancel safety
    /// As `future`. When it is dropped, its destructors still see the value.
    pub fn scope<F: Future>(&'static self, value: T, future: F) -> TaskLocalFuture<T, F> {
        TaskLocalFuture {
            key: self,
            value: Some(value),
            future: Some(future),
        }
    }

    /// Gives the call of `f` a value for the key.
    ///
    /// # Panics
    /// If called while [`LocalKey::with`] borrows the key, or after the thread's locals are gone.
    #[track_caller]
    pub fn sync_scope<F, R>(&'static self, value: T, f: F) -> R
    where
        F: FnOnce() -> R,
    {
        let mut value = Some(value);
        let _swapped = self.swap_in(&mut value);
        f()
    }

    /// Calls `f` with the value.
    ///
    /// # Panics
    /// If the key has no value here: call it from inside [`LocalKey::scope`].
    #[track_caller]
    pub fn with<F, R>(&'static self, f: F) -> R
    where
        F: FnOnce(&T) -> R,
    {
        match self.try_with(f) {
            Ok(result) => result,
            Err(error) => panic!("cannot access a task-local outside of its `scope`: {error}"),
        }
    }

    /// Calls `f` with the value.
    ///
    /// # Errors
    /// If the key has no value here.
    pub fn try_with<F, R>(&'static self, f: F) -> Result<R, AccessError>
    where
        F: FnOnce(&T) -> R,
    {
        let called = self.inner.try_with(|slot| slot.borrow().as_ref().map(f));
        called.ok().flatten().ok_or(AccessError(()))
    }

    /// Changes the two values over until the guard is dropped.
    #[track_caller]
    fn swap_in<'a>(&'static self, value: &'a mut Option<T>) -> Swapped<'a, T> {
        self.swap(value);
        Swapped { key: self, value }
    }

    #[track_caller]
    fn swap(&'static self, value: &mut Option<T>) {
        let swapped = self.inner.try_with(|slot| match slot.try_borrow_mut() {
            Ok(mut slot) => {
                mem::swap(&mut *slot, value);
                true
            }
            Err(_) => false,
        });
        match swapped {
            Ok(true) => {}
            Ok(false) => panic!("cannot enter a task-local's scope while `with` borrows it"),
            Err(_) => panic!("cannot enter a task-local's scope while the thread ends"),
        }
    }
}

impl<T: Clone + 'static> LocalKey<T> {
    /// Returns a copy of the value.
    ///
    /// # Panics
    /// If the key has no value here.
    #[track_caller]
    pub fn get(&'static self) -> T {
        self.with(T::clone)
    }

    /// Returns a copy of the value.
    ///
    /// # Errors
    /// If the key has no value here.
    pub fn try_get(&'static self) -> Result<T, AccessError> {
        self.try_with(T::clone)
    }
}

impl<T: 'static> fmt::Debug for LocalKey<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LocalKey").finish_non_exhaustive()
    }
}

/// While it lives, the thread holds the scope's value and the scope the thread's.
struct Swapped<'a, T: 'static> {
    key: &'static LocalKey<T>,
    value: &'a mut Option<T>,
}

impl<T: 'static> Drop for Swapped<'_, T> {
    fn drop(&mut self) {
        self.key.swap(self.value);
    }
}

pin_project! {
    /// The future that [`LocalKey::scope`] returns.
    #[must_use = "futures do nothing unless you `.await` or poll them"]
    pub struct TaskLocalFuture<T: 'static, F> {
        key: &'static LocalKey<T>,
        value: Option<T>,
        #[pin]
        future: Option<F>,
    }

    impl<T: 'static, F> PinnedDrop for TaskLocalFuture<T, F> {
        fn drop(this: Pin<&mut Self>) {
            let mut this = this.project();
            let can_swap = this.key.inner.try_with(|slot| slot.try_borrow_mut().is_ok());
            if this.future.is_some() && can_swap == Ok(true) {
                let _swapped = this.key.swap_in(this.value);
                this.future.set(None);
            }
        }
    }
}

impl<T: 'static, F> TaskLocalFuture<T, F> {
    /// Takes the value out, for instance after the future has finished.
    ///
    /// Before that, the future will not find it any more.
    pub fn take_value(self: Pin<&mut Self>) -> Option<T> {
        self.project().value.take()
    }
}

impl<T: 'static, F: Future> Future for TaskLocalFuture<T, F> {
    type Output = F::Output;

    #[track_caller]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let mut this = self.project();
        let _swapped = this.key.swap_in(this.value);
        let Some(future) = this.future.as_mut().as_pin_mut() else {
            panic!("`TaskLocalFuture` polled after it was done");
        };
        let polled = future.poll(cx);
        if polled.is_ready() {
            this.future.set(None);
        }
        polled
    }
}

impl<T: fmt::Debug + 'static, F> fmt::Debug for TaskLocalFuture<T, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TaskLocalFuture")
            .field("value", &self.value)
            .finish_non_exhaustive()
    }
}

/// The key has no value here.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct AccessError(pub(super) ());

impl fmt::Debug for AccessError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AccessError")
    }
}

impl fmt::Display for AccessError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("task-local value not set")
    }
}

impl Error for AccessError {}
