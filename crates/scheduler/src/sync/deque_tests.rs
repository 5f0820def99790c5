//! The stand-in and the real deque agree on every sequential history.

use crossbeam_deque as real;

use super::super::deque_stand_in as stand_in;

/// One call on a queue with one owner and one thief.
#[derive(Clone, Copy, Debug)]
enum Op {
    Push,
    Pop,
    StealBatch,
}

/// Runs `ops` on both and compares every answer, then what is left.
fn agree(ops: &[Op]) {
    let (ours, theirs) = (stand_in::Worker::new_fifo(), real::Worker::new_fifo());
    let (our_dest, their_dest) = (stand_in::Worker::new_fifo(), real::Worker::new_fifo());
    for (n, op) in ops.iter().enumerate() {
        match op {
            Op::Push => {
                ours.push(n);
                theirs.push(n);
            }
            Op::Pop => assert_eq!(ours.pop(), theirs.pop(), "{ops:?} at {n}"),
            Op::StealBatch => {
                let a = ours.stealer().steal_batch_with_limit_and_pop(&our_dest, 4);
                let b = theirs
                    .stealer()
                    .steal_batch_with_limit_and_pop(&their_dest, 4);
                match (a, b) {
                    (stand_in::Steal::Empty, real::Steal::Empty) => {}
                    (stand_in::Steal::Success(a), real::Steal::Success(b)) => assert_eq!(a, b),
                    (a, b) => panic!("{ops:?} at {n}: {a:?} against {b:?}"),
                }
            }
        }
        assert_eq!(ours.len(), theirs.len(), "{ops:?} at {n}");
        assert_eq!(ours.stealer().is_empty(), theirs.stealer().is_empty());
        assert_eq!(our_dest.len(), their_dest.len(), "{ops:?} at {n}");
    }
    while let Some(item) = theirs.pop() {
        assert_eq!(ours.pop(), Some(item));
    }
    assert_eq!(ours.pop(), None);
}

#[test]
fn stand_in_agrees_with_crossbeam_on_every_short_history() {
    let ops = [Op::Push, Op::Pop, Op::StealBatch];
    let mut history = vec![Op::Push; 9];
    for code in 0..3_usize.pow(9) {
        let mut rest = code;
        for op in &mut history {
            *op = ops[rest % 3];
            rest /= 3;
        }
        agree(&history);
    }
}
