//! web-socket: buffered reads as in its examples, and the same with its writes collected. It leaves the opening to
//! others, and the UTF-8 of a text to whoever receives it.

use super::{Batched, MAX_MESSAGE, READ_BUFFER, accept};
use std::io;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use web_socket::{CloseCode, DataType, Event, MessageType, Stream, WebSocket};

pub(super) async fn documented(stream: TcpStream) -> io::Result<()> {
    let mut stream = BufReader::new(stream);
    accept::open(&mut stream).await?;
    echo(WebSocket::server(stream)).await
}

pub(super) async fn batched(stream: TcpStream) -> io::Result<()> {
    let mut stream = BufReader::with_capacity(READ_BUFFER, Batched::new(stream));
    accept::open(&mut stream).await?;
    let mut socket = WebSocket::server(stream);
    let end = echo_borrowed(&mut socket).await;
    socket.stream.shutdown().await?;
    end
}

async fn echo<S: AsyncRead + AsyncWrite + Unpin>(mut socket: WebSocket<S>) -> io::Result<()> {
    echo_borrowed(&mut socket).await
}

async fn echo_borrowed<S: AsyncRead + AsyncWrite + Unpin>(socket: &mut WebSocket<S>) -> io::Result<()> {
    socket.max_payload_len = MAX_MESSAGE;
    let mut fragments = Vec::new();
    loop {
        match socket.recv_event().await? {
            Event::Data { ty: DataType::Complete(ty), data } => send(socket, ty, &data).await?,
            Event::Data { ty: DataType::Stream(stream), data } => {
                fragments.extend_from_slice(&data);
                if let Stream::End(ty) = stream {
                    send(socket, ty, &fragments).await?;
                    fragments.clear();
                }
            }
            Event::Ping(data) => socket.send_pong(data).await?,
            Event::Pong(_) => {}
            Event::Error(_) => return close(socket, CloseCode::ProtocolError).await,
            Event::Close { .. } => return close(socket, CloseCode::Normal).await,
        }
    }
}

async fn close<S: AsyncRead + AsyncWrite + Unpin>(
    socket: &mut WebSocket<S>,
    code: CloseCode,
) -> io::Result<()> {
    WebSocket::server(&mut socket.stream).close(code).await
}

async fn send<S: AsyncRead + AsyncWrite + Unpin>(
    socket: &mut WebSocket<S>,
    ty: MessageType,
    data: &[u8],
) -> io::Result<()> {
    match ty {
        MessageType::Text => {
            socket.send(std::str::from_utf8(data).map_err(|_| io::ErrorKind::InvalidData)?).await
        }
        MessageType::Binary => socket.send(data).await,
    }
}
