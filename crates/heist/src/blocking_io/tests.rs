//! A device made of memory, whose jobs run when the test says so.

use std::collections::VecDeque;
use std::task::Waker;

use super::*;
use crate::runtime::{Runtime, is_rt_shutdown_err};

/// What all handles to one device share.
#[derive(Default)]
struct Disk {
    content: Vec<u8>,
    position: usize,
    reads: usize,
    writes: usize,
    broken: bool,
}

#[derive(Clone, Default)]
struct Memory(Arc<Mutex<Disk>>);

type Jobs = VecDeque<Box<dyn FnOnce() + Send>>;

thread_local! {
    static JOBS: std::cell::RefCell<Jobs> = const { std::cell::RefCell::new(VecDeque::new()) };
    static HOME: std::cell::RefCell<Option<Handle>> = const { std::cell::RefCell::new(None) };
}

/// Runs the jobs that have been sent; returns how many.
fn run_jobs() -> usize {
    let mut ran = 0;
    while let Some(job) = JOBS.with_borrow_mut(VecDeque::pop_front) {
        job();
        ran += 1;
    }
    ran
}

impl Memory {
    fn disk(&self) -> MutexGuard<'_, Disk> {
        self.0.lock().expect("no panic under the lock")
    }
}

impl Device for Memory {
    fn read(&self, buf: &mut [u8]) -> io::Result<usize> {
        let mut disk = self.disk();
        disk.reads += 1;
        let rest = &disk.content[disk.position.min(disk.content.len())..];
        let length = rest.len().min(buf.len());
        buf[..length].copy_from_slice(&rest[..length]);
        disk.position += length;
        Ok(length)
    }

    fn write_all(&self, buf: &[u8]) -> io::Result<()> {
        let mut disk = self.disk();
        disk.writes += 1;
        if disk.broken {
            return Err(io::ErrorKind::StorageFull.into());
        }
        let (start, end) = (disk.position, disk.position + buf.len());
        if disk.content.len() < end {
            disk.content.resize(end, 0);
        }
        disk.content[start..end].copy_from_slice(buf);
        disk.position = end;
        Ok(())
    }

    fn seek(&self, to: SeekFrom) -> io::Result<u64> {
        let mut disk = self.disk();
        let target = match to {
            SeekFrom::Start(position) => i64::try_from(position).expect("small"),
            SeekFrom::Current(by) => i64::try_from(disk.position).expect("small") + by,
            SeekFrom::End(by) => i64::try_from(disk.content.len()).expect("small") + by,
        };
        disk.position = usize::try_from(target).map_err(|_| io::ErrorKind::InvalidInput)?;
        Ok(target.unsigned_abs())
    }

    fn may_read_ahead(&self) -> bool {
        true
    }

    fn home() -> Option<Handle> {
        HOME.with_borrow(Option::clone)
    }

    fn run(job: impl FnOnce() + Send + 'static) {
        JOBS.with_borrow_mut(|jobs| jobs.push_back(Box::new(job)));
    }
}

fn device(content: &[u8]) -> (BlockingIo<Memory>, Memory) {
    let memory = Memory::default();
    memory.disk().content = content.to_vec();
    (BlockingIo::new(memory.clone()), memory)
}

fn cx() -> Context<'static> {
    Context::from_waker(Waker::noop())
}

/// Reads up to `length` bytes, running jobs as needed.
fn read(io: &BlockingIo<Memory>, length: usize) -> io::Result<Vec<u8>> {
    let mut room = vec![0; length];
    let mut buf = ReadBuf::new(&mut room);
    loop {
        match io.poll_read(&mut cx(), &mut buf) {
            Poll::Ready(result) => return result.map(|()| buf.filled().to_vec()),
            Poll::Pending => assert!(run_jobs() > 0, "waits for nothing"),
        }
    }
}

fn write(io: &BlockingIo<Memory>, bytes: &[u8]) -> Poll<io::Result<usize>> {
    io.poll_write(&mut cx(), bytes)
}

fn seek(io: &BlockingIo<Memory>, to: SeekFrom) -> io::Result<u64> {
    io.start_seek(to)?;
    run_jobs();
    match io.poll_seek(&mut cx()) {
        Poll::Ready(result) => result,
        Poll::Pending => panic!("the job has run"),
    }
}

fn flush(io: &BlockingIo<Memory>) -> io::Result<()> {
    run_jobs();
    match io.poll_flush(&mut cx()) {
        Poll::Ready(result) => result,
        Poll::Pending => panic!("the jobs have run"),
    }
}

#[test]
fn small_reads_cost_a_hop_per_many_and_yield_every_byte() {
    let content: Vec<u8> = (0..1_000_000).map(|i| (i % 251) as u8).collect();
    let (io, memory) = device(&content);
    let mut all = Vec::new();
    loop {
        let bytes = read(&io, 100).expect("reads");
        if bytes.is_empty() {
            break;
        }
        all.extend(bytes);
    }
    assert!(all == content);
    assert!(memory.disk().reads < 12, "{} hops", memory.disk().reads);
    // The end is no state: more may come.
    memory.disk().content.push(7);
    assert_eq!(read(&io, 100).expect("reads"), [7]);
}

#[test]
fn small_writes_gather_behind_the_one_under_way() {
    let (io, memory) = device(b"");
    for byte in 0..=255 {
        assert!(matches!(write(&io, &[byte]), Poll::Ready(Ok(1))));
    }
    assert!(io.poll_flush(&mut cx()).is_pending());
    flush(&io).expect("writes");
    assert_eq!(memory.disk().content, (0..=255).collect::<Vec<u8>>());
    assert_eq!(memory.disk().writes, 1);
}

