//! On async-std.

use super::games::{Games, config};
use std::io;
use std::net::SocketAddr;
use wharf::link::Address;
use wharf_async_std::AsyncStd;

/// Serves for as long as `until` takes.
pub(crate) fn serve(listen: SocketAddr, until: impl FnOnce(&Address)) -> io::Result<()> {
    let games = async_std::task::block_on(async {
        let bound = wharf_async_std::bind::<AsyncStd>(listen).await?;
        let jobs = wharf_async_std::no_jobs;
        wharf_async_std::serve_service(vec![bound], Games::new(), &config().into(), jobs)
    })?;
    until(&games.local_addrs()[0]);
    async_std::task::block_on(games.drain());
    Ok(())
}
