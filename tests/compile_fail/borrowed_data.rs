//! A task may outlive the function that spawned it: it cannot borrow from it.

#[heist::main]
async fn main() {
    let text = String::from("mine");
    let task = heist::spawn(async { text.len() });
    drop(task.await);
    drop(text);
}
