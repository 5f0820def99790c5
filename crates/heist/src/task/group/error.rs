//! What went wrong in a group.

use std::any::Any;
use std::error::Error;
use std::fmt;

/// One thing that went wrong in a group.
#[non_exhaustive]
pub enum Failure<E> {
    /// A child, or the body, returned this error.
    Error(E),
    /// A child, or what it shielded, or a cleanup, panicked with this payload.
    Panic(Box<dyn Any + Send + 'static>),
    /// The group had not ended by its deadline.
    Deadline,
    /// A cleanup was not done when its grace was over.
    GraceElapsed,
    /// [`Scope::cancel`](super::Scope::cancel) cut the body short.
    Cancelled,
}

impl<E> Failure<E> {
    /// Returns the error, if it is one.
    pub fn error(&self) -> Option<&E> {
        match self {
            Self::Error(error) => Some(error),
            _ => None,
        }
    }

    /// Whether a task panicked.
    pub fn is_panic(&self) -> bool {
        matches!(self, Self::Panic(_))
    }
}

impl<E: fmt::Display> fmt::Display for Failure<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Error(error) => error.fmt(f),
            other => f.write_str(&other.describe()),
        }
    }
}

impl<E: fmt::Debug> fmt::Debug for Failure<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Error(error) => f.debug_tuple("Error").field(error).finish(),
            other => write!(f, "{:?}", other.describe()),
        }
    }
}

impl<E> Failure<E> {
    fn describe(&self) -> String {
        match self {
            Self::Error(_) => "an error".to_owned(),
            Self::Panic(payload) => match message(&**payload) {
                Some(message) => format!("a task panicked: {message}"),
                None => "a task panicked".to_owned(),
            },
            Self::Deadline => "the group's deadline has passed".to_owned(),
            Self::GraceElapsed => "a cleanup was not done within its grace".to_owned(),
            Self::Cancelled => "the group was cancelled".to_owned(),
        }
    }
}

fn message(payload: &(dyn Any + Send)) -> Option<&str> {
    let text = payload.downcast_ref::<&'static str>().copied();
    text.or_else(|| payload.downcast_ref::<String>().map(String::as_str))
}

/// Everything that went wrong in a group: what came first, and what came of it.
pub struct GroupError<E> {
    /// Never empty.
    failures: Vec<Failure<E>>,
}

impl<E> GroupError<E> {
    pub(super) fn new(failures: Vec<Failure<E>>) -> Option<Self> {
        (!failures.is_empty()).then_some(Self { failures })
    }

    pub(super) fn cancelled() -> Self {
        Self {
            failures: vec![Failure::Cancelled],
        }
    }

    /// The failure that cancelled the group.
    pub fn first(&self) -> &Failure<E> {
        &self.failures[0]
    }

    /// Those that came after it, in their order.
    pub fn others(&self) -> &[Failure<E>] {
        &self.failures[1..]
    }

    /// All of them, the first one first.
    pub fn into_failures(self) -> Vec<Failure<E>> {
        self.failures
    }

    /// The failure that cancelled the group; the others are dropped.
    pub fn into_first(mut self) -> Failure<E> {
        self.failures.swap_remove(0)
    }
}

impl<E: fmt::Display> fmt::Display for GroupError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.first().fmt(f)?;
        match self.others().len() {
            0 => Ok(()),
            more => write!(f, " (and {more} more)"),
        }
    }
}

impl<E: fmt::Debug> fmt::Debug for GroupError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("GroupError").field(&self.failures).finish()
    }
}

impl<E: Error + 'static> Error for GroupError<E> {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.first().error().map(|error| error as _)
    }
}
