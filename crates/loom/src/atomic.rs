//! Loom's atomics, which add to a trace what loom leaves out: the values.
//!
//! Nothing but the telling is different, and without a trace there is none. What is not overridden
//! here is loom's, and told without its value.

pub use loom::sync::atomic::Ordering;

use std::fmt::{Debug, Display, LowerHex};
use std::ops::{BitAnd as _, BitOr as _, Deref, DerefMut};

use loom::sync::atomic;

use crate::trace;

/// As [`std::sync::atomic::fence`].
#[track_caller]
pub fn fence(order: Ordering) {
    atomic::fence(order);
    trace::value(|| format!("{order:?}"));
}

macro_rules! told {
    ($name:ident $(<$parameter:ident>)?, $value:ty, $shown:expr) => {
        #[doc = concat!("As [`std::sync::atomic::", stringify!($name), "`].")]
        #[derive(Debug)]
        pub struct $name$(<$parameter>)?(atomic::$name$(<$parameter>)?);

        #[expect(missing_docs, reason = "they are the standard library's")]
        impl$(<$parameter>)? $name$(<$parameter>)? {
            #[track_caller]
            pub fn new(value: $value) -> Self {
                Self(atomic::$name::new(value))
            }

            #[track_caller]
            pub fn load(&self, order: Ordering) -> $value {
                let value = self.0.load(order);
                trace::value(|| $shown(value));
                value
            }

            #[track_caller]
            pub fn store(&self, value: $value, order: Ordering) {
                self.0.store(value, order);
                trace::value(|| format!(":= {}", $shown(value)));
            }

            #[track_caller]
            pub fn swap(&self, value: $value, order: Ordering) -> $value {
                let old = self.0.swap(value, order);
                trace::value(|| format!("{} := {}", $shown(old), $shown(value)));
                old
            }

            #[track_caller]
            pub fn compare_exchange(
                &self,
                current: $value,
                new: $value,
                success: Ordering,
                failure: Ordering,
            ) -> Result<$value, $value> {
                let result = self.0.compare_exchange(current, new, success, failure);
                trace::value(|| match result {
                    Ok(old) => format!("{} := {}", $shown(old), $shown(new)),
                    Err(seen) => format!("{}, not {}", $shown(seen), $shown(current)),
                });
                result
            }

            #[track_caller]
            pub fn compare_exchange_weak(
                &self,
                current: $value,
                new: $value,
                success: Ordering,
                failure: Ordering,
            ) -> Result<$value, $value> {
                self.compare_exchange(current, new, success, failure)
            }
        }

        impl$(<$parameter>)? Deref for $name$(<$parameter>)? {
            type Target = atomic::$name$(<$parameter>)?;

            fn deref(&self) -> &Self::Target {
                &self.0
            }
        }

        impl$(<$parameter>)? DerefMut for $name$(<$parameter>)? {
            fn deref_mut(&mut self) -> &mut Self::Target {
                &mut self.0
            }
        }
    };
}

macro_rules! told_arithmetic {
    ($name:ident, $value:ty) => {
        told_arithmetic! {
            $name, $value,
            fetch_add wrapping_add,
            fetch_sub wrapping_sub,
            fetch_and bitand,
            fetch_or bitor,
            fetch_max max
        }
    };
    ($name:ident, $value:ty, $($operation:ident $plainly:ident),*) => {
        #[expect(missing_docs, reason = "they are the standard library's")]
        impl $name {
            $(
                #[track_caller]
                pub fn $operation(&self, value: $value, order: Ordering) -> $value {
                    let old = self.0.$operation(value, order);
                    trace::value(|| format!("{} := {}", word(old), word(old.$plainly(value))));
                    old
                }
            )*
        }
    };
}

told!(AtomicBool, bool, plain);
told!(AtomicUsize, usize, word);
told!(AtomicU64, u64, word);
told!(AtomicPtr<T>, *mut T, plain);
told_arithmetic!(AtomicUsize, usize);
told_arithmetic!(AtomicU64, u64);

fn plain(value: impl Debug) -> String {
    format!("{value:?}")
}

/// Counts are small; what is not is a packed word.
fn word(value: impl Copy + Display + LowerHex + PartialOrd + From<u8>) -> String {
    if value < 100_u8.into() {
        format!("{value}")
    } else {
        format!("{value:#x}")
    }
}
