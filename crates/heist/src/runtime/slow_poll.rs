//! What becomes of a slow poll's report when the user has set no hook: a `tracing` event.

use heist_scheduler::SlowPollHook;

/// The hook that reports to `tracing`.
#[cfg(feature = "tracing")]
pub(super) fn by_default() -> Option<SlowPollHook> {
    Some(std::sync::Arc::new(event))
}

/// Without `tracing` nobody is told; the metrics count.
#[cfg(not(feature = "tracing"))]
pub(super) fn by_default() -> Option<SlowPollHook> {
    None
}

#[cfg(feature = "tracing")]
fn event(poll: &heist_scheduler::SlowPoll) {
    let task = poll.task.as_ref();
    let name = task.and_then(|task| task.name.as_deref()).unwrap_or("");
    let spawned_at = task.map(|task| task.spawned_at.to_string());
    let message = match poll.is_over {
        false => "a task keeps its worker",
        true => "a task has given its worker back",
    };
    tracing::warn!(
        target: "heist::slow_poll",
        worker = poll.worker,
        task.id = task.map(|task| tracing::field::display(task.id)),
        task.name = name,
        task.spawned_at = spawned_at.as_deref().unwrap_or(""),
        duration_ms = u64::try_from(poll.duration.as_millis()).unwrap_or(u64::MAX),
        stall = ?poll.stall,
        "{message}"
    );
}
