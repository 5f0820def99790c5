//! A worker's queue under the calls that the scheduler makes: pop, and the batch steal.

use super::{model, thread};
use crate::sync::deque::{Steal, Worker};

/// Every task in a worker's queue goes to its owner or to a thief, and to one of them.
#[test]
fn pop_and_steal_give_each_item_to_one_taker() {
    model(|| {
        let owner = Worker::new_fifo();
        let stealer = owner.stealer();
        owner.push(1);
        owner.push(2);
        let thief = thread(move || {
            let own = Worker::new_fifo();
            let mut taken = Vec::new();
            if let Steal::Success(item) = stealer.steal_batch_with_limit_and_pop(&own, 2) {
                taken.push(item);
            }
            taken.extend(std::iter::from_fn(|| own.pop()));
            taken
        });
        owner.push(3);
        let mut taken: Vec<_> = std::iter::from_fn(|| owner.pop()).collect();
        taken.extend(thief.join().expect("joins"));
        taken.sort_unstable();
        assert_eq!(taken, [1, 2, 3]);
    });
}
