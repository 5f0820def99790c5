//! A worker's queue under the calls that the scheduler makes: pop, and the batch steal.

use super::{model, thread};
use crate::sync::deque::{Steal, Stealer, Worker};

/// One batch.
fn rob(stealer: &Stealer<u32>) -> Vec<u32> {
    let own = Worker::new_fifo();
    let mut taken = Vec::new();
    if let Steal::Success(item) = stealer.steal_batch_with_limit_and_pop(&own, 2) {
        taken.push(item);
    }
    taken.extend(std::iter::from_fn(|| own.pop()));
    taken
}

/// Every task in a worker's queue goes to its owner or to a thief, and to one of them.
#[test]
fn pop_and_steal_give_each_item_to_one_taker() {
    model(|| {
        let owner = Worker::new_fifo();
        let stealer = owner.stealer();
        owner.push(1);
        owner.push(2);
        let thief = thread(move || rob(&stealer));
        owner.push(3);
        let mut taken: Vec<_> = std::iter::from_fn(|| owner.pop()).collect();
        taken.extend(thief.join().expect("joins"));
        taken.sort_unstable();
        assert_eq!(taken, [1, 2, 3]);
    });
}

/// Two thieves of one queue never get the same task, and leave the owner what neither took.
#[test]
fn two_thieves_and_the_owner_share_a_queue() {
    model(|| {
        let owner = Worker::new_fifo();
        (1..=3).for_each(|item| owner.push(item));
        let thieves = [owner.stealer(), owner.stealer()];
        let thieves = thieves.map(|stealer| thread(move || rob(&stealer)));
        let mut taken: Vec<_> = owner.pop().into_iter().collect();
        for thief in thieves {
            taken.extend(thief.join().expect("joins"));
        }
        taken.extend(std::iter::from_fn(|| owner.pop()));
        taken.sort_unstable();
        assert_eq!(taken, [1, 2, 3]);
    });
}
