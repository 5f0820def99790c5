//! Plain rules.

use super::*;

fn found(path: &str, text: &str) -> Vec<String> {
    check(&Source::new(path, text))
        .into_iter()
        .map(|finding| finding.what)
        .collect()
}

#[test]
fn a_file_begins_with_its_head() {
    assert!(found("crates/x/src/a.rs", "//! A.\nfn f() {}").is_empty());
    assert_eq!(found("crates/x/src/a.rs", "\n//! A.").len(), 1);
    assert_eq!(found("xtask/src/a.rs", "fn f() {}").len(), 1);
}

#[test]
fn words_without_a_place_are_found() {
    for line in [
        "#[allow(dead_code)]",
        "#![allow(x)]",
        "#[ignore]",
        "todo!()",
        "/// ```ignore",
    ] {
        let text = format!("//! A.\n{line}\n");
        assert_eq!(found("crates/x/src/a.rs", &text).len(), 1, "{line}");
    }
    for line in [
        "// todo!()",
        "let x = \"#[allow(y)]\";",
        "#[expect(x, reason = \"y\")]",
        "/// ```no_run",
    ] {
        let text = format!("//! A.\n{line}\n");
        assert!(found("crates/x/src/a.rs", &text).is_empty(), "{line}");
    }
}

#[test]
fn a_long_file_is_found() {
    let long = |lines: usize| format!("//! A.\n{}", "f();\n".repeat(lines - 1));
    assert!(found("crates/x/src/a.rs", &long(400)).is_empty());
    let warned = check(&Source::new("crates/x/src/a.rs", &long(401)));
    assert_eq!(warned[0].severity, super::super::Severity::Warning);
    let failed = check(&Source::new("crates/x/src/a.rs", &long(501)));
    assert_eq!(failed[0].severity, super::super::Severity::Error);
    assert_eq!(found("examples/src/bin/a.rs", &long(151)).len(), 1);
}

#[test]
fn a_path_of_this_machine_is_found() {
    let root = Path::new("/some/clone");
    let count = |text: &str| check_absolute_paths("README.md", text, root).len();
    assert_eq!(count("see /some/clone/README.md"), 1);
    assert_eq!(count(concat!("see /ho", "me/me/x")), 1);
    assert_eq!(count("see /proc/self and crates/heist/"), 0);
    let short = check_absolute_paths("a", "see crates/heist/src/lib.rs", Path::new("/src"));
    assert!(short.is_empty());
}
