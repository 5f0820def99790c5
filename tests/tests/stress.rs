//! Random work on real threads, timers and sockets: whatever the tasks do to one another, each ends
//! once, as its handle says, and leaves nothing behind.
//!
//! A round is a runtime, a few hundred tasks that spawn, await and abort one another, sleep, use
//! the blocking pool and talk to an echo server, and an end: all awaited, or the runtime dropped in
//! the middle. Its seed gives the same work again, not the same interleaving. `cargo xtask stress`
//! plays rounds for as long as one likes; the suite plays them for a second.

use std::net::SocketAddr;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::Pin;
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use heist::io::{self, AsyncReadExt, AsyncWriteExt};
use heist::net::{TcpListener, TcpStream};
use heist::task::{JoinError, JoinHandle};
use heist::time::{sleep, timeout};
use heist_tests::{deadline, multi};

#[test]
fn random_work_ends_and_leaves_nothing_behind() {
    let time = Duration::from_secs_f64(variable("HEIST_SECONDS").unwrap_or(1.0));
    let mut seed = Random(variable("HEIST_SEED").unwrap_or(1));
    let end = Instant::now() + time;
    let (mut rounds, mut tasks) = (0, 0);
    while rounds == 0 || Instant::now() < end {
        // The first round's seed is the one that was asked for, so that it can be asked for again.
        let of_round = seed.0;
        let ended = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&ended);
        let played = catch_unwind(AssertUnwindSafe(|| {
            deadline(move || round(Random(of_round), &count));
        }));
        if let Err(panic) = played {
            println!("failing seed {of_round}: cargo xtask stress --seed {of_round}");
            resume_unwind(panic);
        }
        rounds += 1;
        tasks += ended.load(Ordering::Relaxed);
        seed.next();
    }
    println!("{rounds} rounds, {tasks} tasks");
}

fn variable<T: FromStr>(name: &str) -> Option<T> {
    let text = std::env::var(name).ok()?;
    let value = text.parse();
    Some(value.unwrap_or_else(|_| panic!("{name} is `{text}`, which is not a number")))
}

/// SplitMix64 (Steele et al., OOPSLA 2014).
#[derive(Clone, Copy)]
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// Below `end`, which is not 0.
    fn below(&mut self, end: usize) -> usize {
        (self.next() % end as u64) as usize
    }

    fn chance(&mut self, one_in: usize) -> bool {
        self.below(one_in) == 0
    }

    fn micros(&mut self, end: usize) -> Duration {
        Duration::from_micros(self.below(end) as u64)
    }
}

fn round(mut random: Random, ended: &Arc<AtomicUsize>) {
    let runtime = multi(1 + random.below(4));
    let world = World {
        server: runtime.block_on(serve()),
        begun: Arc::default(),
        ended: Arc::clone(ended),
        stopping: Arc::default(),
    };
    let roots: Vec<Child> = {
        let _entered = runtime.enter();
        (0..8).map(|_| world.spawn(&mut random, 24)).collect()
    };
    if random.chance(3) {
        std::thread::sleep(random.micros(2000));
        world.stopping.store(true, Ordering::Relaxed);
    } else {
        runtime.block_on(async {
            for root in roots {
                root.join().await;
            }
        });
    }
    drop(runtime);
    assert_eq!(
        world.begun.load(Ordering::Relaxed),
        world.ended.load(Ordering::Relaxed),
        "tasks begun and ended"
    );
}

/// Starts an echo server, and says where.
async fn serve() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("binds");
    let addr = listener.local_addr().expect("an address");
    drop(heist::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            drop(heist::spawn(async move {
                let (mut reader, mut writer) = stream.into_split();
                io::copy(&mut reader, &mut writer).await
            }));
        }
    }));
    addr
}

/// What the tasks of a round share.
#[derive(Clone)]
struct World {
    server: SocketAddr,
    begun: Arc<AtomicUsize>,
    ended: Arc<AtomicUsize>,
    stopping: Arc<AtomicBool>,
}

