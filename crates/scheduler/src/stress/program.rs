//! What a task does: some steps, each by chance, out of a mix that the scene chooses.

use std::future::{Future, poll_fn};
use std::panic::resume_unwind;
use std::pin::Pin;
use std::task::Poll;

use shuttle::rand::{Rng as _, thread_rng};

use super::book::{Child, Output};
use super::stage::World;

/// True `yes` times out of `of`.
pub(super) fn chance(yes: u32, of: u32) -> bool {
    thread_rng().gen_ratio(yes, of)
}

/// A number below `end`, which is not 0.
pub(super) fn below(end: usize) -> usize {
    thread_rng().gen_range(0..end)
}

/// One thing that a task does.
#[derive(Clone, Copy, Debug)]
pub(super) enum Step {
    /// Wakes itself and runs again behind the others.
    Yield,
    /// Sleeps until somebody rings.
    Wait,
    /// Wakes somebody who waits.
    Ring,
    /// Spawns a task that does the same with fewer steps.
    Spawn,
    /// Spawns a blocking job.
    Block,
    /// Hands its worker over, and blocks until a child has ended.
    InPlace,
    /// Awaits its oldest child.
    Join,
    /// Awaits whichever child ends first.
    JoinAny,
    /// Aborts a child.
    Abort,
    /// Drops a child's handle.
    Detach,
    /// Ends in a panic.
    Panic,
}

/// How often each step comes; the sum need not be anything.
pub(super) type Mix = &'static [(Step, u32)];

fn pick(mix: Mix) -> Step {
    let sum: u32 = mix.iter().map(|(_, weight)| weight).sum();
    let mut at = thread_rng().gen_range(0..sum);
    for &(step, weight) in mix {
        match at.checked_sub(weight) {
            Some(rest) => at = rest,
            None => return step,
        }
    }
    unreachable!("`at` is below the sum of the weights")
}

/// The future of a task that takes up to `steps` steps.
pub(super) fn play(world: World, steps: usize) -> Pin<Box<dyn Future<Output = Output> + Send>> {
    Box::pin(async move {
        let mut children = Vec::new();
        for _ in 0..below(steps + 1) {
            take(&world, pick(world.mix), steps / 2, &mut children).await;
        }
        // The rest: awaited in order, or let go.
        for child in children {
            if chance(2, 3) {
                child.join().await;
            }
        }
        world.output()
    })
}

async fn take(world: &World, step: Step, steps: usize, children: &mut Vec<Child>) {
    let any = |children: &Vec<Child>| (!children.is_empty()).then(|| below(children.len()));
    match step {
        Step::Yield => yield_now().await,
        Step::Wait => world.board.wait().await,
        Step::Ring => world.board.ring_one(),
        Step::Spawn => children.extend(world.spawn(steps)),
        Step::Block => children.extend(world.block()),
        Step::InPlace => {
            if let Some(child) = children.pop() {
                world.in_place(|| child.block_on());
            }
        }
        Step::Join => {
            if !children.is_empty() {
                children.remove(0).join().await;
            }
        }
        Step::JoinAny => join_any(children).await,
        Step::Abort => {
            if let Some(index) = any(children) {
                children[index].abort();
            }
        }
        Step::Detach => {
            if let Some(index) = any(children) {
                drop(children.swap_remove(index));
            }
        }
        // Resumed, so that it does not count as a panic of the scene.
        Step::Panic => {
            world.life.will_panic();
            resume_unwind(Box::new("the scene's own panic"));
        }
    }
}

/// Wakes itself once.
async fn yield_now() {
    let mut yielded = false;
    poll_fn(|cx| {
        if yielded {
            return Poll::Ready(());
        }
        yielded = true;
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

async fn join_any(children: &mut Vec<Child>) {
    if children.is_empty() {
        return;
    }
    let index = poll_fn(|cx| {
        let mut polled = children.iter_mut().map(|child| child.poll_end(cx));
        match polled.position(|polled| polled.is_ready()) {
            Some(index) => Poll::Ready(index),
            None => Poll::Pending,
        }
    })
    .await;
    children.swap_remove(index);
}
