//! An echo by a handler a connection, with a limit on messages and a drain.
//! `tests/benches/examples/echo_tungstenite.rs` is the same on tokio-tungstenite.

use std::sync::Arc;
use wharf::link::Config;
use wharf_tokio::{Error, Socket, bind, serve};

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let mut config = Config::default();
    let mut ws = wharf::ws::Config::default();
    ws.max_message = 1 << 20;
    config.ws = Arc::new(ws);
    let bound = bind(([127, 0, 0, 1], 9001)).await?;
    let server = serve(bound, Arc::new(config), echo);
    tokio::signal::ctrl_c().await?;
    server.drain().await;
    Ok(())
}

pub(crate) async fn echo(mut socket: Socket) -> Result<(), Error> {
    while let Some(message) = socket.next().await {
        socket.send(message?).await?;
    }
    Ok(())
}
