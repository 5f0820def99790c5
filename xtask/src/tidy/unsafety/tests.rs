//! Uses of `unsafe`.

use super::*;

fn findings(path: &str, text: &str) -> Vec<String> {
    let source = Source::new(path, text);
    check(&source)
        .into_iter()
        .map(|finding| finding.what)
        .collect()
}

const ALLOWED_FILE: &str = "crates/scheduler/src/task/cell.rs";

#[test]
fn a_block_needs_its_argument() {
    assert_eq!(findings(ALLOWED_FILE, "let x = unsafe { y() };").len(), 1);
    assert!(findings(ALLOWED_FILE, "// SAFETY: z\nlet x = unsafe { y() };").is_empty());
    assert!(findings(ALLOWED_FILE, "// SAFETY: z\nunsafe impl Send for T {}").is_empty());
    let shared = "// SAFETY: z\nunsafe { y() };\nunsafe { y() };";
    assert_eq!(findings(ALLOWED_FILE, shared).len(), 1);
}

#[test]
fn a_declaration_needs_a_safety_section() {
    assert_eq!(
        findings(ALLOWED_FILE, "/// Does x.\nunsafe fn x() {}").len(),
        1
    );
    let documented =
        "/// Does x.\n///\n/// # Safety\n/// y.\n#[inline]\npub(crate) unsafe fn x() {}";
    assert!(findings(ALLOWED_FILE, documented).is_empty());
}

#[test]
fn the_type_of_a_pointer_declares_nothing() {
    assert!(findings(ALLOWED_FILE, "struct V { poll: unsafe fn(*mut ()) }").is_empty());
}

#[test]
fn unsafe_code_elsewhere_is_found() {
    let text = "// SAFETY: z\nunsafe { y() };";
    assert_eq!(findings("crates/scheduler/src/worker.rs", text).len(), 1);
    assert!(
        findings(
            "crates/scheduler/src/worker.rs",
            "// unsafe { }\nf(\"unsafe {\");"
        )
        .is_empty()
    );
}

#[test]
fn a_crate_without_unsafe_code_forbids_it() {
    assert_eq!(findings("crates/net/src/lib.rs", "//! Net.\n").len(), 1);
    assert!(
        findings(
            "crates/net/src/lib.rs",
            "//! Net.\n#![forbid(unsafe_code)]\n"
        )
        .is_empty()
    );
    assert!(findings("crates/reactor/src/lib.rs", "//! Reactor.\n").is_empty());
}
