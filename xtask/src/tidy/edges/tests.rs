//! Edges of made-up manifests.

use serde_json::json;

use super::*;

fn findings(package: &str, dependency: Value) -> Vec<String> {
    let metadata = json!({ "packages": [
        { "name": package, "manifest_path": "", "dependencies": [dependency] }
    ]});
    check(&metadata)
        .into_iter()
        .map(|finding| finding.what)
        .collect()
}

fn ours(name: &str) -> Value {
    json!({ "name": name, "path": "somewhere", "features": [] })
}

fn theirs(name: &str, features: &[&str]) -> Value {
    json!({ "name": name, "features": features })
}

#[test]
fn only_the_listed_edges_exist() {
    assert!(findings("heist-net", ours("heist-reactor")).is_empty());
    assert!(findings("heist", ours("heist-net")).is_empty());
    assert_eq!(findings("heist-scheduler", ours("heist-reactor")).len(), 1);
    assert_eq!(findings("heist-net", ours("heist")).len(), 1);
    assert_eq!(findings("heist-new", ours("heist")).len(), 1);
}

#[test]
fn rival_runtimes_live_in_the_benches() {
    assert_eq!(findings("heist-tests", theirs("smol", &[])).len(), 1);
    assert_eq!(findings("heist", theirs("tokio", &["sync", "rt"])).len(), 1);
    assert!(findings("heist", theirs("tokio", &["sync", "io-util"])).is_empty());
    assert!(findings("heist-benches", theirs("tokio", &["rt-multi-thread"])).is_empty());
}

#[test]
fn a_runtime_that_a_dependency_links_is_found() {
    let tree = "heist-examples v0.1.0 (somewhere)|\naxum v0.8.9|http1,json\ntokio v1.54.0|io-util,rt\ntokio v1.54.0|sync (*)\n";
    assert_eq!(
        linked_runtimes(tree),
        ["tokio's runtime (its feature `rt`)"]
    );
}
