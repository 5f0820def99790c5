//! Something every 10 ms that keeps its phase, while a slow step in between makes it miss ticks.

use heist::time::{Duration, Instant, interval, sleep};

async fn ticker(period: Duration, count: u32) {
    let start = Instant::now();
    let mut ticks = interval(period);
    for n in 0..count {
        ticks.tick().await;
        let late = Instant::now() >= start + period * n;
        println!(
            "tick {n} not early: {}",
            if late { "True" } else { "False" }
        );
        if n == 1 {
            sleep(period.mul_f64(2.5)).await;
            println!("slow step");
        }
    }
}

#[heist::main]
async fn main() {
    ticker(Duration::from_millis(10), 6).await;
}
