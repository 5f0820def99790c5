//! Tables and figures.

use super::*;

#[test]
fn counts_are_grouped_by_thousands() {
    assert_eq!(grouped(0), "0");
    assert_eq!(grouped(999), "999");
    assert_eq!(grouped(1_000), "1,000");
    assert_eq!(grouped(1_234_567), "1,234,567");
}

#[test]
fn columns_line_up() {
    let mut table = Table::new(["peer", "req/s"]);
    table.row(["heist".to_owned(), "1".to_owned()]);
    assert_eq!(table.to_string(), "  peer   req/s\n  heist      1\n");
}
