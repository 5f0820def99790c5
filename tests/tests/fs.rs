//! Files through the public API.

use std::io::{ErrorKind, Seek as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use heist::fs::{self, File, OpenOptions};
use heist::io::{self, AsyncBufReadExt, AsyncReadExt, AsyncSeekExt, AsyncWriteExt, SeekFrom};
use heist::runtime::{Builder, is_rt_shutdown_err};
use heist_tests::{deadline, multi};

/// A directory of a test's own, removed at its end.
struct Home(PathBuf);

impl Home {
    fn new() -> Self {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("heist-fs-{}-{count}", std::process::id()));
        std::fs::create_dir(&path).expect("a directory");
        Self(path)
    }

    fn path(&self, name: impl AsRef<Path>) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn at_home<F: Future<Output = ()> + Send>(test: impl FnOnce(Home) -> F + Send + 'static) {
    deadline(|| multi(2).block_on(test(Home::new())));
}

#[test]
fn functions_do_what_their_names_say() {
    at_home(|home| async move {
        let (one, two) = (home.path("one"), home.path("two"));
        fs::write(&one, "first").await.expect("writes");
        assert_eq!(fs::copy(&one, &two).await.expect("copies"), 5);
        assert_eq!(fs::read(&two).await.expect("reads"), b"first");
        assert_eq!(fs::read_to_string(&two).await.expect("reads"), "first");
        let link = home.path("link");
        fs::symlink(&one, &link).await.expect("links");
        assert_eq!(fs::read_link(&link).await.expect("reads"), one);
        assert!(
            fs::symlink_metadata(&link)
                .await
                .expect("asks")
                .is_symlink()
        );
        assert_eq!(fs::metadata(&link).await.expect("asks").len(), 5);
        fs::hard_link(&one, home.path("hard")).await.expect("links");
        fs::rename(&one, home.path("renamed"))
            .await
            .expect("renames");
        assert!(!fs::try_exists(&one).await.expect("asks"));
        let gone = fs::read(&one).await.expect_err("renamed");
        assert_eq!(gone.kind(), ErrorKind::NotFound);
        let real = fs::canonicalize(home.path("./two"))
            .await
            .expect("resolves");
        assert!(real.ends_with("two") && real.is_absolute());
        let mode = std::fs::Permissions::from_mode(0o400);
        fs::set_permissions(&two, mode).await.expect("sets");
        let mode = fs::metadata(&two).await.expect("asks").permissions().mode();
        assert_eq!(mode & 0o777, 0o400);
        fs::remove_file(&two).await.expect("removes");
    });
}

#[test]
fn directories_are_made_listed_and_removed() {
    at_home(|home| async move {
        let deep = home.path("a/b/c");
        fs::create_dir(&deep).await.expect_err("no parent");
        fs::create_dir_all(&deep).await.expect("makes");
        let mut builder = fs::DirBuilder::new();
        builder.recursive(true).mode(0o700);
        let private = home.path("a/d/e");
        builder.create(&private).await.expect("makes");
        let mode = fs::metadata(&private)
            .await
            .expect("asks")
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o700);
        for number in 0..200 {
            fs::write(deep.join(number.to_string()), "")
                .await
                .expect("writes");
        }
        let mut names = Vec::new();
        let mut entries = fs::read_dir(&deep).await.expect("lists");
        while let Some(entry) = entries.next_entry().await.expect("lists") {
            assert!(entry.file_type().await.expect("a file").is_file());
            assert_eq!(entry.metadata().await.expect("asks").len(), 0);
            assert_eq!(entry.path(), deep.join(entry.file_name()));
            assert_ne!(entry.ino(), 0);
            names.push(entry.file_name().into_string().expect("text"));
        }
        names.sort_by_key(|name| name.parse::<u32>().expect("a number"));
        assert_eq!(
            names,
            (0..200).map(|n: u32| n.to_string()).collect::<Vec<_>>()
        );
        fs::remove_dir(&deep).await.expect_err("not empty");
        fs::remove_dir_all(home.path("a")).await.expect("removes");
        fs::read_dir(&deep).await.expect_err("removed");
    });
}

#[test]
fn what_is_written_in_small_pieces_is_read_in_lines() {
    at_home(|home| async move {
        let path = home.path("lines");
        let mut file = File::create(&path).await.expect("makes");
        for line in 0..10_000 {
            file.write_all(format!("line {line}\n").as_bytes())
                .await
                .expect("writes");
        }
        file.flush().await.expect("flushes");
        let file = File::open(&path).await.expect("opens");
        let mut lines = io::BufReader::new(file).lines();
        for line in 0..10_000 {
            let text = lines.next_line().await.expect("reads").expect("a line");
            assert_eq!(text, format!("line {line}"));
        }
        assert_eq!(lines.next_line().await.expect("the end"), None);
    });
}

