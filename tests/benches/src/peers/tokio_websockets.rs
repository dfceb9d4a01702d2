//! tokio-websockets: its example `echo_server`, and the same with its writes collected.

use super::Batched;
use futures_util::{SinkExt, StreamExt};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::unconstrained;
use tokio_websockets::{Config, Error, Limits, ServerBuilder, WebSocketStream};

pub(super) async fn documented(stream: TcpStream) -> Result<(), Error> {
    unconstrained(async {
        let mut server = open(stream).await?;
        echo(&mut server).await
    })
    .await
}

pub(super) async fn batched(stream: TcpStream) -> Result<(), Error> {
    unconstrained(async {
        let mut server = open(Batched::new(stream)).await?;
        let end = echo(&mut server).await;
        server.into_inner().shutdown().await?;
        end
    })
    .await
}

async fn open<S: AsyncRead + AsyncWrite + Unpin>(stream: S) -> Result<WebSocketStream<S>, Error> {
    let builder = ServerBuilder::new().config(Config::default().frame_size(usize::MAX));
    let (_, server) = builder.limits(Limits::unlimited()).accept(stream).await?;
    Ok(server)
}

async fn echo<S: AsyncRead + AsyncWrite + Unpin>(server: &mut WebSocketStream<S>) -> Result<(), Error> {
    while let Some(message) = server.next().await {
        let message = message?;
        if message.is_text() || message.is_binary() {
            server.send(message).await?;
        }
    }
    Ok(())
}
