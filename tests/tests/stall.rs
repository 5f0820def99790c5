//! One bad task stops nobody: tasks that block or spin in a poll, and what goes on meanwhile.
//!
//! Each scene would hang for good if the others waited for the bad task: it ends only when they have
//! done something. So nothing here depends on how long anything takes.

use std::sync::Mutex;
use std::sync::mpsc;
use std::time::Duration;

use heist::io::{AsyncReadExt, AsyncWriteExt};
use heist::net::{TcpListener, TcpStream};
use heist::runtime::Builder;
use heist::time::sleep;
use heist_tests::{deadline, multi};

/// Two ends of a connection.
async fn connection() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("binds");
    let addr = listener.local_addr().expect("is bound");
    let (client, accepted) = heist::join!(TcpStream::connect(addr), listener.accept());
    (client.expect("connects"), accepted.expect("accepts").0)
}

/// One byte there and back.
async fn echo(client: &mut TcpStream, server: &mut TcpStream) {
    let mut byte = [7];
    client.write_all(&byte).await.expect("writes");
    server.read_exact(&mut byte).await.expect("reads");
    server.write_all(&byte).await.expect("writes");
    client.read_exact(&mut byte).await.expect("reads");
}

/// A task that comes from the reactor, then blocks its worker until `done` is dropped or sent to.
fn blocks_after_a_read(done: mpsc::Receiver<()>) -> heist::task::JoinHandle<()> {
    heist::spawn(async move {
        let (mut client, mut server) = connection().await;
        let writer = heist::spawn(async move {
            sleep(Duration::from_millis(1)).await;
            client.write_all(b"x").await.expect("writes");
            client
        });
        server.read_exact(&mut [0]).await.expect("reads");
        let _ = done.recv();
        drop(writer);
    })
}

#[test]
fn a_worker_that_blocks_after_a_read_keeps_no_io_and_no_timer_waiting() {
    deadline(|| {
        multi(2).block_on(async {
            for _ in 0..20 {
                let (release, done) = mpsc::channel();
                let bad = blocks_after_a_read(done);
                let others: Vec<_> = (0..10)
                    .map(|_| {
                        heist::spawn(async {
                            let (mut client, mut server) = connection().await;
                            for _ in 0..20 {
                                echo(&mut client, &mut server).await;
                                sleep(Duration::from_millis(1)).await;
                            }
                        })
                    })
                    .collect();
                for other in others {
                    other.await.expect("goes on");
                }
                drop(release);
                bad.await.expect("ends");
            }
        });
    });
}

#[test]
fn the_tasks_behind_a_blocked_one_run_elsewhere() {
    deadline(|| {
        multi(2).block_on(async {
            for _ in 0..100 {
                let bad = heist::spawn(async {
                    let (done, wait) = mpsc::channel::<()>();
                    // The last one is in the LIFO slot, the others are in the queue.
                    let behind: Vec<_> = (0..10)
                        .map(|_| {
                            let done = done.clone();
                            heist::spawn(async move { drop(done) })
                        })
                        .collect();
                    drop(done);
                    let _ = wait.recv();
                    behind
                });
                for behind in bad.await.expect("ends") {
                    behind.await.expect("ran");
                }
            }
        });
    });
}

#[test]
fn a_task_woken_by_a_blocked_one_runs_elsewhere() {
    deadline(|| {
        multi(2).block_on(async {
            for _ in 0..100 {
                let (wake, woken) = heist::sync::oneshot::channel::<()>();
                let (done, wait) = mpsc::channel::<()>();
                let other = heist::spawn(async move {
                    let _ = woken.await;
                    drop(done);
                });
                let bad = heist::spawn(async move {
                    let _ = wake.send(());
                    let _ = wait.recv();
                });
                bad.await.expect("ends");
                other.await.expect("ends");
            }
        });
    });
}

/// Threads of this process with this name.
#[cfg(target_os = "linux")]
fn threads(name: &str) -> usize {
    let tasks = std::fs::read_dir("/proc/self/task").expect("there is /proc");
    let names = tasks
        .flatten()
        .filter_map(|task| std::fs::read_to_string(task.path().join("comm")).ok());
    names.filter(|comm| comm.trim_end() == name).count()
}

