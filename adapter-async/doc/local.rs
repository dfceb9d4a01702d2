use async_channel::{Receiver, Sender, bounded};
use std::collections::{BTreeMap, VecDeque};
use std::io::{self, ErrorKind, IoSlice, Read};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, ToSocketAddrs};
use std::os::unix::net::{UnixListener, UnixStream};
use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, Once};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};
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
        Alarm::new()
    }

    fn spawn(future: impl Future<Output = ()> + Send + 'static) {
        thread::spawn(|| block_on(future));
    }

    /// It blocks, and no deadline cuts it short: it holds up nobody, as each task has a thread. Where tasks share threads it goes to
    /// one that may block.
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
        let (sender, arrivals) = bounded(128);
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

/// One end of a stream: what is written to one is read from the other.
pub struct Pipe {
    reads: Arc<Mutex<Way>>,
    writes: Arc<Mutex<Way>>,
}

/// One direction of it.
#[derive(Default)]
struct Way {
    bytes: VecDeque<u8>,
    is_over: bool,
    /// Who reads, if it is empty, or who writes, if it is full.
    waiting: Option<Waker>,
}

/// What waits to be read at most, as in the buffers of a socket.
const ROOM: usize = 64 * 1024;

impl Pipe {
    pub fn pair() -> (Self, Self) {
        let (there, back): (Arc<Mutex<Way>>, Arc<Mutex<Way>>) = Default::default();
        (Self { reads: back.clone(), writes: there.clone() }, Self { reads: there, writes: back })
    }
}

/// Moves bytes, for which the other side may wait, or waits for it.
fn pass<T>(way: &Mutex<Way>, cx: &Context<'_>, act: impl FnOnce(&mut Way) -> Poll<T>) -> Poll<T> {
    let mut locked = way.lock().unwrap();
    let out = act(&mut locked);
    let own = out.is_pending().then(|| cx.waker().clone());
    let waited = std::mem::replace(&mut locked.waiting, own);
    drop(locked);
    if out.is_ready() {
        waited.map(Waker::wake);
    }
    out
}

fn end(way: &Mutex<Way>) {
    let _ = pass(way, &Context::from_waker(Waker::noop()), |way| {
        way.is_over = true;
        Poll::Ready(())
    });
}

impl Transport for Pipe {
    fn poll_read(&mut self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        pass(&self.reads, cx, |way| match way.bytes.read(buffer) {
            Ok(0) if !way.is_over => Poll::Pending,
            read => Poll::Ready(read),
        })
    }

    fn poll_write(&mut self, cx: &mut Context<'_>, slices: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        pass(&self.writes, cx, |way| {
            if way.is_over {
                return Poll::Ready(Err(ErrorKind::BrokenPipe.into()));
            }
            let room = ROOM - way.bytes.len();
            way.bytes.extend(slices.iter().flat_map(|slice| slice.iter()).take(room));
            let n = room - (ROOM - way.bytes.len());
            let is_full = n == 0 && slices.iter().any(|slice| !slice.is_empty());
            if is_full { Poll::Pending } else { Poll::Ready(Ok(n)) }
        })
    }

    fn shutdown_write(&mut self) -> io::Result<()> {
        end(&self.writes);
        Ok(())
    }

    fn reset_on_drop(&mut self) {}
}

impl Drop for Pipe {
    fn drop(&mut self) {
        end(&self.reads);
        end(&self.writes);
    }
}

/// A timer, named by a number.
pub struct Alarm {
    id: u64,
    at: Option<Instant>,
}

/// Who is to be woken when. One thread does it for all.
static ALARMS: Mutex<BTreeMap<(Instant, u64), Waker>> = Mutex::new(BTreeMap::new());
static CHANGED: Condvar = Condvar::new();

impl Alarm {
    fn new() -> Self {
        static MADE: AtomicU64 = AtomicU64::new(0);
        static RINGING: Once = Once::new();
        RINGING.call_once(|| drop(thread::spawn(ring)));
        Self { id: MADE.fetch_add(1, Ordering::Relaxed), at: None }
    }

    fn forget(&mut self) {
        if let Some(at) = self.at.take() {
            // A waker is dropped, and woken, outside of the lock.
            let _waker = ALARMS.lock().unwrap().remove(&(at, self.id));
        }
    }
}

impl Timer for Alarm {
    fn set(&mut self, at: Instant) {
        self.forget();
        self.at = Some(at);
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        match self.at {
            Some(at) if at <= Instant::now() => return Poll::Ready(()),
            Some(at) => {
                let _old = ALARMS.lock().unwrap().insert((at, self.id), cx.waker().clone());
                CHANGED.notify_one();
            }
            None => {}
        }
        Poll::Pending
    }
}

impl Drop for Alarm {
    fn drop(&mut self) {
        self.forget();
    }
}

/// Waits for the next alarm, or for one that comes before it.
fn ring() {
    let mut alarms = ALARMS.lock().unwrap();
    loop {
        let next = alarms.keys().next().map(|(at, _)| at.saturating_duration_since(Instant::now()));
        alarms = match next {
            None => CHANGED.wait(alarms).unwrap(),
            Some(Duration::ZERO) => {
                let first = alarms.pop_first();
                drop(alarms);
                first.map(|(_, waker)| waker.wake());
                ALARMS.lock().unwrap()
            }
            Some(left) => CHANGED.wait_timeout(alarms, left).unwrap().0,
        };
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
