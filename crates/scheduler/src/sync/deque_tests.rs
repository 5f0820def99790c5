//! The stand-in against the real deque: the same answers in every sequential history, and beside a
//! thief nothing that a queue could not answer.

use std::collections::VecDeque;
use std::thread;

use crossbeam_deque as real;

use super::super::deque_stand_in as stand_in;

/// One call on a queue with one owner and one thief.
#[derive(Clone, Copy, Debug)]
enum Op {
    Push,
    Pop,
    /// A batch of at most so many; of one, it is a single steal.
    Steal(usize),
}

/// Runs `ops` on both and compares every answer, then what is left.
fn agree(ops: &[Op]) {
    let (ours, theirs) = (stand_in::Worker::new_fifo(), real::Worker::new_fifo());
    let (our_thief, their_thief) = (ours.stealer(), theirs.stealer());
    let (our_dest, their_dest) = (stand_in::Worker::new_fifo(), real::Worker::new_fifo());
    for (n, op) in ops.iter().enumerate() {
        match *op {
            Op::Push => {
                ours.push(n);
                theirs.push(n);
            }
            Op::Pop => assert_eq!(ours.pop(), theirs.pop(), "{ops:?} at {n}"),
            Op::Steal(limit) => {
                let a = our_thief.steal_batch_with_limit_and_pop(&our_dest, limit);
                let b = their_thief.steal_batch_with_limit_and_pop(&their_dest, limit);
                match (a, b) {
                    (stand_in::Steal::Empty, real::Steal::Empty) => {}
                    (stand_in::Steal::Success(a), real::Steal::Success(b)) => assert_eq!(a, b),
                    (a, b) => panic!("{ops:?} at {n}: {a:?} against {b:?}"),
                }
            }
        }
        assert_eq!(ours.len(), theirs.len(), "{ops:?} at {n}");
        assert_eq!(our_thief.len(), their_thief.len(), "{ops:?} at {n}");
        assert_eq!(our_thief.is_empty(), their_thief.is_empty());
        assert_eq!(our_dest.len(), their_dest.len(), "{ops:?} at {n}");
    }
    assert_eq!(rest(|| ours.pop()), rest(|| theirs.pop()), "{ops:?}");
    let our_loot = rest(|| our_dest.pop());
    assert_eq!(our_loot, rest(|| their_dest.pop()), "{ops:?}");
}

/// What is left, in its order.
fn rest<T>(pop: impl FnMut() -> Option<T>) -> Vec<T> {
    std::iter::from_fn(pop).collect()
}

/// Every history of so many of these calls.
fn agree_on_all(ops: &[Op], length: usize) {
    let mut history = vec![Op::Push; length];
    for code in 0..ops.len().pow(length as u32) {
        let mut digits = code;
        for op in &mut history {
            *op = ops[digits % ops.len()];
            digits /= ops.len();
        }
        agree(&history);
    }
}

#[test]
fn stand_in_agrees_with_crossbeam_on_every_short_history() {
    agree_on_all(&[Op::Push, Op::Pop, Op::Steal(4)], 8);
    agree_on_all(&[Op::Push, Op::Pop, Op::Steal(1), Op::Steal(2)], 6);
}

#[test]
fn stand_in_agrees_with_crossbeam_on_batches_of_every_size() {
    for queued in 0..12 {
        for limit in 1..8 {
            let mut history = vec![Op::Push; queued];
            history.extend([Op::Steal(limit), Op::Pop, Op::Steal(limit)]);
            agree(&history);
        }
    }
}

/// What the owner of a queue and a thief came to, with [`ITEMS`] pushed in order.
struct Share {
    popped: Vec<usize>,
    /// In the order of the loot: each steal's own item before those it took along.
    stolen: Vec<usize>,
}

/// As many as the stand-in takes in its life.
const ITEMS: usize = 16;

/// An owner that pushes and pops beside a thief that steals until it is told that all is over.
macro_rules! share {
    ($deque:ident, $limit:expr) => {{
        let owner = $deque::Worker::new_fifo();
        let thief = owner.stealer();
        let (over, is_over) = std::sync::mpsc::channel::<()>();
        let thieving = thread::spawn(move || {
            let (loot, mut stolen) = ($deque::Worker::new_fifo(), Vec::new());
            loop {
                // Asked before the look: what was pushed before the end is seen by this look.
                let last = is_over.try_recv().is_ok();
                match thief.steal_batch_with_limit_and_pop(&loot, $limit) {
                    $deque::Steal::Success(item) => {
                        stolen.push(item);
                        stolen.extend(rest(|| loot.pop()));
                    }
                    $deque::Steal::Empty if last => return stolen,
                    $deque::Steal::Empty | $deque::Steal::Retry => {}
                }
                assert!(thief.len() <= ITEMS && !last);
            }
        });
        let mut popped = Vec::new();
        for item in 0..ITEMS {
            owner.push(item);
            if item % 3 == 2 {
                popped.extend(owner.pop());
            }
        }
        popped.extend(rest(|| owner.pop()));
        over.send(()).expect("the thief waits for it");
        let stolen = thieving.join().expect("does not panic");
        Share { popped, stolen }
    }};
}

/// Each item went to one of the two, and to each in the order of the queue.
fn check(share: Share, who: &str) {
    let Share { popped, stolen } = share;
    assert!(popped.is_sorted(), "{who}: popped {popped:?}");
    assert!(stolen.is_sorted(), "{who}: stolen {stolen:?}");
    let mut all: VecDeque<usize> = popped.into_iter().chain(stolen).collect();
    all.make_contiguous().sort_unstable();
    assert_eq!(all, (0..ITEMS).collect::<VecDeque<_>>(), "{who}");
}

#[test]
fn an_owner_and_a_thief_share_what_was_pushed_in_both() {
    for _ in 0..200 {
        for limit in [1, 3, 8] {
            check(share!(stand_in, limit), "the stand-in");
            check(share!(real, limit), "crossbeam");
        }
    }
}
