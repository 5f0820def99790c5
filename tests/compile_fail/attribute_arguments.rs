//! Mistakes in the arguments of the attributes.

#[heist::main(flavor = "locl")]
async fn unknown_flavor() {}

#[heist::main(flavor = "local", worker_threads = 2)]
async fn workers_of_a_local_runtime() {}

#[heist::main(name = "")]
async fn empty_name() {}

#[heist::main(unhandled_panic = "abort")]
async fn unknown_behavior() {}

#[heist::main(current_thread)]
async fn value_without_its_argument() {}

#[heist::main(threads = 2)]
async fn unknown_argument() {}

fn main() {}
