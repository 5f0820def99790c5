//! Automation of the Heist workspace.
fn main() {}
