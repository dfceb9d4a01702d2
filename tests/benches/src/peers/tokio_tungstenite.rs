//! tokio-tungstenite: its example `echo-server`, and the same without splitting the stream.

use futures_util::{Sink, SinkExt, Stream, StreamExt, TryStreamExt, future};
use std::future::poll_fn;
use std::task::{Poll, ready};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{accept_async, accept_async_with_config};
use tungstenite::protocol::WebSocketConfig;

pub(super) async fn documented(stream: TcpStream) -> Result<(), Error> {
    let (write, read) = accept_async(stream).await?.split();
    read.try_filter(|message| future::ready(is_data(message))).forward(write).await
}

/// Its buffers are 128 KiB each way, which its documentation has for high load.
pub(super) async fn batched(stream: TcpStream) -> Result<(), Error> {
    let config = WebSocketConfig::default().read_buffer_size(128 * 1024).write_buffer_size(128 * 1024);
    echo(accept_async_with_config(stream, Some(config)).await?).await
}

fn is_data(message: &Message) -> bool {
    message.is_text() || message.is_binary()
}

/// Echoes, and flushes when the next message would have to be waited for.
async fn echo<S>(mut socket: S) -> Result<(), Error>
where
    S: Stream<Item = Result<Message, Error>> + Sink<Message, Error = Error> + Unpin,
{
    let mut held = None;
    poll_fn(|cx| {
        loop {
            if held.is_some() {
                ready!(socket.poll_ready_unpin(cx))?;
                socket.start_send_unpin(held.take().expect("just seen"))?;
            }
            match socket.poll_next_unpin(cx)? {
                Poll::Ready(Some(message)) => held = Some(message).filter(is_data),
                Poll::Ready(None) => return socket.poll_close_unpin(cx),
                Poll::Pending => {
                    ready!(socket.poll_flush_unpin(cx))?;
                    return Poll::Pending;
                }
            }
        }
    })
    .await
}
