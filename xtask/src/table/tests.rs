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

#[test]
fn columns_of_words_line_up_to_the_left() {
    let mut table = Table::new(["model", "claim", "seconds"]).left([1]);
    table.row(["a".to_owned(), "it holds".to_owned(), "1.0".to_owned()]);
    let text = "  model  claim     seconds\n  a      it holds      1.0\n";
    assert_eq!(table.to_string(), text);
}

#[test]
fn markdown_says_which_columns_are_figures() {
    let mut table = Table::new(["peer", "req/s"]);
    table.row(["heist".to_owned(), "1".to_owned()]);
    let text = "| peer | req/s |\n| --- | ---: |\n| heist | 1 |\n";
    assert_eq!(table.markdown(), text);
}

#[test]
fn what_is_between_the_markers_is_replaced() {
    let markers = ["<begin>", "<end>"];
    let text = splice("a\n<begin>\nold\n<end>\nb\n", markers, "new\n");
    let text = text.expect("it has both markers");
    assert_eq!(text, "a\n<begin>\nnew\n<end>\nb\n");
    for bad in ["", "<begin>", "<end><begin>", "<begin><end><begin>"] {
        assert!(splice(bad, markers, "").is_err(), "{bad}");
    }
}
