//! A misuse panics at the line of whoever made it.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind, set_hook, take_hook};
use std::sync::Once;

use heist::fs::File;
use heist::runtime::{Builder, Handle, LocalOptions};
use heist::task::TaskGroup;
use heist::time::{self, Duration};
use heist_tests::multi;

thread_local! {
    /// Whether the thread's last panic was in this file.
    static WAS_HERE: Cell<Option<bool>> = const { Cell::new(None) };
}

/// Whether `misuse` panics in this file; `None` if it does not panic.
fn panics_here(misuse: impl FnOnce()) -> Option<bool> {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let usual = take_hook();
        set_hook(Box::new(move |info| {
            let here = info.location().is_some_and(|at| at.file() == file!());
            WAS_HERE.set(Some(here));
            usual(info);
        }));
    });
    WAS_HERE.set(None);
    let _ = catch_unwind(AssertUnwindSafe(misuse));
    WAS_HERE.take()
}

#[test]
fn a_builders_misuse_is_told_of_at_its_line() {
    let blank = || {
        Builder::new_multi_thread().name(" ");
    };
    assert_eq!(panics_here(blank), Some(true));
    let local = || drop(Builder::new_multi_thread().build_local(LocalOptions::default()));
    assert_eq!(panics_here(local), Some(true));
}

#[test]
fn a_call_outside_of_its_place_is_told_of_at_its_line() {
    assert_eq!(panics_here(|| drop(Handle::current())), Some(true));
    assert_eq!(panics_here(|| drop(heist::spawn(async {}))), Some(true));
    let no_task = || {
        heist::task::id();
    };
    assert_eq!(panics_here(no_task), Some(true));
    let no_clock = || {
        time::pause();
        time::resume();
    };
    assert_eq!(panics_here(no_clock), Some(true));
}

#[test]
fn a_number_out_of_range_is_told_of_at_its_line() {
    let none = || drop(TaskGroup::new().limit(0));
    assert_eq!(panics_here(none), Some(true));
    let no_events = || {
        Builder::new_multi_thread().max_io_events_per_tick(0);
    };
    assert_eq!(panics_here(no_events), Some(true));
    let null = std::fs::File::open("/dev/null").expect("opens");
    let no_buffer = || File::from_std(null).set_max_buf_size(0);
    assert_eq!(panics_here(no_buffer), Some(true));
    let runtime = multi(1);
    let _inside = runtime.enter();
    let never = || drop(time::interval(Duration::ZERO));
    assert_eq!(panics_here(never), Some(true));
}
