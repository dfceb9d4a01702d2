//! On mio.

use super::games::{Games, config};
use std::net::SocketAddr;
use std::{io, thread};
use wharf::link::Address;

/// Serves for as long as `until` takes.
pub(crate) fn serve(listen: SocketAddr, until: impl FnOnce(&Address)) -> io::Result<()> {
    let server = wharf_mio::Server::bind(listen, Games::new(), config().into())?;
    let (handle, addresses) = (server.handle(), server.local_addrs().cloned().collect::<Vec<_>>());
    let running = thread::spawn(move || server.run());
    until(&addresses[0]);
    handle.drain();
    running.join().map_err(|_| io::Error::other("the loop panicked"))?.map(drop)
}