#[test]
#[cfg(target_os = "linux")]
fn with_all_workers_blocked_spare_ones_go_on_and_leave_afterwards() {
    deadline(|| {
        let runtime = Builder::new_multi_thread()
            .worker_threads(2)
            .thread_name("spares")
            .build()
            .expect("builds");
        while threads("spares") < 2 {
            std::thread::yield_now(); // A thread names itself.
        }
        runtime.block_on(async {
            let (release, done): (Vec<_>, Vec<_>) = (0..2).map(|_| mpsc::channel()).unzip();
            let bad: Vec<_> = done.into_iter().map(blocks_after_a_read).collect();
            let (mut client, mut server) = connection().await;
            while heist::runtime::Handle::current()
                .metrics()
                .num_stuck_workers()
                < 2
            {
                sleep(Duration::from_millis(1)).await;
            }
            for _ in 0..100 {
                heist::spawn(sleep(Duration::from_millis(1)))
                    .await
                    .expect("fires");
                echo(&mut client, &mut server).await;
            }
            assert!(runtime.metrics().spare_worker_start_count() > 0);
            drop(release);
            for bad in bad {
                bad.await.expect("ends");
            }
            while runtime.metrics().num_spare_workers() > 0 || threads("spares") > 2 {
                sleep(Duration::from_millis(10)).await;
            }
        });
    });
}

#[test]
fn spare_workers_that_block_too_are_followed_by_others() {
    deadline(|| {
        let runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .max_spare_workers(4)
            .build()
            .expect("builds");
        runtime.block_on(async {
            let (release, done): (Vec<_>, Vec<_>) = (0..4).map(|_| mpsc::channel()).unzip();
            let bad: Vec<_> = done.into_iter().map(blocks_after_a_read).collect();
            heist::spawn(async {
                let (mut client, mut server) = connection().await;
                for _ in 0..100 {
                    echo(&mut client, &mut server).await;
                    sleep(Duration::from_millis(1)).await;
                }
            })
            .await
            .expect("goes on");
            drop(release);
            for bad in bad {
                bad.await.expect("ends");
            }
        });
    });
}

#[test]
fn a_runtime_with_spare_workers_shuts_down() {
    deadline(|| {
        for _ in 0..10 {
            let runtime = multi(2);
            let (release, done): (Vec<_>, Vec<_>) = (0..2).map(|_| mpsc::channel::<()>()).unzip();
            for done in done {
                let _task = runtime.spawn(async move {
                    let _ = done.recv();
                });
            }
            runtime
                .block_on(async { heist::spawn(async {}).await })
                .expect("a spare worker runs it");
            let releaser = std::thread::spawn(move || drop(release));
            drop(runtime);
            releaser.join().expect("joins");
        }
    });
}

/// Waits until a condition of the runtime's figures holds.
fn until(condition: impl Fn() -> bool) {
    while !condition() {
        std::thread::sleep(Duration::from_millis(1));
    }
}

#[test]
fn a_spare_worker_that_comes_back_after_it_was_dismissed_is_seen_again() {
    deadline(|| {
        let runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .build()
            .expect("builds");
        let (release_worker, worker_done) = mpsc::channel::<()>();
        let stuck = runtime.spawn(async move {
            let _ = worker_done.recv();
        });
        let (begun, begins) = mpsc::channel();
        let (release_spare, spare_done) = mpsc::channel::<()>();
        let comes_back = runtime.spawn(async move {
            heist::task::block_in_place(|| {
                let _ = begun.send(());
                let _ = spare_done.recv();
            });
            let (done, wait) = mpsc::channel::<()>();
            let behind = heist::spawn(async move { drop(done) });
            let _ = wait.recv();
            behind.await.expect("ran elsewhere");
        });
        begins.recv().expect("a spare worker runs it");
        until(|| runtime.metrics().num_spare_workers() > 0);
        drop(release_worker);
        runtime.block_on(stuck).expect("ends");
        until(|| runtime.metrics().num_spare_workers() == 0);
        drop(release_spare);
        runtime.block_on(comes_back).expect("ends");
    });
}

