//! Large files pass through little memory. A binary of its own, because it measures the process.
//!
//! `HEIST_FULL=1` copies a gigabyte, else it is a tenth of one.

use std::fs::OpenOptions as StdOptions;
use std::io::{Seek as _, SeekFrom, Write as _};

use heist::fs::{self, File};
use heist::io;
use heist_tests::{deadline, full, multi};

/// The most memory this process has ever had, in bytes.
fn most_memory() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").expect("procfs");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kilobytes = line.expect("a line").trim().trim_end_matches(" kB");
    kilobytes.parse::<usize>().expect("a number") << 10
}

#[test]
fn a_large_file_is_copied_with_bounded_memory() {
    const ROOM: usize = 32 << 20;
    let size: u64 = if full() { 1 << 30 } else { 100 << 20 };
    deadline(move || {
        let name = format!("heist-large-{}", std::process::id());
        let dir = std::env::temp_dir().join(name);
        std::fs::create_dir(&dir).expect("a directory");
        let (from, to) = (dir.join("from"), dir.join("to"));
        // A hole with an end: large, and cheap to make.
        let mut file = StdOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .open(&from)
            .expect("makes");
        file.seek(SeekFrom::Start(size - 3)).expect("seeks");
        file.write_all(b"end").expect("writes");
        drop(file);

        multi(2).block_on(async {
            let before = most_memory();
            let mut reader = File::open(&from).await.expect("opens");
            let mut writer = File::create(&to).await.expect("makes");
            let copied = io::copy(&mut reader, &mut writer).await.expect("copies");
            assert_eq!(copied, size);
            assert_eq!(writer.metadata().await.expect("asks").len(), size);
            let by_hand = most_memory() - before;
            assert!(by_hand < ROOM, "{by_hand} bytes more");

            assert_eq!(fs::copy(&from, &to).await.expect("copies"), size);
            let by_kernel = most_memory() - before;
            assert!(by_kernel < ROOM, "{by_kernel} bytes more");
            println!("{size} bytes copied: {by_hand} bytes of memory more, then {by_kernel}");
        });
        std::fs::remove_dir_all(&dir).expect("was there");
    });
}
