//! soketto: its example `autobahn_server`, and the same with its writes collected.

use super::{Batched, READ_BUFFER};
use futures_util::io::{AsyncRead, AsyncWrite, BufReader, BufWriter};
use soketto::connection::Error;
use soketto::handshake::Server;
use soketto::handshake::server::Response;
use soketto::{BoxedError, Data};
use tokio::net::TcpStream;
use tokio_util::compat::TokioAsyncReadCompatExt;

pub(super) async fn documented(stream: TcpStream) -> Result<(), BoxedError> {
    echo(BufReader::new(BufWriter::new(stream.compat()))).await
}

pub(super) async fn batched(stream: TcpStream) -> Result<(), BoxedError> {
    echo(BufReader::with_capacity(READ_BUFFER, Batched::new(stream).compat())).await
}

async fn echo<S: AsyncRead + AsyncWrite + Unpin>(stream: S) -> Result<(), BoxedError> {
    let mut server = Server::new(stream);
    let key = server.receive_request().await?.key();
    server.send_response(&Response::Accept { key, protocol: None }).await?;
    let (mut sender, mut receiver) = server.into_builder().finish();
    let mut message = Vec::new();
    loop {
        message.clear();
        match receiver.receive_data(&mut message).await {
            Ok(Data::Binary(_)) => sender.send_binary_mut(&mut message).await?,
            Ok(Data::Text(_)) => sender.send_text(std::str::from_utf8(&message)?).await?,
            Err(Error::Closed) => return Ok(()),
            Err(e) => return Err(e.into()),
        }
        sender.flush().await?;
    }
}
