//! A producer and a slower consumer with a bounded queue between them.

use heist::sync::mpsc;

async fn producer(queue: mpsc::Sender<u32>) {
    for n in 0..6 {
        queue.send(n).await.expect("the consumer is there");
        println!("put {n}");
    }
}

async fn consumer(mut queue: mpsc::Receiver<u32>) -> u32 {
    let mut total = 0;
    // The sender's drop is the end; a queue of asyncio has none, and needs a last item.
    while let Some(item) = queue.recv().await {
        total += item;
    }
    println!("total {total}");
    total
}

#[heist::main]
async fn main() {
    let (send, receive) = mpsc::channel(2);
    let task = heist::spawn(consumer(receive));
    producer(send).await;
    println!("joined {}", task.await.expect("no panic"));
}
