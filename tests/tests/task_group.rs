//! `TaskGroup`: one test per clause of its documentation.

use heist::sync::{Barrier, Notify, oneshot};
use heist::task::group::{Child, Failure, GroupError, Scope};
use heist::task::{TaskGroup, yield_now};
use heist::time::{Duration, Instant, sleep};
use heist_tests::deadline;
use std::future::pending;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

type Outcome<R> = Result<R, GroupError<&'static str>>;

const HOUR: Duration = Duration::from_secs(3600);

/// Runs `test` on a stopped clock, on one thread and on three workers.
fn run<F: Future<Output = ()>>(test: impl Fn() -> F + Send + 'static) {
    deadline(move || {
        use heist::runtime::Builder;
        for mut builder in [Builder::new_current_thread(), Builder::new_multi_thread()] {
            let runtime = builder.worker_threads(3).start_paused(true).build();
            runtime.expect("a runtime").block_on(test());
        }
    });
}

/// Fails to compile where `child` is no child of a group that fails with `&str`.
async fn value<T>(child: Child<T>) -> T {
    child.await.expect("it has a value")
}

/// Counts those that are alive.
#[derive(Clone)]
struct Alive(Arc<()>);

impl Alive {
    fn new() -> Self {
        Self(Arc::new(()))
    }

    fn count(&self) -> usize {
        Arc::strong_count(&self.0) - 1
    }

    /// A child that never ends by itself.
    async fn forever<T>(self) -> Result<T, &'static str> {
        pending::<()>().await;
        drop(self);
        Err("never")
    }
}

#[test]
fn clause_01_it_waits_for_every_child() {
    run(|| async {
        let ended = Arc::new(AtomicUsize::new(0));
        let start = Instant::now();
        let outcome: Outcome<()> = TaskGroup::new()
            .run(async |scope| {
                for n in 1..=10_u32 {
                    let ended = ended.clone();
                    let child = scope.spawn(async move {
                        sleep(HOUR * n).await;
                        ended.fetch_add(1, Relaxed);
                        Ok(())
                    });
                    drop(child.await);
                }
                Ok(())
            })
            .await;
        outcome.expect("no failure");
        assert_eq!(ended.load(Relaxed), 10);
        assert_eq!(start.elapsed(), HOUR * 10);
    });
}

#[test]
fn clause_02_its_value_is_the_bodys() {
    run(|| async {
        let borrowed = "the body may borrow".to_owned();
        let text: Outcome<&str> = TaskGroup::new()
            .run(async |scope| {
                let child = scope.spawn(async { Ok(4) }).await;
                assert_eq!(value(child).await, 4);
                Ok(borrowed.as_str())
            })
            .await;
        assert_eq!(text.expect("no failure"), borrowed);
    });
}

#[test]
fn clause_03_a_failure_cancels_the_siblings_and_the_body() {
    run(|| async {
        let alive = Alive::new();
        let start = Instant::now();
        let outcome: Outcome<()> = TaskGroup::new()
            .run(async |scope| {
                for _ in 0..5 {
                    drop(scope.spawn(alive.clone().forever::<()>()).await);
                }
                drop(
                    scope
                        .spawn(async {
                            sleep(HOUR).await;
                            Err::<(), _>("first")
                        })
                        .await,
                );
                let mine = alive.clone();
                pending::<()>().await;
                drop(mine);
                Ok(())
            })
            .await;
        let error = outcome.expect_err("a child failed");
        assert_eq!(error.first().error(), Some(&"first"));
        assert!(error.others().is_empty());
        assert_eq!(error.to_string(), "first");
        assert_eq!(alive.count(), 0);
        assert_eq!(start.elapsed(), HOUR);
    });
}

#[test]
fn clause_04_a_failure_of_the_body_cancels_the_children() {
    run(|| async {
        let alive = Alive::new();
        let outcome: Outcome<()> = TaskGroup::new()
            .run(async |scope| {
                drop(scope.spawn(alive.clone().forever::<()>()).await);
                sleep(HOUR).await;
                assert_eq!(alive.count(), 1);
                Err("the body's")
            })
            .await;
        let failure = outcome.expect_err("it failed").into_first();
        assert!(matches!(failure, Failure::Error("the body's")));
        assert_eq!(alive.count(), 0);
    });
}

