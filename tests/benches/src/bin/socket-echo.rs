//! `socket-echo --runtime tokio|async-std|smol --listen ADDR`: the echo of `wharf echo`, with its limits, by the other door: a
//! `Socket` a connection, used as `Stream` and `Sink`.
#![forbid(unsafe_code)]

use clap::Parser;
use futures_util::{SinkExt, StreamExt};
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use wharf_async_std::{AsyncStd, Bound, Error, Runtime, Smol, Socket};
use wharf_cli::args::Common;
use wharf_cli::runner::RuntimeKind;
use wharf_cli::server;
use wharf_tokio::Tokio;

/// Sends each message back as it came, by `Stream` and `Sink`.
#[derive(Debug, Parser)]
struct Args {
    /// Where to listen; port 0 picks one.
    #[arg(long, default_value = "127.0.0.1:9001", value_name = "ADDR")]
    listen: SocketAddr,
    /// As `wharf echo` has them.
    #[command(flatten)]
    common: Common,
}

fn main() -> io::Result<()> {
    let args = Args::parse();
    match args.common.runtime {
        RuntimeKind::Tokio => tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?
            .block_on(serve::<Tokio>(&args)),
        // This thread has nothing to do, and would in the runtime's own `block_on` take turns at the reactor.
        RuntimeKind::AsyncStd => smol::future::block_on(serve::<AsyncStd>(&args)),
        RuntimeKind::Smol => smol::future::block_on(serve::<Smol>(&args)),
        RuntimeKind::Mio => Err(io::Error::new(io::ErrorKind::Unsupported, "there is no Socket on mio")),
    }
}

async fn serve<R: Runtime>(args: &Args) -> io::Result<()> {
    let bound = Bound::<R>::bind(args.listen).await?;
    println!("listening on {}", bound.local_addr());
    let config = Arc::new(server::config(&args.common));
    let _serving = wharf_async_std::serve(bound, config, echo::<R>);
    std::future::pending().await
}

/// What has come together goes out together: what is fed is written when the stream would wait.
async fn echo<R: Runtime>(mut socket: Socket<R>) -> Result<(), Error> {
    while let Some(message) = StreamExt::next(&mut socket).await {
        socket.feed(message?).await?;
    }
    Ok(())
}
