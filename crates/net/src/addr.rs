//! What can name an address: [`ToSocketAddrs`], and [`lookup_host`] over it.
//!
//! Anything that parses as an IP address is answered on the spot; only host names go to the
//! [resolver]. The trait is sealed, so how the answer is represented can change.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};
use std::{option, vec};

use crate::resolver;

/// Converts or resolves a value to one or more socket addresses without blocking the thread.
///
/// It is implemented for the same types as [`std::net::ToSocketAddrs`]: socket addresses, slices of
/// them, `(ip, port)` pairs, and strings, either `"host:port"` or `("host", port)`. Strings that
/// hold an IP address are parsed in place; host names are resolved by the operating system's
/// `getaddrinfo` on threads of its own.
///
/// The trait is sealed: it cannot be implemented outside this crate.
pub trait ToSocketAddrs: sealed::Resolve {}

impl<T: sealed::Resolve + ?Sized> ToSocketAddrs for T {}

/// Resolves `host` and returns its addresses in the order of the operating system's preference.
///
/// # Errors
///
/// When the name cannot be resolved, or when a string has no port.
///
/// # Cancel safety
///
/// Cancel safe: a dropped lookup that has not started is skipped, one that has is ignored.
///
/// # Examples
///
/// ```
/// # mod heist { pub use heist_net as net; }
/// # async fn print() -> std::io::Result<()> {
/// use heist::net::lookup_host;
///
/// for addr in lookup_host("localhost:3000").await? {
///     println!("{addr}");
/// }
/// # Ok(())
/// # }
/// ```
pub async fn lookup_host<T: ToSocketAddrs>(
    host: T,
) -> io::Result<impl Iterator<Item = SocketAddr>> {
    resolve(host).await
}

/// Resolves `host` to its addresses.
pub(crate) async fn resolve<T: ToSocketAddrs>(host: T) -> io::Result<Addrs> {
    match host.resolve(sealed::Internal)? {
        Resolution::Known(addrs) => Ok(addrs),
        Resolution::Lookup(name, port) => {
            let addrs = resolver::lookup(name, port).await?;
            Ok(Addrs::Many(addrs.into_iter()))
        }
    }
}

/// The addresses one name stands for. One known address, the common case, allocates nothing.
#[derive(Debug)]
pub enum Addrs {
    /// At most one address.
    One(option::IntoIter<SocketAddr>),
    /// Any number of addresses.
    Many(vec::IntoIter<SocketAddr>),
}

impl Iterator for Addrs {
    type Item = SocketAddr;

    fn next(&mut self) -> Option<SocketAddr> {
        match self {
            Addrs::One(addr) => addr.next(),
            Addrs::Many(addrs) => addrs.next(),
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        match self {
            Addrs::One(addr) => addr.size_hint(),
            Addrs::Many(addrs) => addrs.size_hint(),
        }
    }
}

/// What a value says about its addresses before anything is looked up.
#[derive(Debug)]
pub enum Resolution {
    /// The addresses were in the value itself.
    Known(Addrs),
    /// A host name and a port: somebody has to ask the system.
    Lookup(Box<str>, u16),
}

impl Resolution {
    fn one(addr: impl Into<SocketAddr>) -> io::Result<Self> {
        Ok(Resolution::Known(Addrs::One(Some(addr.into()).into_iter())))
    }
}

mod sealed {
    use std::io;

    use super::Resolution;

    /// Keeps callers outside the crate from naming [`Resolve::resolve`]'s argument.
    #[derive(Debug)]
    pub struct Internal;

    /// The sealed half of [`ToSocketAddrs`](super::ToSocketAddrs).
    pub trait Resolve {
        /// Splits off what needs no lookup. Never blocks.
        fn resolve(&self, internal: Internal) -> io::Result<Resolution>;
    }
}

use sealed::{Internal, Resolve};

impl<T: Resolve + ?Sized> Resolve for &T {
    fn resolve(&self, internal: Internal) -> io::Result<Resolution> {
        (**self).resolve(internal)
    }
}

impl Resolve for SocketAddr {
    fn resolve(&self, _: Internal) -> io::Result<Resolution> {
        Resolution::one(*self)
    }
}

impl Resolve for SocketAddrV4 {
    fn resolve(&self, _: Internal) -> io::Result<Resolution> {
        Resolution::one(*self)
    }
}

impl Resolve for SocketAddrV6 {
    fn resolve(&self, _: Internal) -> io::Result<Resolution> {
        Resolution::one(*self)
    }
}

impl Resolve for (IpAddr, u16) {
    fn resolve(&self, _: Internal) -> io::Result<Resolution> {
        Resolution::one(*self)
    }
}

impl Resolve for (Ipv4Addr, u16) {
    fn resolve(&self, _: Internal) -> io::Result<Resolution> {
        Resolution::one(*self)
    }
}

impl Resolve for (Ipv6Addr, u16) {
    fn resolve(&self, _: Internal) -> io::Result<Resolution> {
        Resolution::one(*self)
    }
}

impl Resolve for [SocketAddr] {
    fn resolve(&self, _: Internal) -> io::Result<Resolution> {
        Ok(Resolution::Known(Addrs::Many(Vec::from(self).into_iter())))
    }
}

impl Resolve for (&str, u16) {
    fn resolve(&self, _: Internal) -> io::Result<Resolution> {
        let (host, port) = *self;
        match host.parse::<IpAddr>() {
            Ok(ip) => Resolution::one((ip, port)),
            Err(_) => Ok(Resolution::Lookup(host.into(), port)),
        }
    }
}

impl Resolve for (String, u16) {
    fn resolve(&self, internal: Internal) -> io::Result<Resolution> {
        (self.0.as_str(), self.1).resolve(internal)
    }
}

impl Resolve for str {
    fn resolve(&self, internal: Internal) -> io::Result<Resolution> {
        if let Ok(addr) = self.parse::<SocketAddr>() {
            return Resolution::one(addr);
        }
        let (host, port) = self
            .rsplit_once(':')
            .ok_or_else(|| invalid("address has no port: expected `host:port`"))?;
        let port = port
            .parse()
            .map_err(|_| invalid("address has an invalid port: expected 0 to 65535"))?;
        (host, port).resolve(internal)
    }
}

impl Resolve for String {
    fn resolve(&self, internal: Internal) -> io::Result<Resolution> {
        self.as_str().resolve(internal)
    }
}

/// The error of a name that stands for no address at all.
pub(crate) fn no_address() -> io::Error {
    invalid("could not resolve to any address")
}

fn invalid(message: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, message)
}

#[cfg(test)]
mod tests;
