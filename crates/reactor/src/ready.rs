//! What the kernel has reported about a descriptor: [`Ready`], and [`ReadyEvent`], the snapshot
//! that proves which report a caller acted on.
//!
//! Two further bits never leave the crate: `UNTRIED_READ` and `UNTRIED_WRITE` mean that nobody has
//! tried a syscall since the source was registered. They let the first read or write go ahead
//! without waiting for the first event, but do not make [`poll_ready`] or [`readiness`] succeed:
//! a connecting socket is not writable before the kernel says so. A source of [`event_first`] has
//! neither.
//!
//! [`poll_ready`]: crate::Registration::poll_ready
//! [`readiness`]: crate::Registration::readiness
//! [`event_first`]: crate::Registration::event_first

use std::fmt;
use std::ops::{BitAnd, BitOr, BitOrAssign, Sub};

use crate::interest::{Direction, Interest};

/// A set of readiness states of one descriptor.
///
/// The order of two sets says nothing about them; it is there for maps and sorted lists, and is tokio's.
///
/// # Examples
///
/// ```
/// use heist_reactor::Ready;
///
/// let ready = Ready::READABLE | Ready::READ_CLOSED;
/// assert!(ready.is_readable() && ready.is_read_closed());
/// assert!(!ready.is_writable());
/// assert_eq!(format!("{ready:?}"), "READABLE | READ_CLOSED");
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ready(u8);

impl Ready {
    /// Nothing is ready.
    pub const EMPTY: Self = Self(0);
    /// A read would not block.
    pub const READABLE: Self = Self(0b0000_0001);
    /// A write would not block.
    pub const WRITABLE: Self = Self(0b0000_0010);
    /// The peer will send no more: a read returns what is left, then the end.
    pub const READ_CLOSED: Self = Self(0b0000_0100);
    /// The peer takes no more: a write fails.
    pub const WRITE_CLOSED: Self = Self(0b0000_1000);
    /// Out-of-band data, or another exceptional condition, is there.
    pub const PRIORITY: Self = Self(0b0001_0000);
    /// An error is pending on the descriptor; the next operation returns it.
    pub const ERROR: Self = Self(0b0010_0000);

    /// Every state.
    pub const ALL: Self = Self(
        Self::READABLE.0
            | Self::WRITABLE.0
            | Self::READ_CLOSED.0
            | Self::WRITE_CLOSED.0
            | Self::ERROR.0
            | Self::PRIORITY.0,
    );

    /// Registered, and no read tried yet.
    pub(crate) const UNTRIED_READ: Self = Self(0b0100_0000);
    /// Registered, and no write tried yet.
    pub(crate) const UNTRIED_WRITE: Self = Self(0b1000_0000);

    /// After any of these the kernel may owe no further event, so a short read or write must not
    /// clear readiness: data and FIN, or data and RST, can arrive as one event.
    pub(crate) const KEEPS_READY: Self =
        Self(Self::READ_CLOSED.0 | Self::WRITE_CLOSED.0 | Self::ERROR.0 | Self::PRIORITY.0);

    /// Width of the set, for the word that packs it.
    pub(crate) const BITS: u32 = u8::BITS;

    pub(crate) const fn from_bits(bits: u8) -> Self {
        Self(bits)
    }

    pub(crate) const fn bits(self) -> u8 {
        self.0
    }

    /// Whether a read should be tried: data is there, or the end is.
    pub const fn is_readable(self) -> bool {
        self.contains_any(Self::READABLE) || self.is_read_closed()
    }

    /// Whether a write should be tried: there is room, or the peer is gone.
    pub const fn is_writable(self) -> bool {
        self.contains_any(Self::WRITABLE) || self.is_write_closed()
    }

    /// Whether the peer will send no more.
    pub const fn is_read_closed(self) -> bool {
        self.contains_any(Self::READ_CLOSED)
    }

    /// Whether the peer takes no more.
    pub const fn is_write_closed(self) -> bool {
        self.contains_any(Self::WRITE_CLOSED)
    }

    /// Whether an error is pending on the descriptor.
    pub const fn is_error(self) -> bool {
        self.contains_any(Self::ERROR)
    }

    /// Whether out-of-band data is there.
    pub const fn is_priority(self) -> bool {
        self.contains_any(Self::PRIORITY)
    }

    /// Whether nothing is ready.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Whether this set and `other` have a state in common.
    pub(crate) const fn contains_any(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    /// The states that end a wait in one direction. An error ends both: the next syscall tells it.
    pub(crate) const fn of_direction(direction: Direction) -> Self {
        match direction {
            Direction::Read => Self(Self::READABLE.0 | Self::READ_CLOSED.0 | Self::ERROR.0),
            Direction::Write => Self(Self::WRITABLE.0 | Self::WRITE_CLOSED.0 | Self::ERROR.0),
        }
    }

    /// The states that end a wait for `interest`.
    pub(crate) fn of_interest(interest: Interest) -> Self {
        let mut mask = Self::EMPTY;
        if interest.is_readable() {
            mask |= Self::of_direction(Direction::Read);
        }
        if interest.is_writable() {
            mask |= Self::of_direction(Direction::Write);
        }
        if interest.is_priority() {
            mask |= Self::PRIORITY | Self::READ_CLOSED | Self::ERROR;
        }
        if interest.is_error() {
            mask |= Self::ERROR;
        }
        mask
    }

    /// The states that let a syscall be tried: `self`, or that nobody has tried one yet.
    pub(crate) fn or_untried(self) -> Self {
        let mut mask = self;
        if self.contains_any(Self::READABLE) {
            mask |= Self::UNTRIED_READ;
        }
        if self.contains_any(Self::WRITABLE) {
            mask |= Self::UNTRIED_WRITE;
        }
        mask
    }
}

impl BitOr for Ready {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl BitOrAssign for Ready {
    fn bitor_assign(&mut self, other: Self) {
        self.0 |= other.0;
    }
}

impl BitAnd for Ready {
    type Output = Self;

    fn bitand(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }
}

impl Sub for Ready {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }
}

impl fmt::Debug for Ready {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const NAMES: [&str; 8] = [
            "READABLE",
            "WRITABLE",
            "READ_CLOSED",
            "WRITE_CLOSED",
            "PRIORITY",
            "ERROR",
            "UNTRIED_READ",
            "UNTRIED_WRITE",
        ];
        let mut separator = "";
        for (bit, name) in NAMES.iter().enumerate() {
            if self.0 & (1 << bit) != 0 {
                write!(f, "{separator}{name}")?;
                separator = " | ";
            }
        }
        if self.is_empty() {
            f.write_str("EMPTY")?;
        }
        Ok(())
    }
}

/// What was ready, and as of which event: the evidence that [`clear_ready`] asks for.
///
/// Should a newer event have arrived since, clearing with this value does nothing, so the newer
/// event is never lost.
///
/// [`clear_ready`]: crate::Registration::clear_ready
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReadyEvent {
    pub(crate) ready: Ready,
    pub(crate) tick: u64,
}

impl ReadyEvent {
    /// Returns the states that were ready, among those asked for.
    pub const fn ready(&self) -> Ready {
        self.ready
    }

    /// Returns the part of this event that is about `states`, to clear no more than that.
    #[must_use]
    pub fn only(self, states: Ready) -> Self {
        Self {
            ready: self.ready & states,
            ..self
        }
    }
}
