//! On tokio.

use super::games::{Games, config};
use std::io;
use std::net::SocketAddr;
use wharf::link::Address;

/// Serves for as long as `until` takes.
pub(crate) fn serve(listen: SocketAddr, until: impl FnOnce(&Address)) -> io::Result<()> {
    let runtime = tokio::runtime::Runtime::new()?;
    let games = runtime.block_on(async {
        let bound = wharf_tokio::bind(listen).await?;
        wharf_tokio::serve_service(vec![bound], Games::new(), &config().into(), wharf_tokio::no_jobs)
    })?;
    until(&games.local_addrs()[0]);
    runtime.block_on(games.drain());
    Ok(())
}
