//! What a server prints, read.

use super::*;

#[test]
fn the_address_is_found_with_and_without_a_scheme() {
    let addr = Some(SocketAddr::from(([127, 0, 0, 1], 80)));
    assert_eq!(listening("listening on 127.0.0.1:80"), addr);
    assert_eq!(listening("http: listening on http://127.0.0.1:80"), addr);
    assert_eq!(listening("starting"), None);
}

#[test]
fn counters_are_read_per_worker_and_compared() {
    let before = Metrics::parse("heist_worker_polls_total{worker=\"1\"} 5\n");
    let after = Metrics::parse(
        "# TYPE heist_worker_polls_total counter\n\
         heist_worker_polls_total{worker=\"0\"} 7\n\
         heist_worker_polls_total{worker=\"1\"} 9\n\
         heist_tasks_live 3\n",
    );
    assert_eq!(after.since(&before, "heist_worker_polls_total", 0), Some(7));
    assert_eq!(after.since(&before, "heist_worker_polls_total", 1), Some(4));
    assert_eq!(after.since(&before, "heist_worker_polls_total", 2), None);
}
