//! `#[heist::main]` and `#[heist::test]` as a user writes them.

use std::io;
use std::time::Duration;

#[heist::test]
async fn a_test_runs_on_a_runtime() {
    let task = heist::spawn(async { 2 + 2 });
    assert_eq!(task.await.expect("no panic"), 4);
    heist::time::sleep(Duration::from_millis(1)).await;
}

#[heist::test(worker_threads = 3)]
async fn a_test_has_the_workers_it_asks_for() {
    assert_eq!(heist::runtime::Handle::current().metrics().num_workers(), 3);
}

#[heist::test(flavor = "multi_thread", crate = "heist")]
async fn a_test_may_use_the_question_mark() -> io::Result<()> {
    let listener = heist::net::TcpListener::bind("127.0.0.1:0").await?;
    listener.local_addr()?;
    Ok(())
}

#[heist::test(flavor = "current_thread")]
async fn a_test_may_have_its_thread_for_itself() {
    let here = std::thread::current().id();
    let there = heist::spawn(async { std::thread::current().id() });
    assert_eq!(there.await.expect("no panic"), here);
}

#[heist::test(start_paused = true)]
async fn a_test_may_begin_with_a_stopped_clock() {
    let start = heist::time::Instant::now();
    heist::time::sleep(Duration::from_secs(86_400)).await;
    assert_eq!(start.elapsed(), Duration::from_secs(86_400));
}

#[heist::test(flavor = "local")]
async fn a_test_may_have_local_tasks() {
    let five = std::rc::Rc::new(5);
    let task = heist::task::spawn_local(async move { *five });
    assert_eq!(task.await.expect("no panic"), 5);
}

#[heist::test(name = "api", flavor = "multi_thread")]
async fn a_test_may_name_its_runtime() {
    assert_eq!(heist::runtime::Handle::current().name(), Some("api"));
}

#[heist::test(unhandled_panic = "shutdown_runtime")]
#[should_panic(expected = "the task's panic")]
async fn a_test_may_fail_by_the_panic_of_a_task() {
    drop(heist::spawn(async { panic!("the task's panic") }));
    std::future::pending::<()>().await;
}

#[heist::test(unhandled_panic = "ignore")]
async fn a_test_may_leave_a_panic_to_the_handle() {
    let task = heist::spawn(async { panic!("the task's panic") });
    assert!(task.await.expect_err("panicked").is_panic());
}

#[heist::main(flavor = "local")]
async fn start_locally(factor: usize) -> std::rc::Rc<usize> {
    let task = heist::task::spawn_local(async move { std::rc::Rc::new(factor * 21) });
    task.await.expect("no panic")
}

#[test]
fn what_a_local_main_returns_need_not_be_send() {
    assert_eq!(*start_locally(2), 42);
}

#[heist::test]
#[should_panic(expected = "the body's panic")]
async fn a_panic_in_the_body_fails_the_test() {
    panic!("the body's panic");
}

#[heist::main(worker_threads = 1)]
async fn start(factor: usize) -> usize {
    let task = heist::spawn(async move { factor * 21 });
    task.await.expect("no panic")
}

#[test]
fn main_makes_an_ordinary_function_of_any_signature() {
    assert_eq!(start(2), 42);
}

/// Stands for a crate that re-exports Heist under another name.
mod renamed {
    pub(crate) use heist as runtime_of_choice;
}

#[heist::main(crate = "crate::renamed::runtime_of_choice")]
async fn elsewhere() -> &'static str {
    "found"
}

#[test]
fn the_crate_may_live_under_another_name() {
    assert_eq!(elsewhere(), "found");
}
