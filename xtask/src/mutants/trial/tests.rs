//! Verdicts.

use super::*;

fn deaths(models: &[&str]) -> Vec<Death> {
    let death = |model: &&str| Death {
        model: (*model).to_owned(),
        how: "deadlock".to_owned(),
    };
    models.iter().map(death).collect()
}

#[test]
fn a_mutant_is_killed_when_every_model_named_fails() {
    let killed = judge(deaths(&["a", "b"]), Vec::new(), false);
    assert_eq!(killed.to_string(), "killed by a (deadlock), b (deadlock)");
    assert!(killed.is_killed() && killed.remedy().is_none());
}

#[test]
fn a_model_that_is_named_and_passes_is_a_false_claim() {
    let killed = judge(deaths(&["a"]), vec!["b".to_owned()], false);
    assert_eq!(killed.to_string(), "killed by a (deadlock), NOT BY b");
    assert!(killed.is_killed() && killed.remedy().is_some());
}

#[test]
fn a_survivor_is_argued_or_wrong() {
    let unmoved = || vec!["a".to_owned()];
    assert!(judge(Vec::new(), unmoved(), true).remedy().is_none());
    assert!(judge(Vec::new(), unmoved(), false).remedy().is_some());
    let stale = judge(deaths(&["a"]), Vec::new(), true);
    assert!(!stale.is_killed() && stale.remedy().is_some());
}

#[test]
fn a_failure_is_told_in_a_few_words() {
    assert_eq!(short("deadlock: no thread can go on"), "deadlock");
    assert_eq!(short("a\nb"), "a");
    assert_eq!(short(&"x".repeat(100)).len(), 60);
}

#[test]
fn a_model_has_time_to_fail() {
    assert!(
        limit(Duration::ZERO) >= Duration::from_secs(60),
        "a hang takes that long to see"
    );
    assert!(limit(Duration::from_secs(60)) >= Duration::from_secs(300));
}