#[test]
fn clause_05_all_failures_come_back_the_first_one_first() {
    run(|| async {
        let outcome: Outcome<()> = TaskGroup::new()
            .run(async |scope| {
                for hours in [3, 1, 2_u32] {
                    let inner = scope.clone();
                    let child = scope.spawn(async move {
                        // A cancellation does not stop the shielded part: it fails later.
                        let fails = inner.clone();
                        drop(inner.shield(async move {
                            sleep(HOUR * hours).await;
                            if hours > 1 {
                                panic!("after {hours}");
                            }
                            drop(fails);
                        }));
                        sleep(HOUR * hours).await;
                        Err::<(), _>("one")
                    });
                    drop(child.await);
                }
                pending().await
            })
            .await;
        let error = outcome.expect_err("all failed");
        assert_eq!(error.to_string(), "one (and 2 more)");
        let failures = error.into_failures();
        let texts: Vec<String> = failures.iter().map(ToString::to_string).collect();
        let expected = [
            "one",
            "a task panicked: after 2",
            "a task panicked: after 3",
        ];
        assert_eq!(texts, expected);
    });
}

#[test]
fn clause_06_panics() {
    run(|| async {
        let alive = Alive::new();
        let outcome: Outcome<()> = TaskGroup::new()
            .run(async |scope| {
                drop(scope.spawn(alive.clone().forever::<()>()).await);
                let child = scope.spawn(async {
                    if true {
                        panic!("on purpose");
                    }
                    Ok(())
                });
                assert!(child.await.await.is_err());
                Ok(())
            })
            .await;
        assert!(outcome.expect_err("a child panicked").first().is_panic());
        assert_eq!(alive.count(), 0);
    });
    // The body's own goes through, when the children have ended.
    deadline(|| {
        let alive = Alive::new();
        let seen = alive.clone();
        let payload = catch_unwind(AssertUnwindSafe(|| {
            heist_tests::multi(2).block_on(async move {
                let body = TaskGroup::new().run(async |scope: Scope<&str>| {
                    drop(scope.spawn(alive.forever::<()>()).await);
                    if true {
                        panic!("the body's");
                    }
                    Ok(())
                });
                let _ = body.await;
            });
        }));
        let payload = payload.expect_err("it panicked");
        assert_eq!(payload.downcast_ref(), Some(&"the body's"));
        assert_eq!(seen.count(), 0);
    });
}

#[test]
fn clause_07_an_aborted_child_is_no_failure() {
    run(|| async {
        let alive = Alive::new();
        let outcome: Outcome<u32> = TaskGroup::new()
            .run(async |scope| {
                let child = scope.spawn(alive.clone().forever::<()>()).await;
                child.abort();
                assert!(child.await.is_err());
                let other = scope.spawn(async { Ok(1) }).await;
                Ok(value(other).await)
            })
            .await;
        assert_eq!(outcome.expect("no failure"), 1);
        assert_eq!(alive.count(), 0);
    });
}

#[test]
fn clause_08_children_spawn_siblings() {
    /// Each spawns two, `depth` levels deep.
    fn tree(
        scope: Scope<&'static str>,
        depth: u32,
        count: Arc<AtomicUsize>,
    ) -> std::pin::Pin<Box<dyn Future<Output = Result<(), &'static str>> + Send>> {
        Box::pin(async move {
            count.fetch_add(1, Relaxed);
            for _ in 0..if depth == 0 { 0 } else { 2 } {
                sleep(HOUR).await;
                drop(
                    scope
                        .spawn(tree(scope.clone(), depth - 1, count.clone()))
                        .await,
                );
            }
            Ok(())
        })
    }
    run(|| async {
        let count = Arc::new(AtomicUsize::new(0));
        let outcome: Outcome<()> = TaskGroup::new()
            .run(async |scope| {
                drop(scope.spawn(tree(scope.clone(), 6, count.clone())).await);
                Ok(())
            })
            .await;
        outcome.expect("no failure");
        assert_eq!(count.load(Relaxed), 127);
    });
}

