//! A child of a group cannot borrow either, although the group waits for it: see `heist::task::group`.

use heist::task::TaskGroup;

#[heist::main]
async fn main() {
    let text = String::from("mine");
    let group = TaskGroup::new().run(async |scope| {
        let child = scope.spawn(async { Ok::<usize, ()>(text.len()) }).await;
        drop(child.await);
        Ok(())
    });
    drop(group.await);
}
