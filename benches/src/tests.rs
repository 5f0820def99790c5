//! Reading the arguments.

use super::*;

#[test]
fn both_arguments_are_read() {
    let args = ServerArgs::parse(["--addr", "127.0.0.1:81", "--workers", "3"]);
    let expected = ServerArgs {
        addr: SocketAddr::from(([127, 0, 0, 1], 81)),
        workers: 3,
    };
    assert_eq!(args.expect("both are well-formed"), expected);
}

#[test]
fn zero_workers_and_unknown_arguments_are_errors() {
    assert!(ServerArgs::parse(["--workers", "0"]).is_err());
    assert!(ServerArgs::parse(["--port", "1"]).is_err());
    assert!(ServerArgs::parse(["--addr", "nowhere"]).is_err());
}
