//! Three processes, the output of each the input of the next; one that fails, one that is killed:
//! `pipeline.py` on Heist.

use std::io;
use std::os::unix::process::ExitStatusExt as _;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use heist::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use heist::process::Command;
use heist::time::timeout;

async fn pipeline() -> io::Result<()> {
    let mut upper = Command::new("tr")
        .args(["a-z", "A-Z"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    let between: Stdio = upper.stdout.take().expect("piped").try_into()?;
    let mut sort = Command::new("sort")
        .stdin(between)
        .stdout(Stdio::piped())
        .spawn()?;
    let mut input = upper.stdin.take().expect("piped");
    input.write_all(b"pear\nfig\napple\n").await?;
    drop(input);
    let mut lines = BufReader::new(sort.stdout.take().expect("piped")).lines();
    while let Some(line) = lines.next_line().await? {
        println!("{line}");
    }
    println!(
        "status {} {}",
        code(upper.wait().await?),
        code(sort.wait().await?)
    );
    Ok(())
}

async fn failing() -> io::Result<()> {
    let script = "echo out; echo err >&2; exit 7";
    let output = Command::new("sh").args(["-c", script]).output().await?;
    let (out, err) = (
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    println!(
        "{} {} status {}",
        out.trim(),
        err.trim(),
        code(output.status)
    );
    Ok(())
}

async fn killed() -> io::Result<()> {
    let mut sleep = Command::new("sleep").arg("1000").spawn()?;
    if timeout(Duration::from_millis(50), sleep.wait())
        .await
        .is_err()
    {
        sleep.start_kill()?;
    }
    println!("status {}", code(sleep.wait().await?));
    Ok(())
}

/// As Python counts: the signal that ended it, below zero.
fn code(status: ExitStatus) -> i32 {
    let of_signal = || -status.signal().unwrap_or_default();
    status.code().unwrap_or_else(of_signal)
}

#[heist::main]
async fn main() -> io::Result<()> {
    pipeline().await?;
    failing().await?;
    killed().await
}
