//! What a caller wants to hear of a descriptor: [`Interest`], and [`Direction`] for its two halves.

use std::fmt;
use std::ops::{BitOr, BitOrAssign};

/// Which kinds of event a source is registered for, or an operation waits for. Never empty.
///
/// # Examples
///
/// ```
/// use heist_reactor::Interest;
///
/// let both = Interest::READABLE | Interest::WRITABLE;
/// assert!(both.is_readable() && both.is_writable());
/// assert_eq!(format!("{both:?}"), "READABLE | WRITABLE");
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Interest(u8);

impl Interest {
    /// Reading, accepting, receiving.
    pub const READABLE: Self = Self(0b001);
    /// Writing, sending, and the end of a connect.
    pub const WRITABLE: Self = Self(0b010);
    /// Out-of-band data and other exceptional conditions; Linux and Android only.
    #[cfg(any(target_os = "linux", target_os = "android"))]
    pub const PRIORITY: Self = Self(0b100);
    /// An error that is pending; the kernel tells of it whatever was asked for.
    pub const ERROR: Self = Self(0b1000);

    /// Whether this includes [`READABLE`](Self::READABLE).
    pub const fn is_readable(self) -> bool {
        self.0 & 0b001 != 0
    }

    /// Whether this includes [`WRITABLE`](Self::WRITABLE).
    pub const fn is_writable(self) -> bool {
        self.0 & 0b010 != 0
    }

    /// Whether this includes out-of-band data.
    pub const fn is_priority(self) -> bool {
        self.0 & 0b100 != 0
    }

    /// Whether this includes pending errors.
    pub const fn is_error(self) -> bool {
        self.0 & 0b1000 != 0
    }

    /// What is in this but not in `other`; `None` if nothing is left.
    pub fn remove(self, other: Self) -> Option<Self> {
        match self.0 & !other.0 {
            0 => None,
            rest => Some(Self(rest)),
        }
    }

    /// The union of both; usable in constants, where `|` is not.
    pub const fn add(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl BitOr for Interest {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        self.add(other)
    }
}

impl BitOrAssign for Interest {
    fn bitor_assign(&mut self, other: Self) {
        *self = self.add(other);
    }
}

impl fmt::Debug for Interest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut separator = "";
        for (included, name) in [
            (self.is_readable(), "READABLE"),
            (self.is_writable(), "WRITABLE"),
            (self.is_priority(), "PRIORITY"),
            (self.is_error(), "ERROR"),
        ] {
            if included {
                write!(f, "{separator}{name}")?;
                separator = " | ";
            }
        }
        Ok(())
    }
}

/// One of the two ways bytes go, each with its own place for the task that waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Direction {
    /// Towards us: read, receive, accept.
    Read,
    /// Away from us: write, send, connect.
    Write,
}
