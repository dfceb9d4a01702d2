use async_channel::{Receiver, Sender, unbounded};
use futures_core::Stream;
use std::collections::BTreeMap;
use std::io::{self, ErrorKind, IoSlice};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, ToSocketAddrs};
use std::os::unix::net::{UnixListener, UnixStream};
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker, ready};
use std::thread::{self, Thread};
use std::time::Instant;
use wharf::link::Address;
use wharf_async::{Listener, Runtime, Timer, Transport};

/// A thread for each task, and a network that ends at the process.
#[derive(Debug)]
pub struct Local;

/// Who listens where.
static LISTENING: Mutex<BTreeMap<SocketAddr, Sender<Pipe>>> = Mutex::new(BTreeMap::new());

impl Runtime for Local {
    type Tcp = Pipe;
    type Unix = Pipe;
    type TcpListener = Lobby;
    type UnixListener = Lobby;
    type Timer = Alarm;

    fn timer() -> Alarm {
        Alarm(None)
    }

    fn spawn(future: impl Future<Output = ()> + Send + 'static) {
        thread::spawn(|| block_on(future));
    }

    async fn resolve(host: String, port: u16) -> io::Result<Vec<SocketAddr>> {
        Ok((host.as_str(), port).to_socket_addrs()?.collect())
    }

    async fn connect(address: SocketAddr) -> io::Result<Pipe> {
        let (ours, theirs) = Pipe::pair();
        let listening = LISTENING.lock().unwrap();
        let arrived = listening.get(&address).is_some_and(|lobby| lobby.try_send(theirs).is_ok());
        if arrived { Ok(ours) } else { Err(ErrorKind::ConnectionRefused.into()) }
    }

    fn unix(_: UnixStream) -> io::Result<Pipe> {
        Err(ErrorKind::Unsupported.into())
    }

    fn tcp_listener(bound: TcpListener) -> io::Result<Lobby> {
        let (sender, arrivals) = unbounded();
        LISTENING.lock().unwrap().insert(bound.local_addr()?, sender);
        Ok(Lobby { arrivals, _bound: bound })
    }

    fn unix_listener(_: UnixListener) -> io::Result<Lobby> {
        Err(ErrorKind::Unsupported.into())
    }
}

/// Where those wait who have connected. The socket only keeps the address.
pub struct Lobby {
    arrivals: Receiver<Pipe>,
    _bound: TcpListener,
}

impl Listener for Lobby {
    type Stream = Pipe;

    async fn accept(&self) -> io::Result<(Pipe, Address)> {
        let pipe = self.arrivals.recv().await.map_err(|_| ErrorKind::ConnectionAborted)?;
        Ok((pipe, (Ipv4Addr::LOCALHOST, 0).into()))
    }
}

/// One end of a stream: what is written to one is read from the other. What waits between them has no bound.
pub struct Pipe {
    reads: Pin<Box<Receiver<Vec<u8>>>>,
    /// Read and not yet taken.
    left: Vec<u8>,
    writes: Sender<Vec<u8>>,
}

impl Pipe {
    pub fn pair() -> (Self, Self) {
        let (there, back) = (unbounded(), unbounded());
        let end = |reads, writes| Self { reads: Box::pin(reads), left: Vec::new(), writes };
        (end(there.1, back.0), end(back.1, there.0))
    }
}

impl Transport for Pipe {
    fn poll_read(&mut self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        if self.left.is_empty() {
            self.left = ready!(self.reads.as_mut().poll_next(cx)).unwrap_or_default();
        }
        let n = buffer.len().min(self.left.len());
        buffer[..n].copy_from_slice(&self.left[..n]);
        self.left.drain(..n);
        Poll::Ready(Ok(n))
    }

    fn poll_write(&mut self, _: &mut Context<'_>, slices: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        let bytes: Vec<u8> = slices.iter().flat_map(|slice| slice.iter().copied()).collect();
        let n = bytes.len();
        // Nothing is sent where nothing is said: it would be read as the end.
        let sent = if n == 0 { Ok(()) } else { self.writes.try_send(bytes) };
        Poll::Ready(sent.map(|()| n).map_err(|_| ErrorKind::BrokenPipe.into()))
    }

    fn shutdown_write(&mut self) -> io::Result<()> {
        self.writes.close();
        Ok(())
    }

    fn reset_on_drop(&mut self) {}
}

/// A timer by a thread that waits.
pub struct Alarm(Option<Instant>);

impl Timer for Alarm {
    fn set(&mut self, at: Instant) {
        self.0 = Some(at);
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Some(at) = self.0 else { return Poll::Pending };
        let left = at.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Poll::Ready(());
        }
        let waker = cx.waker().clone();
        // Who is woken too early asks again.
        thread::spawn(move || {
            thread::park_timeout(left);
            waker.wake();
        });
        Poll::Pending
    }
}

/// Runs a future in this thread.
pub fn block_on<F: Future>(future: F) -> F::Output {
    struct Unpark(Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let (mut future, waker) = (pin!(future), Waker::from(Arc::new(Unpark(thread::current()))));
    loop {
        match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(out) => return out,
            Poll::Pending => thread::park(),
        }
    }
}
