//! A handle that nobody awaits: was the task's end, and its panic, meant to go unseen?
#![deny(unused_must_use)]

#[heist::main]
async fn main() {
    heist::spawn(async { 6 * 7 });
    heist::task::spawn_blocking(|| 6 * 7);
}
