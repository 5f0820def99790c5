//! A group one of whose children fails: the others are cancelled and clean up.

use heist::task::TaskGroup;
use heist::task::group::{Failure, Scope};
use heist::time::{Duration, sleep};

async fn works(scope: Scope<String>) -> Result<(), String> {
    let cleanup = async {
        heist::task::yield_now().await;
        println!("sibling cleaned up");
    };
    let work = sleep(Duration::from_secs(3600));
    scope.on_cancel(work, cleanup).await;
    Ok(())
}

async fn fails() -> Result<(), String> {
    sleep(Duration::from_millis(10)).await;
    println!("child fails");
    Err("boom".to_owned())
}

#[heist::main]
async fn main() {
    let outcome = TaskGroup::new().run(async |scope: Scope<String>| {
        drop(scope.spawn(works(scope.clone())).await);
        drop(scope.spawn(fails()).await);
        Ok(())
    });
    if let Err(failed) = outcome.await {
        for failure in failed.into_failures() {
            if let Failure::Error(error) = failure {
                println!("group failed: {error}");
            }
        }
    }
}
