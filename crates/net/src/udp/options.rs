//! The options of a [`UdpSocket`]: broadcast, multicast, what its packets carry.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr};

#[cfg(target_os = "linux")]
use rustix::net::sockopt;
use socket2::SockRef;

use super::UdpSocket;

impl UdpSocket {
    /// Tells whether datagrams may go to a broadcast address (`SO_BROADCAST`).
    ///
    /// # Errors
    ///
    /// Those of getsockopt(2).
    pub fn broadcast(&self) -> io::Result<bool> {
        self.evented().source().broadcast()
    }

    /// Sets whether datagrams may go to a broadcast address (`SO_BROADCAST`).
    ///
    /// # Errors
    ///
    /// Those of setsockopt(2).
    pub fn set_broadcast(&self, on: bool) -> io::Result<()> {
        self.evented().source().set_broadcast(on)
    }

    /// Tells whether this host hears its own IPv4 multicasts (`IP_MULTICAST_LOOP`).
    ///
    /// # Errors
    ///
    /// Those of getsockopt(2).
    pub fn multicast_loop_v4(&self) -> io::Result<bool> {
        self.evented().source().multicast_loop_v4()
    }

    /// Sets whether this host hears its own IPv4 multicasts (`IP_MULTICAST_LOOP`).
    ///
    /// # Errors
    ///
    /// Those of setsockopt(2).
    pub fn set_multicast_loop_v4(&self, on: bool) -> io::Result<()> {
        self.evented().source().set_multicast_loop_v4(on)
    }

    /// Returns how many hops IPv4 multicasts travel (`IP_MULTICAST_TTL`).
    ///
    /// # Errors
    ///
    /// Those of getsockopt(2).
    pub fn multicast_ttl_v4(&self) -> io::Result<u32> {
        self.evented().source().multicast_ttl_v4()
    }

    /// Sets how many hops IPv4 multicasts travel (`IP_MULTICAST_TTL`), 0 to 255; 1 by default.
    ///
    /// # Errors
    ///
    /// Those of setsockopt(2).
    pub fn set_multicast_ttl_v4(&self, ttl: u32) -> io::Result<()> {
        self.evented().source().set_multicast_ttl_v4(ttl)
    }

    /// Tells whether this host hears its own IPv6 multicasts (`IPV6_MULTICAST_LOOP`).
    ///
    /// # Errors
    ///
    /// Those of getsockopt(2).
    pub fn multicast_loop_v6(&self) -> io::Result<bool> {
        self.evented().source().multicast_loop_v6()
    }

    /// Sets whether this host hears its own IPv6 multicasts (`IPV6_MULTICAST_LOOP`).
    ///
    /// # Errors
    ///
    /// Those of setsockopt(2).
    pub fn set_multicast_loop_v6(&self, on: bool) -> io::Result<()> {
        self.evented().source().set_multicast_loop_v6(on)
    }

    /// Joins an IPv4 multicast group (`IP_ADD_MEMBERSHIP`) on the interface with that address, or on
    /// one that the system chooses if it is `0.0.0.0`.
    ///
    /// # Errors
    ///
    /// Those of setsockopt(2).
    pub fn join_multicast_v4(&self, group: Ipv4Addr, interface: Ipv4Addr) -> io::Result<()> {
        self.evented()
            .source()
            .join_multicast_v4(&group, &interface)
    }

    /// Leaves an IPv4 multicast group (`IP_DROP_MEMBERSHIP`).
    ///
    /// # Errors
    ///
    /// Those of setsockopt(2).
    pub fn leave_multicast_v4(&self, group: Ipv4Addr, interface: Ipv4Addr) -> io::Result<()> {
        self.evented()
            .source()
            .leave_multicast_v4(&group, &interface)
    }

    /// Joins an IPv6 multicast group (`IPV6_ADD_MEMBERSHIP`) on the interface with that index, or on
    /// any if it is 0.
    ///
    /// # Errors
    ///
    /// Those of setsockopt(2).
    pub fn join_multicast_v6(&self, group: &Ipv6Addr, interface: u32) -> io::Result<()> {
        self.evented().source().join_multicast_v6(group, interface)
    }

    /// Leaves an IPv6 multicast group (`IPV6_DROP_MEMBERSHIP`).
    ///
    /// # Errors
    ///
    /// Those of setsockopt(2).
    pub fn leave_multicast_v6(&self, group: &Ipv6Addr, interface: u32) -> io::Result<()> {
        self.evented().source().leave_multicast_v6(group, interface)
    }

    /// Returns the time to live (`IP_TTL`) of packets sent from this socket, in hops.
    ///
    /// # Errors
    ///
    /// Those of getsockopt(2).
    pub fn ttl(&self) -> io::Result<u32> {
        SockRef::from(self).ttl_v4()
    }

    /// Sets the time to live (`IP_TTL`) of packets sent from this socket, in hops.
    ///
    /// # Errors
    ///
    /// Those of setsockopt(2).
    pub fn set_ttl(&self, ttl: u32) -> io::Result<()> {
        SockRef::from(self).set_ttl_v4(ttl)
    }

    /// Returns the type of service (`IP_TOS`) of packets sent over IPv4.
    ///
    /// # Errors
    ///
    /// Those of getsockopt(2).
    pub fn tos_v4(&self) -> io::Result<u32> {
        SockRef::from(self).tos_v4()
    }

    /// Sets the type of service (`IP_TOS`) of packets sent over IPv4, 0 to 255.
    ///
    /// # Errors
    ///
    /// Those of setsockopt(2).
    pub fn set_tos_v4(&self, tos: u32) -> io::Result<()> {
        SockRef::from(self).set_tos_v4(tos)
    }

    /// Returns the traffic class (`IPV6_TCLASS`) of packets sent over IPv6. Linux only.
    ///
    /// # Errors
    ///
    /// Those of getsockopt(2).
    #[cfg(target_os = "linux")]
    pub fn tclass_v6(&self) -> io::Result<u32> {
        Ok(sockopt::ipv6_tclass(self)?)
    }

    /// Sets the traffic class (`IPV6_TCLASS`) of packets sent over IPv6, 0 to 255. Linux
    /// only.
    ///
    /// # Errors
    ///
    /// Those of setsockopt(2).
    #[cfg(target_os = "linux")]
    pub fn set_tclass_v6(&self, tclass: u32) -> io::Result<()> {
        Ok(sockopt::set_ipv6_tclass(self, tclass)?)
    }

    /// Returns the network interface the socket is bound to, if any (`SO_BINDTODEVICE`). Linux
    /// only.
    ///
    /// # Errors
    ///
    /// Those of getsockopt(2).
    #[cfg(target_os = "linux")]
    pub fn device(&self) -> io::Result<Option<Vec<u8>>> {
        SockRef::from(self).device()
    }

    /// Binds the socket to a network interface, or to none (`SO_BINDTODEVICE`). Linux only.
    ///
    /// # Errors
    ///
    /// Those of setsockopt(2).
    #[cfg(target_os = "linux")]
    pub fn bind_device(&self, interface: Option<&[u8]>) -> io::Result<()> {
        SockRef::from(self).bind_device(interface)
    }

    /// Takes the error pending on the socket (`SO_ERROR`), such as an ICMP refusal, if any.
    ///
    /// # Errors
    ///
    /// Those of getsockopt(2).
    pub fn take_error(&self) -> io::Result<Option<io::Error>> {
        self.evented().source().take_error()
    }
}
