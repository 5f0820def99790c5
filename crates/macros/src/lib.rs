//! The attribute macros of Heist: `#[heist::main]` and `#[heist::test]`.
//!
//! Use them through the `heist` crate. Each turns an async function into an ordinary one that
//! builds a runtime and runs the body on it; `args.rs` reads what stands in the parentheses,
//! `expand.rs` writes the function.
#![forbid(unsafe_code)]

mod args;
mod expand;

use proc_macro::TokenStream;

use expand::Kind;

/// Runs an async function, usually `main`, on a runtime of its own.
///
/// ```text
/// #[heist::main]
/// async fn main() -> std::io::Result<()> {
///     let listener = heist::net::TcpListener::bind("127.0.0.1:8080").await?;
///     // …
///     Ok(())
/// }
/// ```
///
/// is short for
///
/// ```text
/// fn main() -> std::io::Result<()> {
///     heist::runtime::Builder::new_multi_thread()
///         .enable_all()
///         .build()
///         .expect("failed to build the runtime")
///         .block_on(async {
///             let listener = heist::net::TcpListener::bind("127.0.0.1:8080").await?;
///             // …
///             Ok(())
///         })
/// }
/// ```
///
/// # Arguments
///
/// - `worker_threads = 4`: how many workers, at least 1. By default as many as the process may
///   use cores.
/// - `flavor = "current_thread"`: no worker threads, everything runs on the calling one. `flavor = "local"`:
///   so too, on a `heist::runtime::LocalRuntime`, inside of which `heist::task::spawn_local` takes tasks that
///   are not `Send`. The default is `"multi_thread"`.
/// - `name = "api"`: names the runtime; see `heist::runtime::Builder::name`. It must not be blank.
/// - `start_paused = true`: the clock stands still from the start; see `heist::time::pause`.
/// - `unhandled_panic = "shutdown_runtime"`: the panic of a task ends the runtime, and the function panics
///   with its message; see `heist::runtime::UnhandledPanic`. The default is `"ignore"`.
/// - `crate = "path"`: where the `heist` crate is, when it has been renamed or re-exported.
///
/// Each is a literal and is given once at most, in any order. All go with every flavor, except
/// `worker_threads`, which goes with `"multi_thread"` only.
///
/// ```text
/// #[heist::main(flavor = "local", name = "api")]
/// async fn main() {
///     let shared = std::rc::Rc::new(5);
///     let task = heist::task::spawn_local(async move { *shared });
///     assert_eq!(task.await.unwrap(), 5);
/// }
/// ```
///
/// # Panics
///
/// The function panics when the runtime cannot be built, for lack of threads or descriptors.
#[proc_macro_attribute]
pub fn main(args: TokenStream, item: TokenStream) -> TokenStream {
    expand::attribute(Kind::Main, args.into(), item.into()).into()
}

/// Runs an async test on a runtime of its own.
///
/// ```text
/// #[heist::test]
/// async fn two_and_two_are_four() {
///     assert_eq!(heist::spawn(async { 2 + 2 }).await.unwrap(), 4);
/// }
/// ```
///
/// The arguments are those of [`macro@main`], but the default is `flavor = "current_thread"`: one thread, on
/// which things happen in an order that a test can rely on. With `flavor = "multi_thread"` there are 2
/// workers: tests run next to each other, and two are enough to meet every race.
///
/// ```text
/// #[heist::test(start_paused = true)]
/// async fn a_day_passes_at_once() {
///     heist::time::sleep(Duration::from_secs(86_400)).await;
/// }
///
/// #[heist::test(flavor = "local")]
/// async fn a_task_need_not_be_send() {
///     let shared = std::rc::Rc::new(5);
///     let task = heist::task::spawn_local(async move { *shared });
///     assert_eq!(task.await.unwrap(), 5);
/// }
///
/// #[heist::test(unhandled_panic = "shutdown_runtime")]
/// async fn no_task_panics_unseen() {
///     heist::spawn(async { assert_eq!(2 + 2, 4) }).await.unwrap();
/// }
/// ```
#[proc_macro_attribute]
pub fn test(args: TokenStream, item: TokenStream) -> TokenStream {
    expand::attribute(Kind::Test, args.into(), item.into()).into()
}