#[test]
fn reads_writes_and_seeks_mix() {
    at_home(|home| async move {
        let path = home.path("mixed");
        let mut options = OpenOptions::new();
        options.read(true).write(true).create_new(true).mode(0o600);
        let mut file = options.open(&path).await.expect("makes");
        options.open(&path).await.expect_err("exists");
        file.write_all(b"0123456789").await.expect("writes");
        assert_eq!(file.stream_position().await.expect("asks"), 10);
        file.rewind().await.expect("seeks");
        let mut two = [0; 2];
        file.read_exact(&mut two).await.expect("reads");
        file.write_all(b"XY").await.expect("writes");
        file.read_exact(&mut two).await.expect("reads");
        assert_eq!(&two, b"45");
        assert_eq!(file.seek(SeekFrom::End(-3)).await.expect("seeks"), 7);
        let mut rest = String::new();
        file.read_to_string(&mut rest).await.expect("reads");
        assert_eq!(rest, "789");
        file.set_len(4).await.expect("cuts");
        file.sync_all().await.expect("syncs");
        file.sync_data().await.expect("syncs");
        assert_eq!(file.metadata().await.expect("asks").len(), 4);
        assert_eq!(fs::read(&path).await.expect("reads"), b"01XY");

        let mut log = File::options()
            .append(true)
            .open(&path)
            .await
            .expect("opens");
        log.write_all(b"!").await.expect("writes");
        log.shutdown().await.expect("flushes");
        assert_eq!(fs::read(&path).await.expect("reads"), b"01XY!");
    });
}

#[test]
fn clones_share_the_position_and_standard_files_come_out_where_the_user_was() {
    at_home(|home| async move {
        let path = home.path("shared");
        fs::write(&path, "0123456789").await.expect("writes");
        let mut file = File::open(&path).await.expect("opens");
        let mut two = [0; 2];
        file.read_exact(&mut two).await.expect("reads");
        file.set_max_buf_size(1000);
        let mut clone = file.try_clone().await.expect("clones");
        assert_eq!(clone.max_buf_size(), 1000);
        for (turn, expected) in [b"23", b"45", b"67"].into_iter().enumerate() {
            let reader = if turn % 2 == 0 { &mut clone } else { &mut file };
            reader.read_exact(&mut two).await.expect("reads");
            assert_eq!(&two, expected);
        }

        let mut file = File::open(&path).await.expect("opens");
        file.read_exact(&mut two).await.expect("reads");
        let mut std = file.into_std().await;
        assert_eq!(std.stream_position().expect("asks"), 2);
        let file = File::from_std(std);
        file.try_into_std().expect("nothing is under way");
    });
}

#[test]
fn a_write_that_fails_is_told() {
    at_home(|_| async move {
        let mut full = File::options()
            .write(true)
            .open("/dev/full")
            .await
            .expect("opens");
        full.write_all(b"x").await.expect("accepted");
        let error = full.flush().await.expect_err("told");
        assert_eq!(error.kind(), ErrorKind::StorageFull);
        full.flush().await.expect("told once");
    });
}

#[test]
fn special_files_are_read_as_they_come() {
    at_home(|_| async move {
        let mut zero = File::open("/dev/zero").await.expect("opens");
        let mut buf = [1; 100];
        zero.read_exact(&mut buf).await.expect("reads");
        assert_eq!(buf, [0; 100]);
        let mut stat = File::open("/proc/self/stat").await.expect("opens");
        let mut text = String::new();
        stat.read_to_string(&mut text).await.expect("reads");
        assert!(text.starts_with(&std::process::id().to_string()));
    });
}

#[test]
fn standard_output_takes_what_it_is_given() {
    at_home(|_| async move {
        let mut out = io::stdout();
        out.write_all(b"to standard output\n")
            .await
            .expect("writes");
        out.flush().await.expect("flushes");
        let mut err = io::stderr();
        err.write_all(b"to standard error\n").await.expect("writes");
        err.flush().await.expect("flushes");
    });
}

#[test]
fn what_needs_a_blocking_thread_is_refused_once_the_runtime_has_shut_down() {
    deadline(|| {
        let current = Builder::new_current_thread().build().expect("builds");
        for runtime in [current, multi(1)] {
            let handle = runtime.handle().clone();
            let mut options = File::options();
            let null = options.read(true).write(true).open("/dev/null");
            let mut null = runtime.block_on(null).expect("opens");
            runtime.shutdown_timeout(Duration::from_secs(100));
            let results = handle.block_on(async {
                [
                    io::stdout().write_all(b"lost").await,
                    io::stderr().write_all(b"lost").await,
                    null.write_all(b"lost").await,
                    null.read_exact(&mut [0; 1]).await.map(drop),
                    null.seek(SeekFrom::Start(0)).await.map(drop),
                    null.sync_all().await,
                    fs::metadata("/dev/null").await.map(drop),
                ]
            });
            for result in results {
                let error = result.expect_err("nobody would do it");
                assert!(is_rt_shutdown_err(&error), "{error}");
            }
            handle.block_on(null.flush()).expect("nothing was accepted");
        }
    });
}
