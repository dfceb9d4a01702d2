//! On tokio, in one thread, a task a connection.

use std::cell::RefCell;
use std::future::poll_fn;
use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::task::{Context, Poll, ready};
use tokio::net::{TcpListener, TcpStream};

thread_local! {
    static BUFFER: RefCell<Vec<u8>> = RefCell::new(vec![0; 64 << 10]);
}

/// Echoes forever. Tells `listening` its address.
///
/// # Errors
/// As the operating system says.
pub fn serve(address: SocketAddr, listening: impl FnOnce(SocketAddr)) -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let listener = TcpListener::bind(address).await?;
        listening(listener.local_addr()?);
        loop {
            let (stream, _) = listener.accept().await?;
            let _ = stream.set_nodelay(true);
            tokio::spawn(async move {
                let mut unwritten = Vec::new();
                // What a connection ends with is its peer's business.
                let _ = poll_fn(|cx| BUFFER.with_borrow_mut(|b| turn(&stream, cx, b, &mut unwritten))).await;
            });
        }
    })
}

/// Writes what is left, then echoes until there is nothing to read.
fn turn(
    stream: &TcpStream,
    cx: &mut Context<'_>,
    buffer: &mut [u8],
    unwritten: &mut Vec<u8>,
) -> Poll<io::Result<()>> {
    loop {
        while !unwritten.is_empty() {
            ready!(stream.poll_write_ready(cx))?;
            match stream.try_write(unwritten) {
                Ok(n) if n == unwritten.len() => *unwritten = Vec::new(),
                Ok(n) => drop(unwritten.drain(..n)),
                Err(e) if e.kind() == ErrorKind::WouldBlock => {}
                Err(e) => return Poll::Ready(Err(e)),
            }
        }
        ready!(stream.poll_read_ready(cx))?;
        let read = match stream.try_read(buffer) {
            Ok(0) => return Poll::Ready(Ok(())),
            Ok(n) => n,
            Err(e) if e.kind() == ErrorKind::WouldBlock => continue,
            Err(e) => return Poll::Ready(Err(e)),
        };
        let written = match stream.try_write(&buffer[..read]) {
            Err(e) if e.kind() == ErrorKind::WouldBlock => 0,
            written => written?,
        };
        unwritten.extend_from_slice(&buffer[written..read]);
    }
}
