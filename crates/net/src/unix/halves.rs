//! The halves of a [`UnixStream`].

use super::{SocketAddr, UnixStream};

crate::halves::split_halves!(UnixStream, SocketAddr, "Unix only.");
