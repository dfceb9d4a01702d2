//! On async-std, a task a connection: the sockets of async-io, whose reactor async-std's own stand on.

use async_std::task;
use smol::Async;
use std::cell::RefCell;
use std::future::poll_fn;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::task::{Context, Poll, ready};

thread_local! {
    /// The buffer of a thread that runs tasks.
    static BUFFER: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// Echoes until it fails. Its connections are on async-std's threads, of which `ASYNC_STD_THREAD_COUNT` is the number.
///
/// # Errors
/// As the operating system says.
pub fn async_std_echo(listener: TcpListener, buffer: usize) -> io::Result<()> {
    smol::block_on(async move {
        let listener = Async::new(listener)?;
        loop {
            let (stream, _) = listener.accept().await?;
            stream.get_ref().set_nodelay(true)?;
            task::spawn(echo(stream, buffer));
        }
    })
}

/// Echoes one connection to its end, whatever ends it.
async fn echo(stream: Async<TcpStream>, size: usize) -> io::Result<()> {
    let mut is_empty = false;
    loop {
        let unsent = poll_fn(|cx| {
            BUFFER.with_borrow_mut(|buffer| {
                buffer.resize(size, 0);
                turn(&stream, &mut is_empty, buffer, cx)
            })
        });
        let Some(mut unsent) = unsent.await? else { return Ok(()) };
        while !unsent.is_empty() {
            stream.writable().await?;
            let sent = write(&stream, &unsent)?;
            unsent.drain(..sent);
        }
    }
}

/// Reads into the buffer of the thread and writes it back, until there is nothing more, or the socket is full: then what it
/// did not take is returned. `None` is the end. A short read has emptied the socket.
fn turn(
    stream: &Async<TcpStream>,
    is_empty: &mut bool,
    buffer: &mut [u8],
    cx: &mut Context<'_>,
) -> Poll<io::Result<Option<Vec<u8>>>> {
    loop {
        if *is_empty {
            ready!(stream.poll_readable(cx))?;
            *is_empty = false;
        }
        let read = match stream.get_ref().read(buffer) {
            Ok(0) => return Poll::Ready(Ok(None)),
            Ok(read) => read,
            Err(e) if e.kind() == ErrorKind::WouldBlock => {
                *is_empty = true;
                continue;
            }
            Err(e) => return Poll::Ready(Err(e)),
        };
        *is_empty = read < buffer.len();
        let sent = write(stream, &buffer[..read])?;
        if sent < read {
            return Poll::Ready(Ok(Some(buffer[sent..read].to_vec())));
        }
    }
}

/// How much the socket takes at once.
fn write(stream: &Async<TcpStream>, bytes: &[u8]) -> io::Result<usize> {
    match stream.get_ref().write(bytes) {
        Err(e) if e.kind() == ErrorKind::WouldBlock => Ok(0),
        sent => sent,
    }
}
