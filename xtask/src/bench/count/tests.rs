//! Reading what the counting tools print.

use super::*;

#[test]
fn the_counts_of_callgrind_are_read() {
    let log = "==7== Events    : Ir Ge\n==7== Collected : 139126063 1000022\n==7== \n";
    let counts = Tool::Callgrind.parse(log);
    assert_eq!(
        counts,
        Some(named([
            (INSTRUCTIONS.key, 139_126_063.0),
            (RMWS.key, 1_000_022.0)
        ]))
    );
    assert_eq!(Tool::Callgrind.parse("==7== killed\n"), None);
}

#[test]
fn the_count_of_perf_is_read() {
    let log = "# started on Mon\n\n143,,raw_syscalls:sys_enter,1302120,100.00,,\n";
    assert_eq!(Tool::Perf.parse(log), Some(named([(SYSCALLS.key, 143.0)])));
    assert_eq!(
        Tool::Perf.parse("<not counted>,,raw_syscalls:sys_enter\n"),
        None
    );
}
