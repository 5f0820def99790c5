//! Arguments, verdicts, and the reasons of suppressions.

use std::fs;

use super::program::judge;
use super::*;

fn parsed(words: &[&str]) -> std::result::Result<Options, String> {
    let args = lexopt::Parser::from_args(words);
    parse(args).map_err(|error| error.to_string())
}

#[test]
fn a_sanitizer_and_a_filter_are_read() {
    for sanitizer in Sanitizer::ALL {
        let options = parsed(&[sanitizer.name()]).expect("a known name");
        assert_eq!(
            (options.sanitizer, options.filter.as_str()),
            (sanitizer, "")
        );
    }
    let options = parsed(&["leak", "waker"]).expect("a filter is allowed");
    assert_eq!(options.filter, "waker");
}

#[test]
fn anything_else_is_refused_with_what_there_is() {
    for words in [&[][..], &["memory"], &["--deep"], &["leak", "a", "b"]] {
        parsed(words).expect_err("refused");
    }
    let error = parsed(&["memory"]).expect_err("no such sanitizer");
    assert!(error.contains("`memory`") && error.contains("address, leak or thread"));
}

#[test]
fn a_program_that_a_sanitizer_ends_has_failed() {
    let passed = "test result: ok. 3 passed; 0 failed; 0 ignored\n";
    let well = judge(Sanitizer::Leak, passed, true, 1.0);
    assert_eq!(
        (well.tally.passed, well.tally.failed, well.findings),
        (3, 0, 0)
    );
    let leaky = format!("{passed}==7==ERROR: LeakSanitizer: detected memory leaks\n");
    let leaky = judge(Sanitizer::Leak, &leaky, false, 1.0);
    assert_eq!(
        (leaky.tally.passed, leaky.tally.failed, leaky.findings),
        (3, 1, 1)
    );
    let ended = judge(
        Sanitizer::Address,
        "==7==ERROR: AddressSanitizer: …",
        false,
        1.0,
    );
    assert_eq!(
        (ended.tally.passed, ended.tally.failed, ended.findings),
        (0, 1, 1)
    );
}

#[test]
fn the_last_result_is_the_programs_own() {
    let said = "test result: ok. 1 passed; 0 failed\ntest result: ok. 44 passed; 0 failed\n";
    assert_eq!(judge(Sanitizer::Thread, said, true, 1.0).tally.passed, 44);
}

#[test]
fn every_suppression_has_its_reason() {
    let path = cargo::root().join(SUPPRESSIONS);
    let text = fs::read_to_string(path).expect("the suppressions are in the repository");
    let mut explained = false;
    let mut entries = 0;
    for line in text.lines() {
        match line {
            "" => explained = false,
            comment if comment.starts_with('#') => explained = true,
            entry => {
                assert!(explained, "`{entry}` has no reason above it");
                assert!(entry.starts_with("race:"), "`{entry}` is no suppression");
                entries += 1;
            }
        }
    }
    assert!(entries > 0);
}