impl World {
    fn spawn(&self, random: &mut Random, steps: usize) -> Child {
        let (fate, alive) = (Arc::new(Fate::default()), Alive::new(self));
        let (world, mut own) = (self.clone(), Random(random.next()));
        let told = Arc::clone(&fate);
        let handle = if random.chance(8) {
            heist::task::spawn_blocking(move || {
                let _alive = alive;
                std::thread::sleep(own.micros(200));
                Arc::clone(&told)
            })
        } else {
            heist::spawn(async move {
                let _alive = alive;
                work(world, own, steps, &told).await;
                told
            })
        };
        let stopping = Arc::clone(&self.stopping);
        Child {
            handle,
            fate,
            stopping,
        }
    }
}

/// Counts a task's future, from its birth to its drop.
struct Alive(Arc<AtomicUsize>);

impl Alive {
    fn new(world: &World) -> Self {
        world.begun.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(&world.ended))
    }
}

impl Drop for Alive {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

/// How a task may end; its own is its output.
#[derive(Default)]
struct Fate {
    aborted: AtomicBool,
    panics: AtomicBool,
}

struct Child {
    handle: JoinHandle<Arc<Fate>>,
    fate: Arc<Fate>,
    stopping: Arc<AtomicBool>,
}

impl Child {
    async fn join(mut self) {
        let result = (&mut self.handle).await;
        self.check(result);
    }

    fn abort(&self) {
        self.fate.aborted.store(true, Ordering::Relaxed);
        self.handle.abort();
    }

    fn check(&self, result: Result<Arc<Fate>, JoinError>) {
        let is_set = |flag: &AtomicBool| flag.load(Ordering::Relaxed);
        match result {
            Ok(fate) => assert!(Arc::ptr_eq(&fate, &self.fate), "another's output"),
            Err(error) if error.is_cancelled() => {
                assert!(is_set(&self.fate.aborted) || is_set(&self.stopping));
            }
            Err(_) => assert!(is_set(&self.fate.panics), "a panic of its own"),
        }
    }
}

/// Up to `steps` steps, each by chance.
fn work(
    world: World,
    mut random: Random,
    steps: usize,
    fate: &Fate,
) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
    Box::pin(async move {
        let mut children = Vec::new();
        for _ in 0..random.below(steps + 1) {
            match random.below(20) {
                0..=6 => children.push(world.spawn(&mut random, steps / 2)),
                7..=8 => heist::task::yield_now().await,
                9..=11 => {
                    let (asked, start) = (random.micros(500), Instant::now());
                    sleep(asked).await;
                    assert!(start.elapsed() >= asked, "a timer never rings early");
                }
                12 => {
                    let never = std::future::pending::<()>();
                    let late = timeout(random.micros(500), never).await;
                    late.expect_err("it is never ready");
                }
                13..=15 => talk(world.server, &mut random).await,
                16..=17 if !children.is_empty() => {
                    let index = random.below(children.len());
                    children.swap_remove(index).join().await;
                }
                18 if !children.is_empty() => children[random.below(children.len())].abort(),
                19 if random.chance(4) => {
                    fate.panics.store(true, Ordering::Relaxed);
                    resume_unwind(Box::new("the test's own panic"));
                }
                _ => drop(children.pop()),
            }
        }
        for child in children {
            child.join().await;
        }
    })
}

/// Sends some bytes and gets them back, or goes away in the middle.
async fn talk(server: SocketAddr, random: &mut Random) {
    let mut stream = TcpStream::connect(server).await.expect("connects");
    for _ in 0..random.below(4) {
        let sent = vec![random.next() as u8; 1 + random.below(40_000)];
        let (mut reader, mut writer) = stream.split();
        let mut back = vec![0; sent.len()];
        let (wrote, read) = heist::join!(writer.write_all(&sent), reader.read_exact(&mut back));
        wrote.expect("writes");
        read.expect("reads");
        assert!(back == sent, "the echo differs");
        if random.chance(4) {
            stream.write_all(&sent).await.expect("writes");
            return;
        }
    }
    stream.shutdown().await.expect("shuts down");
    let rest = stream.read(&mut [0; 1]).await.expect("reads");
    assert_eq!(rest, 0, "more than was sent");
}
