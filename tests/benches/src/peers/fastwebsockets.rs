//! fastwebsockets: its example `echo_server`, and the same on the bare socket with its writes collected.

use super::{Batched, MAX_MESSAGE, accept, hyper_upgrade};
use fastwebsockets::upgrade::{UpgradeFut, upgrade};
use fastwebsockets::{FragmentCollector, OpCode, Role, WebSocket, WebSocketError};
use hyper::body::{Body, Bytes, Incoming};
use hyper::{Request, Response};
use std::convert::Infallible;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::unconstrained;

pub(super) async fn documented(stream: TcpStream) -> Result<(), hyper::Error> {
    hyper_upgrade::serve(stream, server_upgrade).await
}

fn server_upgrade(
    mut request: Request<Incoming>,
) -> Result<Response<impl Body<Data = Bytes, Error = Infallible>>, WebSocketError> {
    let (response, upgraded) = upgrade(&mut request)?;
    drop(tokio::spawn(unconstrained(async {
        let mut socket = FragmentCollector::new(opened(upgraded).await?);
        echo(&mut socket).await
    })));
    Ok(response)
}

async fn opened(
    upgraded: UpgradeFut,
) -> Result<WebSocket<hyper_util::rt::TokioIo<hyper::upgrade::Upgraded>>, WebSocketError> {
    let mut socket = upgraded.await?;
    socket.set_max_message_size(MAX_MESSAGE + 1);
    Ok(socket)
}

pub(super) async fn batched(stream: TcpStream) -> Result<(), WebSocketError> {
    unconstrained(async {
        let mut stream = Batched::new(stream);
        accept::open(&mut stream).await?;
        let mut socket = WebSocket::after_handshake(stream, Role::Server);
        socket.set_max_message_size(MAX_MESSAGE + 1);
        socket.set_auto_apply_mask(true);
        socket.set_writev(true);
        // What is collected is copied anyhow: not into its own buffer first.
        socket.set_writev_threshold(0);
        let mut socket = FragmentCollector::new(socket);
        let end = echo(&mut socket).await;
        socket.into_inner().shutdown().await?;
        end
    })
    .await
}

async fn echo<S: AsyncRead + AsyncWrite + Unpin>(
    socket: &mut FragmentCollector<S>,
) -> Result<(), WebSocketError> {
    loop {
        let frame = socket.read_frame().await?;
        match frame.opcode {
            OpCode::Close => return Ok(()),
            OpCode::Text | OpCode::Binary => socket.write_frame(frame).await?,
            _ => {}
        }
    }
}
