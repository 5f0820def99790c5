//! The task's state word: wakes, polls, aborts and completion against each other.

use std::panic::resume_unwind;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize as Count;
use std::task::{Poll, Waker};

use heist_loom::atomic::AtomicBool;
use heist_loom::atomic::Ordering::Relaxed;

use super::{
    Bell, CELL_BOUND, Crossing, RunQueue, Witness, cell_model, explore, idle_task, thread,
};
use crate::task::{AbortHandle, JoinHandle};

/// What a waker's thread tells its task before the wake. Relaxed: only the wake publishes it.
type News = loom::sync::Arc<AtomicBool>;

fn no_news() -> News {
    loom::sync::Arc::new(AtomicBool::new(false))
}

fn arrived<const N: usize>(news: &[News; N]) -> Poll<()> {
    match news.iter().all(|news| news.load(Relaxed)) {
        true => Poll::Ready(()),
        false => Poll::Pending,
    }
}

/// Publishes the news and wakes.
fn tell(news: &News, waker: Waker) {
    news.store(true, Relaxed);
    waker.wake();
}

/// News published by a wake of a queued task is seen by the poll it waits for, or by one more.
#[test]
fn wake_while_queued_is_seen_by_the_poll() {
    cell_model(|| {
        let queue = RunQueue::default();
        let news = [no_news()];
        let seen = news.clone();
        let (wakers, handle) = idle_task(&queue, 2, move || arrived(&seen));
        wakers.take().wake();
        let (waker, told) = (wakers.take(), Crossing::new());
        let other = {
            let told = told.clone();
            thread(move || {
                tell(&news[0], waker);
                told.pass();
            })
        };
        told.pass();
        queue.run_all();
        other.join().expect("joins");
        queue.run_all();
        assert!(handle.is_finished(), "the wake was lost");
    });
}

/// A wake by reference during a poll leads to another poll.
#[test]
fn a_wake_by_reference_while_polled_is_seen_by_the_next_poll() {
    cell_model(|| {
        let queue = RunQueue::default();
        let news = [no_news()];
        let seen = news.clone();
        let (wakers, handle) = idle_task(&queue, 2, move || arrived(&seen));
        wakers.take().wake();
        let waker = wakers.take();
        let other = thread(move || {
            news[0].store(true, Relaxed);
            waker.wake_by_ref();
        });
        queue.run_all();
        other.join().expect("joins");
        queue.run_all();
        assert!(handle.is_finished(), "the wake was lost");
    });
}

/// Of two wakes during a poll the second one's news is seen too, though only the first queues the
/// task.
#[test]
fn a_wake_that_finds_another_one_pending_is_not_lost() {
    cell_model(|| {
        let queue = RunQueue::default();
        let news = [no_news(), no_news()];
        let seen = news.clone();
        let (wakers, handle) = idle_task(&queue, 3, move || arrived(&seen));
        wakers.take().wake();
        let others = news.map(|news| {
            let waker = wakers.take();
            thread(move || {
                news.store(true, Relaxed);
                waker.wake_by_ref();
                // Kept: with the count unchanged, two wakes leave the same word behind.
                waker
            })
        });
        queue.run_all();
        let kept = others.map(|other| other.join().expect("joins"));
        queue.run_all();
        assert!(handle.is_finished(), "a wake was lost");
        drop(kept);
    });
}

/// A thread that polls a task sees what the poll before, on another thread, left in its future.
#[test]
fn the_next_poller_sees_what_the_last_one_left() {
    cell_model(|| {
        let queue = RunQueue::default();
        let news = [no_news()];
        let seen = news.clone();
        let (wakers, handle) = idle_task(&queue, 2, move || arrived(&seen));
        wakers.take().wake();
        let waker = wakers.take();
        let other = {
            let queue = queue.clone();
            // Finds the task idle, then polls it here: the future itself is the data.
            thread(move || {
                tell(&news[0], waker);
                queue.run_all();
            })
        };
        queue.run_all();
        other.join().expect("joins");
        queue.run_all();
        assert!(handle.is_finished(), "the wake was lost");
    });
}

/// Two wakes of an idle task make one token between them.
#[test]
fn two_wakes_of_an_idle_task_queue_it_once() {
    cell_model(|| {
        let queue = RunQueue::default();
        let polls = Arc::new(Count::new(0));
        let counted = Arc::clone(&polls);
        let (wakers, handle) = idle_task(&queue, 2, move || {
            counted.fetch_add(1, Relaxed);
            Poll::<()>::Pending
        });
        let waker = wakers.take();
        let other = thread(move || waker.wake());
        wakers.take().wake_by_ref();
        other.join().expect("joins");
        let token = queue.pop().expect("a wake of an idle task queues it");
        assert!(queue.pop().is_none(), "two tokens of one task");
        token.run();
        handle.abort();
        queue.run_all();
        assert!(polls.load(Relaxed) >= 1);
        assert!(handle.is_finished());
    });
}

/// A task's cell is freed once, after every use, when handle, waker and poll let go of it at once.
#[test]
fn handle_and_reference_free_once() {
    cell_model(|| {
        let queue = RunQueue::default();
        let (wakers, handle) = idle_task(&queue, 2, || Poll::Ready(Witness::new()));
        wakers.take().wake();
        let waker = wakers.take();
        let holder = thread(move || drop(waker));
        let worker = {
            let queue = queue.clone();
            thread(move || queue.run_all())
        };
        drop(handle);
        holder.join().expect("joins");
        worker.join().expect("joins");
    });
}

