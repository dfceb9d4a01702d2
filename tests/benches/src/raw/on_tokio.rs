//! On tokio, a task a connection.

use std::cell::RefCell;
use std::future::poll_fn;
use std::io::{self, ErrorKind};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWriteExt, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Builder;
use tokio::task::LocalSet;

/// Echoes until it fails.
///
/// # Errors
/// As the operating system says.
pub fn tokio_echo(listener: std::net::TcpListener, buffer: usize) -> io::Result<()> {
    let runtime = Builder::new_current_thread().enable_io().build()?;
    LocalSet::new().block_on(&runtime, async move {
        let listener = TcpListener::from_std(listener)?;
        let shared = Rc::new(RefCell::new(vec![0; buffer]));
        loop {
            let (stream, _) = listener.accept().await?;
            stream.set_nodelay(true)?;
            tokio::task::spawn_local(echo(stream, shared.clone()));
        }
    })
}

/// Echoes one connection to its end, whatever ends it.
async fn echo(mut stream: TcpStream, buffer: Rc<RefCell<Vec<u8>>>) -> io::Result<()> {
    loop {
        let Some(unsent) = poll_fn(|cx| turn(&mut stream, &mut buffer.borrow_mut(), cx)).await? else {
            return Ok(());
        };
        stream.write_all(&unsent).await?;
    }
}

/// Reads into the buffer of the thread and writes it back, until there is nothing more, or the socket is full: then what it
/// did not take is returned. `None` is the end.
///
/// `poll_read` knows that a short read has emptied the socket, and does not ask again as `try_read` would.
fn turn(
    stream: &mut TcpStream,
    buffer: &mut [u8],
    cx: &mut Context<'_>,
) -> Poll<io::Result<Option<Vec<u8>>>> {
    loop {
        let mut read = ReadBuf::new(buffer);
        ready!(Pin::new(&mut *stream).poll_read(cx, &mut read))?;
        let bytes = read.filled();
        if bytes.is_empty() {
            return Poll::Ready(Ok(None));
        }
        let sent = match stream.try_write(bytes) {
            Ok(sent) => sent,
            Err(e) if e.kind() == ErrorKind::WouldBlock => 0,
            Err(e) => return Poll::Ready(Err(e)),
        };
        if sent < bytes.len() {
            return Poll::Ready(Ok(Some(bytes[sent..].to_vec())));
        }
    }
}