#[test]
fn what_gathers_has_a_bound() {
    let (io, memory) = device(b"");
    io.set_max(10);
    assert!(matches!(write(&io, &[1; 16]), Poll::Ready(Ok(10))));
    assert!(write(&io, &[1; 6]).is_pending());
    run_jobs();
    assert!(matches!(write(&io, &[1; 6]), Poll::Ready(Ok(6))));
    flush(&io).expect("writes");
    assert_eq!(memory.disk().content, [1; 16]);
}

#[test]
fn what_was_accepted_is_written_though_the_handle_is_gone() {
    let (io, memory) = device(b"");
    assert!(matches!(write(&io, b"one"), Poll::Ready(Ok(3))));
    assert!(matches!(write(&io, b" two"), Poll::Ready(Ok(4))));
    drop(io);
    run_jobs();
    assert_eq!(memory.disk().content, b"one two");
}

#[test]
fn a_failed_write_is_told_once_to_the_next_call() {
    let (io, memory) = device(b"");
    memory.disk().broken = true;
    assert!(matches!(write(&io, b"lost"), Poll::Ready(Ok(4))));
    let error = flush(&io).expect_err("told");
    assert_eq!(error.kind(), io::ErrorKind::StorageFull);
    memory.disk().broken = false;
    assert!(matches!(write(&io, b"kept"), Poll::Ready(Ok(4))));
    flush(&io).expect("writes");
    assert_eq!(memory.disk().content, b"kept");
}

#[test]
fn positions_are_the_users_whatever_was_read_ahead() {
    let (io, memory) = device(b"0123456789");
    assert_eq!(read(&io, 3).expect("reads"), b"012");
    assert_eq!(seek(&io, SeekFrom::Current(2)).expect("seeks"), 5);
    assert_eq!(read(&io, 2).expect("reads"), b"56");
    // A write goes where the user is, not where the kernel is.
    assert!(matches!(write(&io, b"X"), Poll::Ready(Ok(1))));
    flush(&io).expect("writes");
    assert_eq!(read(&io, 9).expect("reads"), b"89");
    assert_eq!(memory.disk().content, b"0123456X89");
    assert_eq!(seek(&io, SeekFrom::End(-1)).expect("seeks"), 9);
    assert_eq!(read(&io, 9).expect("reads"), b"9");
}

#[test]
fn a_seek_that_fails_moves_nothing() {
    let (io, _memory) = device(b"0123456789");
    assert_eq!(read(&io, 3).expect("reads"), b"012");
    let error = seek(&io, SeekFrom::Current(-4)).expect_err("before the start");
    assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
    assert_eq!(read(&io, 3).expect("reads"), b"345");
}

#[test]
fn a_read_given_up_leaves_its_bytes_to_the_next() {
    let (io, _memory) = device(b"0123456789");
    let mut room = [0; 4];
    let mut buf = ReadBuf::new(&mut room);
    assert!(io.poll_read(&mut cx(), &mut buf).is_pending());
    run_jobs();
    assert_eq!(read(&io, 4).expect("reads"), b"0123");
}

#[test]
fn a_job_dropped_unrun_is_an_error_and_no_hang() {
    let (io, memory) = device(b"0123");
    let mut room = [0; 4];
    let mut buf = ReadBuf::new(&mut room);
    assert!(io.poll_read(&mut cx(), &mut buf).is_pending());
    JOBS.with_borrow_mut(VecDeque::clear);
    assert!(matches!(
        io.poll_read(&mut cx(), &mut buf),
        Poll::Ready(Err(_))
    ));
    assert!(matches!(write(&io, b"x"), Poll::Ready(Ok(1))));
    JOBS.with_borrow_mut(VecDeque::clear);
    flush(&io).expect_err("told");
    assert_eq!(read(&io, 9).expect("reads"), b"0123");
    assert!(io.retire());
    assert_eq!(Arc::strong_count(&memory.0), 1);
}

#[test]
fn a_job_dropped_by_a_shutdown_says_so_and_further_writes_are_refused() {
    let (io, memory) = device(b"0123");
    assert!(matches!(write(&io, b"x"), Poll::Ready(Ok(1))));
    JOBS.with_borrow_mut(VecDeque::clear);
    let error = flush(&io).expect_err("told");
    assert!(!is_rt_shutdown_err(&error), "none has: {error}");

    let runtime = Runtime::new().expect("a runtime");
    HOME.set(Some(runtime.handle().clone()));
    assert_eq!(read(&io, 1).expect("reads"), b"0");
    assert!(matches!(write(&io, b"x"), Poll::Ready(Ok(1))));
    drop(runtime);
    JOBS.with_borrow_mut(VecDeque::clear);
    let error = flush(&io).expect_err("told");
    assert!(is_rt_shutdown_err(&error), "{error}");
    for _ in 0..2 {
        let Poll::Ready(Err(error)) = write(&io, b"y") else {
            panic!("nobody would write it");
        };
        assert!(is_rt_shutdown_err(&error), "{error}");
    }
    flush(&io).expect("all that was accepted has been told of");

    // It would do in another runtime.
    HOME.set(None);
    assert!(matches!(write(&io, b"z"), Poll::Ready(Ok(1))));
    flush(&io).expect("writes");
    assert_eq!(memory.disk().content, b"0z23");
}