#[test]
fn clause_09_a_group_that_is_over_takes_nobody_in() {
    run(|| async {
        let alive = Alive::new();
        let (send, kept) = oneshot::channel::<Scope<&'static str>>();
        let outcome: Outcome<()> = TaskGroup::new()
            .run(async |scope| {
                send.send(scope.clone()).expect("waited for");
                scope.cancel();
                let child = scope.spawn(alive.clone().forever::<()>()).await;
                assert!(child.is_finished());
                assert!(child.await.is_err());
                Ok(())
            })
            .await;
        outcome.expect("the body ended by itself, in the poll that cancelled");
        let scope = kept.await.expect("sent");
        assert!(scope.is_cancelled() && scope.is_empty());
        assert!(
            scope
                .spawn(alive.clone().forever::<()>())
                .await
                .await
                .is_err()
        );
        assert!(scope.shield(async {}).await.is_err());
        let late = scope.try_spawn(alive.clone().forever::<()>());
        assert!(late.is_ok_and(|child| child.is_finished()));
        assert_eq!(alive.count(), 0);
    });
}

#[test]
fn clause_10_dropping_it_cancels_all_children() {
    run(|| async {
        let alive = Alive::new();
        let group = TaskGroup::new().run(async |scope| {
            for _ in 0..10 {
                drop(scope.spawn(alive.clone().forever::<()>()).await);
            }
            pending::<Result<(), &'static str>>().await
        });
        let late = heist::time::timeout(HOUR, group).await;
        assert!(late.is_err());
        while alive.count() > 0 {
            yield_now().await;
        }
    });
}

#[test]
fn clause_11_an_outer_group_waits_for_the_inner_ones_children() {
    run(|| async {
        let alive = Alive::new();
        let ready = Arc::new(Barrier::new(2));
        let outcome: Outcome<()> = TaskGroup::new()
            .run(async |scope| {
                let (alive, gate) = (alive.clone(), ready.clone());
                let child = scope.spawn(async move {
                    let middle = TaskGroup::new().run(async |scope: Scope<&str>| {
                        let (alive, gate) = (alive.clone(), gate.clone());
                        let child = scope.spawn(async move {
                            let inner = TaskGroup::new().run(async |scope: Scope<&str>| {
                                drop(scope.spawn(alive.clone().forever::<()>()).await);
                                // Shielded in the innermost: the outermost waits for it, too.
                                let held = alive.clone();
                                drop(scope.shield(async move {
                                    sleep(HOUR).await;
                                    drop(held);
                                }));
                                gate.wait().await;
                                pending::<Result<(), _>>().await
                            });
                            inner.await.map_err(|_| "inner")
                        });
                        let ended: Result<(), _> = child.await.await;
                        ended.map_err(|_| "middle")
                    });
                    middle.await.map_err(|_| "outer")
                });
                drop(child.await);
                ready.wait().await;
                Err("now")
            })
            .await;
        assert_eq!(
            outcome.expect_err("it failed").first().error(),
            Some(&"now")
        );
        assert_eq!(alive.count(), 0);
    });
}

#[test]
fn clause_12_cancel() {
    run(|| async {
        let alive = Alive::new();
        let outcome: Outcome<()> = TaskGroup::new()
            .run(async |scope| {
                drop(scope.spawn(alive.clone().forever::<()>()).await);
                let inner = scope.clone();
                let child = scope.spawn(async move {
                    sleep(HOUR).await;
                    inner.cancel();
                    Ok(())
                });
                drop(child.await);
                pending().await
            })
            .await;
        let error = outcome.expect_err("the body was cut short");
        assert!(matches!(error.first(), Failure::Cancelled));
        assert_eq!(alive.count(), 0);
        let outcome: Outcome<u32> = TaskGroup::new()
            .run(async |scope| {
                drop(scope.spawn(alive.clone().forever::<()>()).await);
                scope.cancel();
                scope.cancelled().await;
                Ok(5)
            })
            .await;
        assert_eq!(outcome.expect("the body came to its end"), 5);
        assert_eq!(alive.count(), 0);
    });
}

