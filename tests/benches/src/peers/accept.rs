//! What all of them share: accepting, and the opening for those that leave it to others.

use std::future::Future;
use std::io;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tungstenite::handshake::derive_accept_key;

/// Longest head of a request, in bytes.
const MAX_HEAD: usize = 8 * 1024;

/// Runs `serve` as a task for each connection, none of which waits to fill a packet.
pub(super) async fn each<F, Fut>(listener: TcpListener, serve: F) -> io::Result<()>
where
    F: Fn(TcpStream) -> Fut,
    Fut: Future<Output: Send> + Send + 'static,
{
    loop {
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            // It was gone before it was accepted, which is nobody else's trouble.
            Err(e) if e.kind() == io::ErrorKind::ConnectionAborted => continue,
            Err(e) => return Err(e),
        };
        // One that is gone already fails as soon as it is read.
        let _ = stream.set_nodelay(true);
        // What became of one connection is for its client to see.
        drop(tokio::spawn(serve(stream)));
    }
}

/// Answers the request for a WebSocket that `stream` begins with. Nothing may follow it before it is answered.
pub(super) async fn open<S: AsyncRead + AsyncWrite + Unpin>(stream: &mut S) -> io::Result<()> {
    let mut head = Vec::with_capacity(1024);
    while !head.ends_with(b"\r\n\r\n") {
        let (left, complete) = (MAX_HEAD - head.len(), head.windows(4).any(|end| end == b"\r\n\r\n"));
        if complete || left == 0 || (&mut *stream).take(left as u64).read_buf(&mut head).await? == 0 {
            return Err(io::ErrorKind::InvalidData.into());
        }
    }
    let head = std::str::from_utf8(&head).map_err(|_| io::ErrorKind::InvalidData)?;
    let mut fields = head.lines().filter_map(|line| line.split_once(':'));
    let key = fields.find(|(name, _)| name.eq_ignore_ascii_case("sec-websocket-key"));
    let (_, key) = key.ok_or(io::ErrorKind::InvalidData)?;
    let answer = format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Accept: {}\r\n\r\n",
        derive_accept_key(key.trim().as_bytes())
    );
    stream.write_all(answer.as_bytes()).await
}