#[test]
fn a_spare_worker_started_before_all_regular_ones_leaves() {
    deadline(|| {
        let (release_start, may_start) = mpsc::channel::<()>();
        let may_start = Mutex::new(may_start);
        let started = std::sync::atomic::AtomicUsize::new(0);
        let runtime = Builder::new_multi_thread()
            .worker_threads(2)
            .on_thread_start(move || {
                if started.fetch_add(1, std::sync::atomic::Ordering::Relaxed) == 1 {
                    let _ = may_start.lock().expect("no panic").recv();
                }
            })
            .build()
            .expect("builds");
        let (release, done) = mpsc::channel::<()>();
        let stuck = runtime.spawn(async move {
            let _ = done.recv();
        });
        let other = runtime.spawn(async {});
        runtime.block_on(other).expect("a spare worker runs it");
        until(|| runtime.metrics().num_spare_workers() > 0);
        drop((release_start, release));
        runtime.block_on(stuck).expect("ends");
        until(|| runtime.metrics().num_spare_workers() == 0);
    });
}

#[test]
fn a_task_spawned_by_the_park_hook_runs() {
    deadline(|| {
        let (spawned, result) = mpsc::channel();
        let once = Mutex::new(Some(spawned));
        let runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .on_thread_park(move || {
                if let Some(spawned) = once.lock().expect("no panic").take() {
                    heist::task::block_in_place(|| {});
                    let _ = spawned.send(heist::spawn(async { 3 }));
                }
            })
            .build()
            .expect("builds");
        let task = result.recv().expect("the worker parks");
        assert_eq!(runtime.block_on(task).expect("ran"), 3);
    });
}

#[test]
fn a_shutdown_names_the_task_and_the_job_that_hold_it_up_and_no_other() {
    deadline(|| {
        for workers in 1..=2 {
            let runtime = multi(workers);
            let (release, done) = mpsc::channel::<()>();
            let (release_job, job_done) = mpsc::channel::<()>();
            let (begun, begins) = mpsc::channel();
            let job_begun = begun.clone();
            for _ in 0..10_000 {
                let _task = runtime.spawn(std::future::pending::<()>());
            }
            let stuck = async move {
                for _ in 0..10 {
                    let _task = heist::spawn(std::future::pending::<()>()); // Behind it, in queue and slot.
                }
                let _ = begun.send(());
                let _ = done.recv();
            };
            let name = heist::task::Builder::new().name("stuck task");
            drop(name.spawn_on(stuck, runtime.handle()).expect("spawns"));
            let _entered = runtime.enter();
            let name = heist::task::Builder::new().name("stuck job");
            let job = name.spawn_blocking(move || {
                let _ = job_begun.send(());
                let _ = job_done.recv();
            });
            drop(job.expect("spawns"));
            begins.recv().expect("one begins");
            begins.recv().expect("the other begins");
            drop(_entered);
            let report = runtime.shutdown(Duration::from_secs(2));
            let names = |infos: &[heist::task::TaskInfo]| -> Vec<_> {
                infos
                    .iter()
                    .map(|info| info.name.clone().unwrap_or_default())
                    .collect()
            };
            assert_eq!(names(&report.tasks), ["stuck task"]);
            assert_eq!(names(&report.blocking), ["stuck job"]);
            assert_eq!((report.cancelled, report.finished), (10_010, 0));
            drop((release, release_job));
        }
    });
}

#[test]
fn a_shutdown_from_another_runtime_waits_and_reports() {
    deadline(|| {
        let other = multi(1);
        let runtime = multi(2);
        let _task = runtime.spawn(std::future::pending::<()>());
        let ends = runtime.spawn(heist::task::yield_now());
        runtime.block_on(ends).expect("ends");
        let report = other.block_on(runtime.shutdown_async(Duration::from_secs(60)));
        let report = report.expect("the system gives a thread");
        assert!(report.is_complete());
        assert_eq!((report.cancelled, report.finished), (1, 0));
    });
}
