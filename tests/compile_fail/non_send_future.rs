//! A task may move between threads: what it holds at an `.await` must be `Send`.

use std::rc::Rc;

#[heist::main]
async fn main() {
    let task = heist::spawn(async {
        let shared = Rc::new(5);
        heist::task::yield_now().await;
        *shared
    });
    drop(task.await);
}
