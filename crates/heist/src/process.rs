//! Child processes: [`Command`] starts them, [`Child`] waits for them.
//!
//! Names and meaning are tokio's. Unix only.
//!
//! ```
//! # #[heist::main] async fn main() -> std::io::Result<()> {
//! use heist::process::Command;
//!
//! let output = Command::new("echo").arg("loot").output().await?;
//! assert!(output.status.success());
//! assert_eq!(output.stdout, b"loot\n");
//! # Ok(()) }
//! ```
//!
//! | Question | File |
//! |---|---|
//! | How is the end of a child noticed? | `process/exit.rs` |
//! | Who reaps a child that nobody waits for? | `process/orphan.rs` |

mod orphan;

mod exit;

mod stdio;

mod child;
mod command;

pub use child::Child;
pub use command::Command;
pub use stdio::{ChildStderr, ChildStdin, ChildStdout};
