//! Context variables: children inherit them, and change their own copies only.

use heist::task::{inherit, yield_now};

heist::inherited_local! {
    static REQUEST: String
}

fn request() -> String {
    REQUEST.try_get().unwrap_or_else(|_| "none".to_owned())
}

async fn handler(name: &str) -> String {
    let inner = async {
        yield_now().await;
        request()
    };
    REQUEST.scope(format!("{name}'s own"), inner).await
}

async fn child() -> String {
    request()
}

#[heist::main]
async fn main() {
    println!("before: {}", request());
    let rest = async {
        let seen = heist::spawn(inherit(child())).await;
        println!("child sees: {}", seen.expect("no panic"));
        let seen = heist::spawn(inherit(handler("a"))).await;
        println!("handler sees: {}", seen.expect("no panic"));
        println!("after: {}", request());
    };
    REQUEST.scope("main".to_owned(), rest).await;
}
