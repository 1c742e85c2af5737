//! The other end of a connection.

use std::net::SocketAddr;

/// The remote end of a connection, which its requests carry.
#[derive(Clone, Copy)]
pub(crate) struct Remote(pub(crate) SocketAddr);
