//! Blocking work goes to threads while the runtime goes on.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use heist::task::spawn_blocking;
use heist::time::{Duration, sleep};

fn blocking(n: u32) -> u32 {
    std::thread::sleep(Duration::from_millis(20));
    n * n
}

async fn heartbeat(stop: Arc<AtomicBool>) -> u32 {
    let mut beats = 0;
    while !stop.load(Relaxed) {
        beats += 1;
        sleep(Duration::from_millis(1)).await;
    }
    beats
}

#[heist::main]
async fn main() {
    let stop = Arc::new(AtomicBool::new(false));
    let beating = heist::spawn(heartbeat(stop.clone()));
    let jobs: Vec<_> = (0..5)
        .map(|n| spawn_blocking(move || blocking(n)))
        .collect();
    let mut squares = Vec::new();
    for job in jobs {
        squares.push(job.await.expect("no panic"));
    }
    stop.store(true, Relaxed);
    println!("{squares:?}");
    let went_on = beating.await.expect("no panic") > 1;
    println!(
        "the loop went on: {}",
        if went_on { "True" } else { "False" }
    );
}
