//! What it costs to pass bytes on: `copy_bidirectional` in the kernel, through buffers, and HAProxy,
//! in interleaved rounds, as bytes per second of the proxy's processor time.
//!
//! `HEIST_FULL=1 cargo test --release -p heist-tests --test splice_cost` passes 2 GiB per round, five
//! rounds; without it one small round shows that all work. `HEIST_HAPROXY` names the program of
//! HAProxy; without one in the `PATH` either, its column is left out.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener as StdListener, TcpStream as StdStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use heist::io::{copy_bidirectional, copy_bidirectional_with_sizes};
use heist::net::{TcpListener, TcpStream};
use heist_tests::full;

/// Tells this program that it is to be the proxy: how, and to where.
const MODE: &str = "HEIST_PROXY_MODE";
const TARGET: &str = "HEIST_PROXY_TARGET";
/// HAProxy's own buffer, for the copy through buffers.
const BUFFER: usize = 16 << 10;

fn main() {
    match std::env::var(MODE) {
        Ok(mode) => be_a_proxy(&mode),
        Err(_) => compare(),
    }
}

#[heist::main(worker_threads = 1)]
async fn be_a_proxy(mode: &str) {
    let target = std::env::var(TARGET).expect("the other half sets it");
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("binds");
    println!("{}", listener.local_addr().expect("an address"));
    while let Ok((mut near, _)) = listener.accept().await {
        let mut far = TcpStream::connect(&*target).await.expect("connects");
        let copied = match mode {
            "splice" => copy_bidirectional(&mut near, &mut far).await,
            _ => copy_bidirectional_with_sizes(&mut near, &mut far, BUFFER, BUFFER).await,
        };
        copied.expect("copies");
    }
}

/// A proxy in a process of its own, ended when dropped.
struct Proxy {
    name: &'static str,
    child: Child,
    addr: SocketAddr,
}

impl Drop for Proxy {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Proxy {
    fn heist(mode: &'static str, target: SocketAddr) -> Self {
        let mut child = Command::new(std::env::current_exe().expect("this program"))
            .env(MODE, mode)
            .env(TARGET, target.to_string())
            .stdout(Stdio::piped())
            .spawn()
            .expect("starts");
        let mut line = String::new();
        let stdout = child.stdout.take().expect("piped");
        BufReader::new(stdout)
            .read_line(&mut line)
            .expect("says where");
        let addr = line.trim().parse().expect("an address");
        Self {
            name: mode,
            child,
            addr,
        }
    }

    fn haproxy(target: SocketAddr) -> Option<Self> {
        let program = std::env::var("HEIST_HAPROXY").unwrap_or_else(|_| "haproxy".to_owned());
        let free = StdListener::bind("127.0.0.1:0").expect("binds");
        let addr = free.local_addr().expect("an address");
        drop(free);
        let config = std::env::temp_dir().join(format!("heist-haproxy-{}", std::process::id()));
        let text = format!(
            "global\n nbthread 1\ndefaults\n mode tcp\n option splice-auto\n timeout connect 5s\n \
             timeout client 1m\n timeout server 1m\nlisten proxy\n bind {addr}\n server s {target}\n"
        );
        std::fs::write(&config, text).expect("writes");
        let started = Command::new(program)
            .arg("-db")
            .arg("-f")
            .arg(&config)
            .spawn();
        let Ok(child) = started else {
            std::fs::remove_file(config).expect("was written");
            return None;
        };
        let end = Instant::now() + Duration::from_secs(10);
        let mut proxy = Self {
            name: "haproxy",
            child,
            addr,
        };
        // Asked of the system: a connection to try it would count as one to pass on.
        while !listens(addr) {
            assert!(Instant::now() < end, "HAProxy does not start");
            assert!(
                proxy.child.try_wait().expect("asks").is_none(),
                "HAProxy has ended"
            );
            std::thread::sleep(Duration::from_millis(5));
        }
        std::fs::remove_file(config).expect("was there");
        Some(proxy)
    }

    /// The processor time of its threads so far.
    fn cpu(&self) -> Duration {
        let path = format!("/proc/{}/task", self.child.id());
        let tasks = std::fs::read_dir(path).expect("it runs");
        let on_cpu = tasks.map(|task| {
            let path = task.expect("procfs").path().join("schedstat");
            let text = std::fs::read_to_string(path).expect("procfs");
            let first = text.split_whitespace().next().expect("a number");
            first.parse::<u64>().expect("nanoseconds")
        });
        Duration::from_nanos(on_cpu.sum())
    }
}

/// Whether a socket listens at that port.
fn listens(addr: SocketAddr) -> bool {
    let table = std::fs::read_to_string("/proc/net/tcp").expect("procfs");
    let local = format!(":{:04X} 00000000:0000 0A", addr.port());
    table.contains(&local)
}

/// Sends `bytes` through `proxy` to `target`, which answers with one at the end.
fn pass(proxy: &Proxy, target: &StdListener, bytes: u64) -> Duration {
    let before = proxy.cpu();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let (mut stream, _) = target.accept().expect("accepts");
            let (mut total, mut buf) = (0, vec![0; 1 << 18]);
            loop {
                match stream.read(&mut buf).expect("reads") {
                    0 => break,
                    length => total += length as u64,
                }
            }
            assert_eq!(total, bytes);
            stream.write_all(b"!").expect("answers");
        });
        let mut stream = StdStream::connect(proxy.addr).expect("connects");
        let chunk = vec![7; 1 << 18];
        let mut left = bytes;
        while left > 0 {
            let length = left.min(chunk.len() as u64);
            stream.write_all(&chunk[..length as usize]).expect("writes");
            left -= length;
        }
        stream.shutdown(Shutdown::Write).expect("shuts down");
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).expect("reads");
        assert_eq!(answer, b"!");
    });
    proxy.cpu() - before
}

fn compare() {
    let (rounds, bytes) = if full() { (5, 2 << 30) } else { (1, 32 << 20) };
    let target = StdListener::bind("127.0.0.1:0").expect("binds");
    let addr = target.local_addr().expect("an address");
    let mut proxies = vec![Proxy::heist("splice", addr), Proxy::heist("buffers", addr)];
    proxies.extend(Proxy::haproxy(addr));
    let mut rates = vec![Vec::new(); proxies.len()];
    for _ in 0..rounds {
        for (proxy, rates) in proxies.iter().zip(&mut rates) {
            let cpu = pass(proxy, &target, bytes);
            rates.push(bytes as f64 / cpu.as_secs_f64() / 1e9);
        }
    }
    for (proxy, rates) in proxies.iter().zip(&mut rates) {
        rates.sort_by(f64::total_cmp);
        println!(
            "{:8} {:6.2} GB per CPU second (median of {rates:.2?})",
            proxy.name,
            rates[rounds / 2]
        );
    }
}
