//! What needs no lookup is known at once; what is malformed is refused at once.

use super::*;

fn known<T: ToSocketAddrs>(value: T) -> Vec<SocketAddr> {
    match value.resolve(Internal).expect("well-formed") {
        Resolution::Known(addrs) => addrs.collect(),
        Resolution::Lookup(host, _) => panic!("{host} would be looked up"),
    }
}

#[test]
fn ip_addresses_in_every_form_need_no_lookup() {
    let v4: SocketAddr = "127.0.0.1:80".parse().expect("an address");
    let v6: SocketAddr = "[::1]:80".parse().expect("an address");
    assert_eq!(known(v4), [v4]);
    assert_eq!(known(v6), [v6]);
    assert_eq!(known("127.0.0.1:80"), [v4]);
    assert_eq!(known("[::1]:80"), [v6]);
    assert_eq!(known(String::from("127.0.0.1:80")), [v4]);
    assert_eq!(known(("127.0.0.1", 80)), [v4]);
    assert_eq!(known(("::1", 80)), [v6]);
    assert_eq!(known((String::from("::1"), 80)), [v6]);
    assert_eq!(known((Ipv4Addr::LOCALHOST, 80)), [v4]);
    assert_eq!(known((Ipv6Addr::LOCALHOST, 80)), [v6]);
    assert_eq!(known((IpAddr::V4(Ipv4Addr::LOCALHOST), 80)), [v4]);
    assert_eq!(known(&[v4, v6][..]), [v4, v6]);
}

#[test]
fn a_host_name_is_split_from_its_port() {
    match "example.test:8080".resolve(Internal).expect("well-formed") {
        Resolution::Lookup(host, port) => assert_eq!((&*host, port), ("example.test", 8080)),
        Resolution::Known(_) => panic!("a host name is not known without a lookup"),
    }
}

#[test]
fn strings_without_a_usable_port_are_invalid_input() {
    for text in [
        "localhost",
        "localhost:",
        "localhost:http",
        "localhost:65536",
        "",
    ] {
        let error = text.resolve(Internal).expect_err(text);
        assert_eq!(error.kind(), io::ErrorKind::InvalidInput, "{text}");
    }
}
