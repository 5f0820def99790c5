//! Ctrl-C on Windows: the console calls one handler of the process, on a thread of `ctrlc`'s, which tells
//! all who wait, in whichever runtime.

use std::io;

use parking_lot::Mutex;
use tokio::sync::Notify;

static PRESSED: Notify = Notify::const_new();
static INSTALLED: Mutex<bool> = Mutex::new(false);

pub(super) async fn ctrl_c() -> io::Result<()> {
    // Hears from here on, before there is anything to hear.
    let pressed = PRESSED.notified();
    install()?;
    pressed.await;
    Ok(())
}

fn install() -> io::Result<()> {
    let mut installed = INSTALLED.lock();
    if !*installed {
        ctrlc::set_handler(|| PRESSED.notify_waiters()).map_err(|error| match error {
            ctrlc::Error::System(error) => error,
            other => io::Error::other(other),
        })?;
        *installed = true;
    }
    Ok(())
}
