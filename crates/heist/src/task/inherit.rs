//! Task-locals that a child inherits from its parent, as Python's context variables are.
//!
//! # Protocol
//! A *context* is a list of values, innermost first, shared by everything spawned inside. A thread
//! has the context of what it is polling. [`inherit`] takes the context of the place where it is
//! called, [`InheritedKey::scope`] that of its first poll, with one value more in front; both put it
//! in place for each poll of their future. (At the first poll, so that `A.scope(1, B.scope(2, …))`
//! nests, although the inner one is made first.) Lists are immutable: a child that opens a scope
//! changes nothing for its parent.
//!
//! # Rejected
//! Inheriting in every [`spawn`](crate::spawn): it would cost each task, of which most need no
//! context, a word and a look per poll. So it is asked for, by [`inherit`], and
//! task groups do it for their children.

use std::any::Any;
use std::cell::RefCell;
use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::AtomicU8;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

use super::AccessError;

/// Declares values that a task can pass on to the tasks it spawns.
///
/// # Examples
/// ```
/// heist::inherited_local! {
///     static REQUEST: u64;
/// }
///
/// # #[heist::main] async fn main() {
/// let child = REQUEST.scope(7, async {
///     heist::spawn(heist::task::inherit(async { REQUEST.get() }))
/// });
/// assert_eq!(child.await.await.unwrap(), 7);
/// # }
/// ```
#[macro_export]
macro_rules! inherited_local {
    () => {};
    ($(#[$attr:meta])* $vis:vis static $name:ident: $t:ty $(; $($rest:tt)*)?) => {
        $(#[$attr])*
        $vis static $name: $crate::task::InheritedKey<$t> = {
            static IDENTITY: ::std::sync::atomic::AtomicU8 = ::std::sync::atomic::AtomicU8::new(0);
            $crate::task::InheritedKey::new(&IDENTITY)
        };
        $($crate::inherited_local!($($rest)*);)?
    };
}

thread_local! {
    static CURRENT: RefCell<Chain> = const { RefCell::new(None) };
}

/// The values in force, innermost first.
type Chain = Option<Arc<Link>>;

struct Link {
    key: &'static AtomicU8,
    value: Arc<dyn Any + Send + Sync>,
    outer: Chain,
}

/// A key that [`inherited_local!`](crate::inherited_local) declares.
pub struct InheritedKey<T> {
    /// Only its address counts. What may change has an address of its own, so that no two keys share
    /// one.
    identity: &'static AtomicU8,
    _value: PhantomData<fn() -> T>,
}

impl<T: Send + Sync + 'static> InheritedKey<T> {
    #[doc(hidden)]
    pub const fn new(identity: &'static AtomicU8) -> Self {
        Self {
            identity,
            _value: PhantomData,
        }
    }

    /// Gives `future`, and all that inherits from it, a value for the key.
    pub fn scope<F: Future>(&'static self, value: T, future: F) -> Inherit<F> {
        Inherit {
            context: Seed::Value(self.identity, Arc::new(value)),
            future: Some(future),
        }
    }

    /// Gives the call of `f`, and all that inherits from it, a value for the key.
    pub fn sync_scope<R>(&'static self, value: T, f: impl FnOnce() -> R) -> R {
        let _entered = enter(link(self.identity, Arc::new(value)));
        f()
    }

    /// Calls `f` with the value.
    ///
    /// # Panics
    /// If the key has no value here.
    #[track_caller]
    pub fn with<R>(&'static self, f: impl FnOnce(&T) -> R) -> R {
        match self.try_with(f) {
            Ok(result) => result,
            Err(error) => {
                panic!("cannot access an inherited local outside of its `scope`: {error}")
            }
        }
    }

    /// Calls `f` with the value.
    ///
    /// # Errors
    /// If the key has no value here.
    pub fn try_with<R>(&'static self, f: impl FnOnce(&T) -> R) -> Result<R, AccessError> {
        let value = self.find().ok_or(AccessError(()))?;
        // Outside of the borrow: `f` may open scopes.
        Ok(f(value
            .downcast_ref()
            .expect("a key's values are of its type")))
    }

    fn find(&'static self) -> Option<Arc<dyn Any + Send + Sync>> {
        let find = |current: &RefCell<Chain>| {
            let chain = current.borrow();
            let mut links = std::iter::successors(chain.as_deref(), |link| link.outer.as_deref());
            let found = links.find(|link| std::ptr::eq(link.key, self.identity));
            found.map(|link| link.value.clone())
        };
        CURRENT.try_with(find).ok().flatten()
    }
}

impl<T: Clone + Send + Sync + 'static> InheritedKey<T> {
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

impl<T> fmt::Debug for InheritedKey<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InheritedKey").finish_non_exhaustive()
    }
}

/// Has `future` see the inherited locals that are in force where this is called.
///
/// To be wrapped around what is spawned: `heist::spawn(inherit(async { … }))`.
pub fn inherit<F: Future>(future: F) -> Inherit<F> {
    Inherit {
        context: Seed::Context(current()),
        future: Some(future),
    }
}

pin_project! {
    /// The future of [`inherit`] and of [`InheritedKey::scope`].
    #[must_use = "futures do nothing unless you `.await` or poll them"]
    pub struct Inherit<F> {
        context: Seed,
        #[pin]
        future: Option<F>,
    }

    impl<F> PinnedDrop for Inherit<F> {
        fn drop(this: Pin<&mut Self>) {
            let mut this = this.project();
            let _entered = enter(this.context.grown());
            this.future.set(None);
        }
    }
}

impl<F: Future> Future for Inherit<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let mut this = self.project();
        let _entered = enter(this.context.grown());
        let Some(future) = this.future.as_mut().as_pin_mut() else {
            panic!("`Inherit` polled after it was done");
        };
        let polled = future.poll(cx);
        if polled.is_ready() {
            this.future.set(None);
        }
        polled
    }
}

impl<F> fmt::Debug for Inherit<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inherit").finish_non_exhaustive()
    }
}

/// The context of an [`Inherit`], or what it will be made of.
enum Seed {
    Value(&'static AtomicU8, Arc<dyn Any + Send + Sync>),
    Context(Chain),
}

impl Seed {
    fn grown(&mut self) -> Chain {
        if let Self::Value(key, value) = self {
            *self = Self::Context(link(key, value.clone()));
        }
        match self {
            Self::Context(context) => context.clone(),
            Self::Value(..) => unreachable!("it has just been made a context"),
        }
    }
}

/// The current context, and one value more.
fn link(key: &'static AtomicU8, value: Arc<dyn Any + Send + Sync>) -> Chain {
    Some(Arc::new(Link {
        key,
        value,
        outer: current(),
    }))
}

fn current() -> Chain {
    let current = CURRENT.try_with(|current| current.borrow().clone());
    current.ok().flatten()
}

fn enter(context: Chain) -> Entered {
    Entered(replace(context))
}

/// Puts the context before back.
struct Entered(Chain);

impl Drop for Entered {
    fn drop(&mut self) {
        drop(replace(self.0.take()));
    }
}

/// Returns the context before, for the caller to drop: its values are user data.
fn replace(context: Chain) -> Chain {
    let before = CURRENT.try_with(|current| current.replace(context));
    before.ok().flatten()
}
