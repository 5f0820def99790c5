//! Splitting.

use super::*;

fn lines(text: &str) -> Vec<(String, String)> {
    let source = Source::new("crates/x/src/a.rs", text);
    let pair = |line: Line| (line.code.trim().to_owned(), line.comment);
    source.lines.into_iter().map(pair).collect()
}

fn code(text: &str) -> String {
    lines(text)
        .into_iter()
        .map(|(code, _)| code)
        .collect::<Vec<_>>()
        .join("|")
}

#[test]
fn comments_are_not_code() {
    assert_eq!(code("a(); // unsafe {\nb();"), "a();|b();");
    assert_eq!(lines("a(); // b")[0].1, "// b");
    assert_eq!(code("a /* x /* y */ z */ b"), "a  b");
    assert_eq!(code("a /* x\ny */ b"), "a|b");
}

#[test]
fn strings_are_not_code() {
    assert_eq!(code(r#"f("unsafe \" // {");"#), r#"f("              ");"#);
    assert!(!code(r###"f(r#"todo!() " // "#); g()"###).contains("todo"));
    assert!(code(r###"f(r#"todo!() " // "#); g()"###).ends_with("; g()"));
    assert!(code("f(b\"x\", br\"\\\"); g").ends_with("; g"));
}

#[test]
fn a_lifetime_is_code_and_a_character_is_not() {
    assert_eq!(code("fn f<'a>(x: &'a str)"), "fn f<'a>(x: &'a str)");
    assert_eq!(
        code("m('{', '\\'', '\\u{7f}', '\"')"),
        "m(   ,     ,         ,    )"
    );
}

#[test]
fn what_stands_under_cfg_test_is_marked() {
    let text = "a();\n#[cfg(test)]\nmod tests {\n  b();\n}\nc();\n#[cfg(all(test, x))]\nmod m;\nd();\n\
                #[cfg(not(test))]\nfn e() {}\n";
    let source = Source::new("crates/x/src/a.rs", text);
    let marked: Vec<bool> = source.lines.iter().map(|line| line.in_test).collect();
    let expected = [
        false, true, true, true, true, false, true, true, false, false, false,
    ];
    assert_eq!(marked, expected);
}

#[test]
fn test_and_model_files_are_marked_whole() {
    for path in [
        "crates/x/src/a/tests.rs",
        "crates/x/src/models/task.rs",
        "crates/x/src/models.rs",
        "crates/x/src/stress/scenes.rs",
        "crates/x/tests/a.rs",
    ] {
        let source = Source::new(path, "a();");
        assert!(source.lines[0].in_test, "{path}");
    }
    assert!(!Source::new("crates/x/src/a.rs", "a();").lines[0].in_test);
}

#[test]
fn a_file_knows_its_crate_and_module() {
    let module = |path: &str| Source::new(path, "").module().join("::");
    assert_eq!(module("crates/x/src/lib.rs"), "");
    assert_eq!(module("crates/x/src/a.rs"), "a");
    assert_eq!(module("crates/x/src/a/mod.rs"), "a");
    assert_eq!(module("crates/x/src/a/b.rs"), "a::b");
    assert_eq!(Source::new("crates/x/src/a.rs", "").krate(), Some("x"));
    assert_eq!(Source::new("crates/x/tests/a.rs", "").krate(), None);
    assert_eq!(Source::new("xtask/src/a.rs", "").krate(), None);
}

#[test]
fn a_statement_owns_the_comments_in_it_and_directly_above() {
    let text = "a();\n// one\n// two\nlet x = b(\n    // three\n    c,\n);\nd();\n";
    let source = Source::new("crates/x/src/a.rs", text);
    assert_eq!(source.comments_of(5), "one two three");
    assert_eq!(source.comments_of(7), "");
    assert_eq!(source.comments_of(0), "");
}
