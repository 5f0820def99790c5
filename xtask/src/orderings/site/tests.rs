//! Finding the orderings.

use super::*;

fn sites(text: &str) -> Vec<Site> {
    in_file(&Source::new("crates/scheduler/src/task/a.rs", text))
}

fn tokens(text: &str) -> Vec<String> {
    let sites = sites(text);
    let placed = sites.iter().flat_map(|site| &site.orderings);
    placed.map(|placed| placed.token.to_string()).collect()
}

fn function(text: &str) -> String {
    sites(text)[0].function.to_string()
}

#[test]
fn each_ordering_knows_what_it_belongs_to() {
    assert_eq!(tokens("a.load(Ordering::Acquire);"), ["Acquire"]);
    assert_eq!(tokens("fence(SeqCst);"), ["fence SeqCst"]);
    let exchange = "a.compare_exchange_weak(b(c), d, AcqRel, Acquire)";
    assert_eq!(tokens(exchange), ["AcqRel", "failure Acquire"]);
    let relaxed = "a.compare_exchange(b, d,\n    Relaxed,\n    Ordering::Acquire,\n)";
    assert_eq!(tokens(relaxed), ["failure Acquire"]);
    let update = "a.fetch_update(Release, Acquire, |a| { Some(a) })";
    assert_eq!(tokens(update), ["Release", "failure Acquire"]);
}

#[test]
fn relaxed_orderings_imports_tests_and_comments_are_no_sites() {
    assert_eq!(
        tokens("a.load(Relaxed); // Acquire would not help"),
        [""; 0]
    );
    assert_eq!(tokens("pub use x::{\n    Acquire,\n};"), [""; 0]);
    assert_eq!(
        tokens("#[cfg(test)]\nmod t {\n    a.load(Acquire);\n}"),
        [""; 0]
    );
}

#[test]
fn a_site_is_a_statement() {
    let sites = sites("f(\n    a.load(Acquire),\n    b.load(SeqCst),\n);\nfence(SeqCst);\n");
    assert_eq!(sites.len(), 2);
    assert_eq!(sites[0].line(), 1);
    assert_eq!((sites[1].line(), sites[1].orderings[0].column), (4, 6));
}

#[test]
fn a_site_knows_its_function() {
    let inherent =
        "impl<T: Into<A>> b::Slot<T> {\n    fn put() {\n        fence(SeqCst);\n    }\n}";
    assert_eq!(function(inherent), "Slot::put");
    let of_trait = "impl Drop for Leave<'_> {\n    fn drop() {\n        fence(SeqCst);\n    }\n}";
    assert_eq!(function(of_trait), "Leave::drop");
    let declared = "pub trait A: Send {\n    fn b() {\n        fence(SeqCst);\n    }\n}";
    assert_eq!(function(declared), "A::b");
    let free = "impl A {\n    fn b() {}\n}\npub(crate) fn c<T>(t: T) {\n    fence(SeqCst);\n}";
    assert_eq!(function(free), "c");
    assert_eq!(sites(inherent)[0].title(), "scheduler/task/a.rs::Slot::put");
}

#[test]
fn the_comment_above_a_statement_is_its_own() {
    let text = "// ORDERING: Acquire pairs with `a`: sees b. (model: c)\n\
                let x = a\n    .load(Acquire);\nlet y = a.load(Acquire);\n";
    let sites = sites(text);
    assert_eq!(sites[0].declared().len(), 1);
    assert!(sites[1].edges.is_none());
    let free = "// ORDERING: as above\na.load(Acquire);";
    assert!(matches!(
        super::in_file(&Source::new("crates/reactor/src/a.rs", free))[0].edges,
        Some(Err(_))
    ));
}
