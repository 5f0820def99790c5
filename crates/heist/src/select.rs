//! `select!`, under the budget.

#[doc(hidden)]
pub use tokio::select as unbudgeted;

/// Waits on several branches at once, runs the handler of the first that completes, and drops the others.
///
/// Syntax and meaning are those of [tokio's `select!`](https://docs.rs/tokio/latest/tokio/macro.select.html):
/// `pattern = future [, if condition] => handler`, up to 64 times, with `biased;` in front to poll them in
/// the order in which they are written instead of a random one, and `else => handler` at the end for when no
/// branch is left.
///
/// Each use takes one unit of the task's budget, and yields first if there is none left. Without that a loop
/// over a socket and a channel that is never empty would, after so many reads, serve the channel alone: those
/// reads are out of budget, [channels](crate::sync) know of none, and so the poll would not end.
///
/// # Cancel safety
/// The futures that lose are dropped. In a loop, use those whose pages say that this loses nothing, or keep
/// the future outside and give `&mut future` to the branch.
///
/// # Panics
/// If no branch is left, because the pattern of each that completed did not match or its condition was false,
/// and there is no `else`.
///
/// # Examples
/// ```
/// use std::time::Duration;
///
/// # #[heist::main(flavor = "current_thread", start_paused = true)] async fn main() {
/// let (sender, mut receiver) = heist::sync::mpsc::channel(1);
/// heist::spawn(async move {
///     heist::time::sleep(Duration::from_millis(20)).await;
///     sender.send("done").await
/// });
/// let mut ticks = 0;
/// let mut interval = heist::time::interval(Duration::from_millis(6));
/// let message = loop {
///     heist::select! {
///         _ = interval.tick() => ticks += 1,
///         message = receiver.recv() => break message,
///     }
/// };
/// assert_eq!((message, ticks), (Some("done"), 4));
/// # }
/// ```
#[macro_export]
macro_rules! select {
    ($($branches:tt)*) => {{
        $crate::task::consume_budget().await;
        $crate::select::unbudgeted! { $($branches)* }
    }};
}
