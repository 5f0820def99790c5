//! A task is cancelled while it awaits something shielded.

use heist::task::TaskGroup;
use heist::task::group::Scope;
use heist::time::{Duration, sleep};

async fn commit() {
    sleep(Duration::from_millis(20)).await;
    println!("committed");
}

/// Says that it was cancelled, where Python catches an exception.
struct SayCancelled;

impl Drop for SayCancelled {
    fn drop(&mut self) {
        println!("request cancelled");
    }
}

async fn request(scope: Scope<()>) -> Result<(), ()> {
    let say = SayCancelled;
    if scope.shield(commit()).await.is_ok() {
        println!("not reached");
    }
    std::mem::forget(say);
    Ok(())
}

#[heist::main]
async fn main() {
    let outcome = TaskGroup::new().run(async |scope: Scope<()>| {
        let task = scope.spawn(request(scope.clone())).await;
        sleep(Duration::from_millis(5)).await;
        task.abort();
        if task.await.is_err() {
            println!("cancellation seen");
        }
        Ok(())
    });
    // The group waits for what is shielded; asyncio needs an event for that.
    outcome.await.expect("an aborted child is no failure");
    println!("done");
}
