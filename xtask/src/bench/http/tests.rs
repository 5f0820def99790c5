//! Reading wrk's output.

use super::*;

#[test]
fn the_summary_of_wrk_is_read() {
    let text = "  Latency Distribution\n     50%  300.00us\n     99%    1.20ms\n\
         \x20 1000 requests in 5.00s, 1.00MB read\n\
         \x20 Socket errors: connect 0, read 1, write 0, timeout 2\n\
         \x20 Non-2xx or 3xx responses: 4\nRequests/sec:    200.50\n";
    let lines: Vec<String> = text.lines().map(str::to_owned).collect();
    let run = Run {
        requests: 1000,
        per_second: 200.5,
        p99_us: 1200.0,
        errors: 7,
    };
    assert_eq!(parse_wrk(&lines), Some(run));
    assert_eq!(parse_wrk(&[]), None);
}
