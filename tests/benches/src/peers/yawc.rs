//! yawc: its example `echo_server`, and the way that its own comparison tunes it, flushing when the reader would block.

use super::{MAX_MESSAGE, accept, hyper_upgrade};
use futures_util::SinkExt;
use hyper::body::{Body, Bytes, Incoming};
use hyper::{Request, Response};
use std::convert::Infallible;
use std::future::poll_fn;
use std::task::{Poll, ready};
use tokio::net::TcpStream;
use tokio::task::unconstrained;
use yawc::{OpCode, Options, Result, Role, UpgradeFut, WebSocket, WebSocketError};

pub(super) async fn documented(stream: TcpStream) -> std::result::Result<(), hyper::Error> {
    hyper_upgrade::serve(stream, server_upgrade).await
}

fn options() -> Options {
    Options::default().without_compression().with_utf8().with_limits(MAX_MESSAGE + 1, MAX_MESSAGE + 1)
}

fn server_upgrade(
    mut request: Request<Incoming>,
) -> Result<Response<impl Body<Data = Bytes, Error = Infallible>>> {
    let (response, upgraded) = WebSocket::upgrade_with_options(&mut request, options())?;
    drop(tokio::spawn(unconstrained(echo(upgraded))));
    Ok(response)
}

async fn echo(upgraded: UpgradeFut) -> Result<()> {
    let mut socket = upgraded.await?;
    loop {
        let frame = socket.next_frame().await?;
        if matches!(frame.opcode(), OpCode::Text | OpCode::Binary) {
            socket.send(frame).await?;
        }
    }
}

pub(super) async fn batched(mut stream: TcpStream) -> Result<()> {
    accept::open(&mut stream).await?;
    let options = options().with_read_buffer_capacity(128 * 1024).with_backpressure_boundary(64 * 1024);
    let mut socket = WebSocket::from_stream(stream, Role::Server, options)?;
    let mut held = None;
    unconstrained(poll_fn(|cx| {
        loop {
            if held.is_some() {
                ready!(socket.poll_ready_unpin(cx))?;
                socket.start_send_unpin(held.take().expect("just seen"))?;
            }
            match socket.poll_next_frame(cx) {
                Poll::Ready(Ok(frame)) => {
                    held = Some(frame).filter(|f| matches!(f.opcode(), OpCode::Text | OpCode::Binary));
                }
                Poll::Ready(Err(WebSocketError::ConnectionClosed)) => return socket.poll_flush_unpin(cx),
                Poll::Ready(Err(e)) => return Poll::Ready(Err(e)),
                Poll::Pending => {
                    ready!(socket.poll_flush_unpin(cx))?;
                    return Poll::Pending;
                }
            }
        }
    }))
    .await
}
