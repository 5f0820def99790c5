//! What is read out of rustdoc's pages, and what is found wanting.

use super::docs::{members, own_source, pages};
use super::*;

#[test]
fn the_list_of_pages_names_each_item() {
    let html = r#"<li><a href="task/struct.JoinSet.html">task::JoinSet</a></li>
        <a href="../help.html">Help</a><a href="fn.spawn.html">spawn</a>"#;
    let pages = pages(html);
    assert_eq!(pages.len(), 1);
    assert_eq!(pages["task::JoinSet"], "task/struct.JoinSet.html");
}

#[test]
fn members_are_those_of_the_item_and_not_of_its_traits() {
    let html = r#"<h2 id="variants">…<section id="variant.One"><span id="variant.One.field.0">
        <h2 id="implementations" class="x"><section id="method.new"><section id="method.join">
        <h2 id="trait-implementations"><section id="method.fmt">"#;
    assert_eq!(members(html), ["One", "join", "new"]);
}

#[test]
fn the_source_of_an_item_is_not_that_of_its_methods() {
    let html = r#"<h1>Struct <a class="src" href="../../src/heist_net/udp.rs.html#4">Source</a></h1>
        <a class="src rightside" href="../../src/tokio/io/mod.rs.html#9">Source</a>"#;
    assert_eq!(own_source(html), "../../src/heist_net/udp.rs.html#4");
    let html = r#"<a class="src rightside" href="../../src/tokio/io/mod.rs.html#9">Source</a>"#;
    assert_eq!(own_source(html), "");
}

fn row(path: &str, place: Place, members: &[&str], missing: &[&str]) -> Row {
    let owned = |names: &[&str]| names.iter().map(ToString::to_string).collect();
    Row {
        item: Item {
            path: path.to_owned(),
            members: owned(members),
            is_foreign: false,
        },
        place,
        missing: owned(missing),
    }
}

fn settings(at_least: f64, absent: &[&str]) -> Settings {
    Settings {
        modules: vec!["task".to_owned()],
        at_least,
        absent: vec![Absent {
            items: absent.iter().map(ToString::to_string).collect(),
            reason: "because".to_owned(),
        }],
    }
}

#[test]
fn a_gap_wants_a_reason_and_a_reason_a_gap() {
    let rows = [
        row("task::Here", Place::Here, &["a", "b"], &["b"]),
        row("task::Gone", Place::Absent, &["x", "y"], &[]),
    ];
    assert_eq!(total(rows.iter()), (6, 2));
    let both = ["task::Here::b", "task::Gone"];
    assert!(judge(&settings(30.0, &both), &rows).is_ok());
    let error = |settings| judge(&settings, &rows).expect_err("a finding").to_string();
    assert!(error(settings(30.0, &both[..1])).contains("`tokio::task::Gone` is not here"));
    assert!(error(settings(90.0, &both)).contains("less than 90 %"));
    let three = [both[0], both[1], "task::Here::a"];
    assert!(error(settings(30.0, &three)).contains("`task::Here::a` is absent, but it is here"));
}

#[test]
fn the_tables_stand_between_their_markers() {
    let rows = [row("task::Here", Place::Here, &["a", "b"], &["b"])];
    let tables = table::of("1.0.0", &settings(0.0, &["task::Here::b"]), &rows);
    assert!(tables.contains("| `task::Here` | here | 1 of 2; not `b` |"));
    assert!(tables.contains("| `task::Here::b` | because |"));
    let old = "before\n<!-- tables: written by `cargo xtask coming-from --write` -->\nold\n\
               <!-- end of the tables -->\nafter\n";
    let new = table::splice(old, &tables).expect("has the markers");
    assert!(new.starts_with("before\n") && new.ends_with("after\n") && !new.contains("old"));
    assert!(table::splice("none", &tables).is_err());
}