/// Of the last two references to a detached task, the later one frees it.
#[test]
fn the_last_of_two_references_frees_a_detached_task() {
    cell_model(|| {
        let queue = RunQueue::default();
        let (wakers, handle) = idle_task(&queue, 3, || Poll::Ready(Witness::new()));
        drop(handle);
        wakers.take().wake();
        queue.run_all();
        let waker = wakers.take();
        let other = thread(move || drop(waker));
        wakers.take().wake();
        other.join().expect("joins");
    });
}

/// A done task is freed by its handle or by its last reference, whichever goes later.
#[test]
fn a_handle_that_outlives_the_references_frees_a_done_task() {
    cell_model(|| {
        let queue = RunQueue::default();
        let (wakers, handle) = idle_task(&queue, 2, || Poll::Ready(Witness::new()));
        wakers.take().wake();
        queue.run_all();
        let waker = wakers.take();
        let other = thread(move || drop(waker));
        drop(handle);
        other.join().expect("joins");
    });
}

/// Something that happens to a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Event {
    Run,
    WakeByValue,
    WakeByRef,
    CloneAndDropWaker,
    Abort,
    PollTwiceAndDropHandle,
    DropHandle,
}

const EVENTS: [Event; 7] = [
    Event::Run,
    Event::WakeByValue,
    Event::WakeByRef,
    Event::CloneAndDropWaker,
    Event::Abort,
    Event::PollTwiceAndDropHandle,
    Event::DropHandle,
];

impl Event {
    fn needs_handle(self) -> bool {
        matches!(self, Self::PollTwiceAndDropHandle | Self::DropHandle)
    }

    fn needs_waker(self) -> bool {
        matches!(
            self,
            Self::WakeByValue | Self::WakeByRef | Self::CloneAndDropWaker
        )
    }
}

/// What one thread of a scene does, with what it needs for that.
enum Part {
    Run(RunQueue),
    Waker(Event, Waker),
    Abort(AbortHandle),
    Handle(Event, JoinHandle<Witness>),
}

impl Part {
    fn play(self) {
        match self {
            Self::Run(queue) => queue.run_all(),
            Self::Waker(Event::WakeByValue, waker) => waker.wake(),
            Self::Waker(Event::WakeByRef, waker) => waker.wake_by_ref(),
            Self::Waker(_, waker) => drop(waker.clone()),
            Self::Abort(handle) => handle.abort(),
            Self::Handle(Event::DropHandle, handle) => drop(handle),
            Self::Handle(_, handle) => poll_twice(handle),
        }
    }
}

/// With a waker of its own each time: the second one replaces the first.
fn poll_twice(mut handle: JoinHandle<Witness>) {
    for _ in 0..2 {
        let waker = Bell::new().waker();
        let mut cx = std::task::Context::from_waker(&waker);
        let poll = std::pin::Pin::new(&mut handle);
        if std::future::Future::poll(poll, &mut cx).is_ready() {
            return;
        }
    }
}

/// What the task does in its second poll.
#[derive(Clone, Copy, Debug)]
enum Body {
    Finish,
    Panic,
    Wait,
}

/// Plays two events at once on a task that is queued or idle, then lets it end.
fn play(first: Event, second: Event, queued: bool, body: Body) {
    let queue = RunQueue::default();
    let events = [first, second];
    let wakers = events.iter().filter(|event| event.needs_waker()).count() + usize::from(queued);
    let in_future = Witness::new();
    let probe = in_future.drops.clone();
    let (wakers, handle) = idle_task(&queue, wakers, move || {
        let output = in_future.clone();
        match body {
            Body::Finish => Poll::Ready(output),
            Body::Panic => resume_unwind(Box::new(output)),
            Body::Wait => Poll::Pending,
        }
    });
    if queued {
        wakers.take().wake();
    }
    let abort = handle.abort_handle();
    let mut handle = Some(handle);
    let parts = events.map(|event| match event {
        Event::Run => Part::Run(queue.clone()),
        Event::Abort => Part::Abort(abort.clone()),
        _ if event.needs_waker() => Part::Waker(event, wakers.take()),
        _ => Part::Handle(event, handle.take().expect("one event takes the handle")),
    });
    // A task that nothing will end is ended by an abort; else no reference may be kept for it.
    let ends = !matches!(body, Body::Wait) && queued;
    let abort = (!ends).then_some(abort);
    let [here, there] = parts;
    let other = thread(move || there.play());
    here.play();
    other.join().expect("joins");
    queue.run_all();
    if let Some(abort) = abort {
        abort.abort();
        queue.run_all();
        assert!(abort.is_finished());
    }
    drop(handle);
    assert!(probe.load(Relaxed) >= 1, "the future is gone");
}

fn play_all(queued: bool) {
    let mut explored = 0;
    let mut scenes = 0;
    for (n, &first) in EVENTS.iter().enumerate() {
        for &second in &EVENTS[n..] {
            if first.needs_handle() && second.needs_handle() {
                continue; // There is only one.
            }
            for body in [Body::Finish, Body::Panic, Body::Wait] {
                println!("{first:?} | {second:?}, then {body:?}");
                explored += explore(CELL_BOUND, move || play(first, second, queued, body));
                scenes += 1;
            }
        }
    }
    assert!(explored > 2 * scenes, "hardly anything to explore");
}

/// Any two things that can happen to a queued task at once leave it finished and freed once.
#[test]
fn every_pair_of_events_on_a_queued_task_frees_it_once() {
    play_all(true);
}

/// Any two things that can happen to an idle task at once leave it finished and freed once.
#[test]
fn every_pair_of_events_on_an_idle_task_frees_it_once() {
    play_all(false);
}
