//! Several waits at once, each with a timeout.

use heist::time::{Duration, sleep, timeout};

async fn fetch(name: &str, seconds: f64) -> String {
    sleep(Duration::from_secs_f64(seconds)).await;
    format!("{name} after {}", (seconds * 100.0).round())
}

async fn bounded(name: &str, seconds: f64) -> String {
    let limit = Duration::from_millis(100);
    let fetched = timeout(limit, fetch(name, seconds)).await;
    fetched.unwrap_or_else(|_| format!("{name} timed out"))
}

#[heist::main]
async fn main() {
    let (a, b, c) = heist::join!(bounded("a", 0.02), bounded("b", 5.0), bounded("c", 0.04));
    for result in [a, b, c] {
        println!("{result}");
    }
}