#[test]
fn clause_13_deadline() {
    run(|| async {
        let alive = Alive::new();
        let start = Instant::now();
        // While the body runs, and after it has ended.
        for body_waits in [true, false] {
            let outcome: Outcome<()> = TaskGroup::new()
                .timeout(HOUR)
                .run(async |scope| {
                    drop(scope.spawn(alive.clone().forever::<()>()).await);
                    if body_waits {
                        pending::<()>().await;
                    }
                    Ok(())
                })
                .await;
            let error = outcome.expect_err("too late");
            assert!(matches!(error.first(), Failure::Deadline));
            assert_eq!(alive.count(), 0);
        }
        assert_eq!(start.elapsed(), HOUR * 2);
        let outcome: Outcome<()> = TaskGroup::new()
            .deadline(start + HOUR * 4)
            .run(async |scope| {
                let child = scope.spawn(async {
                    sleep(HOUR).await;
                    Ok(())
                });
                value(child.await).await;
                Ok(())
            })
            .await;
        outcome.expect("in time");
        assert_eq!(start.elapsed(), HOUR * 3);
    });
}

#[test]
fn clause_14_limit() {
    run(|| async {
        let (running, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let start = Instant::now();
        let outcome: Outcome<()> = TaskGroup::new()
            .limit(4)
            .run(async |scope| {
                for _ in 0..20 {
                    let (running, most) = (running.clone(), most.clone());
                    let child = scope.spawn(async move {
                        most.fetch_max(running.fetch_add(1, Relaxed) + 1, Relaxed);
                        sleep(HOUR).await;
                        running.fetch_sub(1, Relaxed);
                        Ok(())
                    });
                    drop(child.await);
                    assert!(scope.len() <= 4);
                }
                // Full: the future comes back.
                assert!(scope.try_spawn(async { Ok(()) }).is_err());
                Ok(())
            })
            .await;
        outcome.expect("no failure");
        assert_eq!(most.load(Relaxed), 4);
        assert_eq!(start.elapsed(), HOUR * 5);
        // Who waits for a place when the group is cancelled gets a child that was not taken in.
        let outcome: Outcome<()> = TaskGroup::new()
            .limit(1)
            .run(async |scope| {
                let inner = scope.clone();
                let child = scope.spawn(async move {
                    sleep(HOUR).await;
                    inner.cancel();
                    Ok(())
                });
                drop(child.await);
                assert!(scope.spawn(async { Ok(()) }).await.await.is_err());
                Ok(())
            })
            .await;
        // Cut short or not is up to which comes first; nothing else may come.
        assert!(
            outcome
                .err()
                .is_none_or(|error| matches!(error.first(), Failure::Cancelled))
        );
    });
}

#[test]
fn clause_15_shield() {
    run(|| async {
        let (started, finished) = (Arc::new(Notify::new()), Arc::new(AtomicUsize::new(0)));
        let start = Instant::now();
        let outcome: Outcome<()> = TaskGroup::new()
            .run(async |scope| {
                let (inner, begun, done) = (scope.clone(), started.clone(), finished.clone());
                let child = scope.spawn(async move {
                    let shielded = inner.shield(async move {
                        begun.notify_one();
                        sleep(HOUR).await;
                        done.fetch_add(1, Relaxed);
                        7
                    });
                    assert_eq!(value(shielded).await, 7);
                    Ok(())
                });
                drop(child.await);
                started.notified().await;
                Err("cancel")
            })
            .await;
        assert_eq!(outcome.expect_err("it failed").others().len(), 0);
        assert_eq!(finished.load(Relaxed), 1);
        assert_eq!(start.elapsed(), HOUR);
        // Undisturbed it is as if it stood there.
        let outcome: Outcome<u32> = TaskGroup::new()
            .run(async |scope| Ok(value(scope.shield(async { 8 })).await))
            .await;
        assert_eq!(outcome.expect("no failure"), 8);
    });
}

#[test]
fn clause_16_cleanup_runs_within_its_grace() {
    /// A child with a cleanup that takes `takes`; `work` decides whether it is called for.
    async fn with_cleanup<R>(
        takes: Duration,
        work: impl Future<Output = R> + Send + 'static,
    ) -> (Vec<String>, usize, Duration)
    where
        R: Send + 'static,
    {
        let start = Instant::now();
        let cleaned = Arc::new(AtomicUsize::new(0));
        let outcome: Outcome<()> = TaskGroup::new()
            .grace(HOUR)
            .run(async |scope| {
                let (inner, done) = (scope.clone(), cleaned.clone());
                let child = scope.spawn(async move {
                    let cleanup = async move {
                        sleep(takes).await;
                        done.fetch_add(1, Relaxed);
                    };
                    inner.on_cancel(work, cleanup).await;
                    Ok(())
                });
                drop(child.await);
                sleep(HOUR).await;
                Err("cancel")
            })
            .await;
        let failures = outcome.expect_err("it failed").into_failures();
        let texts = failures.iter().map(ToString::to_string).collect();
        (texts, cleaned.load(Relaxed), start.elapsed())
    }
    run(|| async {
        let minute = Duration::from_secs(60);
        let (failures, cleaned, took) = with_cleanup(minute, pending::<()>()).await;
        assert_eq!((failures.len(), cleaned, took), (1, 1, HOUR + minute));
        let (failures, cleaned, took) = with_cleanup(HOUR * 9, pending::<()>()).await;
        assert_eq!((cleaned, took), (0, HOUR * 2));
        assert_eq!(failures[1], "a cleanup was not done within its grace");
        // What came to its end, or panicked, needs none.
        let (failures, cleaned, _) = with_cleanup(minute, async {}).await;
        assert_eq!((failures.len(), cleaned), (1, 0));
        let (failures, cleaned, _) = with_cleanup(minute, async { panic!("mine") }).await;
        assert_eq!(
            (failures[0].as_str(), cleaned),
            ("a task panicked: mine", 0)
        );
        // The body's, when a child fails.
        let cleaned = Arc::new(AtomicUsize::new(0));
        let outcome: Outcome<()> = TaskGroup::new()
            .run(async |scope| {
                drop(scope.spawn(async { Err::<(), _>("child") }).await);
                let done = cleaned.clone();
                let cleanup = async move {
                    yield_now().await;
                    done.fetch_add(1, Relaxed);
                };
                scope.on_cancel(pending::<()>(), cleanup).await;
                Ok(())
            })
            .await;
        assert_eq!(
            outcome.expect_err("it failed").first().error(),
            Some(&"child")
        );
        assert_eq!(cleaned.load(Relaxed), 1);
    });
}

heist::inherited_local! {
    static REQUEST: u32
}

#[test]
fn clause_17_children_inherit_locals() {
    run(|| async {
        let group = TaskGroup::new().run(async |scope: Scope<&'static str>| {
            let inner = scope.clone();
            let child = scope.spawn(async move {
                let grandchild = REQUEST.scope(2, inner.spawn(async { Ok(REQUEST.get()) }));
                Ok((REQUEST.get(), value(grandchild.await).await))
            });
            Ok(value(child.await).await)
        });
        let seen: Outcome<(u32, u32)> = REQUEST.scope(1, group).await;
        assert_eq!(seen.expect("no failure"), (1, 2));
    });
}

/// The documentation's table and this file name the same clauses.
#[test]
fn every_clause_has_its_test() {
    let docs = include_str!("../../crates/heist/src/task/group.rs");
    let tests = include_str!("task_group.rs");
    let rows = docs.lines().filter_map(|line| line.strip_prefix("//! | "));
    let named: Vec<_> = rows.filter_map(|row| row.split('`').rev().nth(1)).collect();
    let clauses: Vec<_> = named
        .iter()
        .filter(|name| name.starts_with("clause_"))
        .collect();
    assert_eq!(clauses.len(), 17);
    for clause in clauses {
        assert!(tests.contains(&format!("fn {clause}()")), "{clause}");
    }
}
