//! Reports as models write them.

use std::fs;
use std::io::Write as _;

use super::*;

fn read(text: &str) -> Report {
    let mut report = Report::default();
    text.lines().for_each(|line| report.take(line));
    report
}

#[test]
fn the_last_word_on_progress_counts() {
    let report = read("scene 0 bound 3\nexplored 32\nexplored 64\n");
    assert_eq!(
        (report.bound, report.scene, report.explored),
        (Some(3), 0, 64)
    );
    assert!(report.panics.is_empty());
}

#[test]
fn of_several_scenes_the_smallest_bound_is_the_models() {
    let report =
        read("scene 0 bound 3\nexplored 5\nscene 1 bound 2\nexplored 9\nscene 2 bound 3\n");
    assert_eq!(
        (report.bound, report.scene, report.explored),
        (Some(2), 2, 9)
    );
}

#[test]
fn each_panic_keeps_its_own_message() {
    let report = read("panic\n  at a.rs:1:2\n  left: 1\n  right: 2\npanic\n  at b.rs:3:4\n");
    let first = ["at a.rs:1:2", "left: 1", "right: 2"]
        .map(str::to_owned)
        .to_vec();
    assert_eq!(report.panics, [first, vec!["at b.rs:3:4".to_owned()]]);
}

#[test]
fn what_is_not_understood_is_left_alone() {
    let report = read("explored soon\n  of nobody\nsomething else\n\n");
    assert_eq!(report, Report::default());
}

#[test]
fn a_line_is_taken_once_it_has_ended() {
    let path = std::env::temp_dir().join(format!("heist-report-{}", std::process::id()));
    let mut follower = Follower::new(&path);
    let mut report = Report::default();
    assert!(!follower.read(&mut report).expect("no file is no error"));
    let mut file = fs::File::create(&path).expect("the directory is there");
    file.write_all(b"explored 3\nexplored 1")
        .expect("it is open");
    assert!(follower.read(&mut report).expect("it can be read"));
    assert_eq!(report.explored, 3);
    file.write_all(b"5\n").expect("it is open");
    assert!(follower.read(&mut report).expect("it can be read"));
    assert_eq!(report.explored, 15);
    assert!(!follower.read(&mut report).expect("it can be read"));
    fs::remove_file(&path).expect("it is ours");
}
