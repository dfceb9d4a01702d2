//! A pool of mock sockets, its keeper and its time.

use super::*;
use crate::sleep::Sleep;
use crate::sleep::tests::Virtual;
use crate::{ConnectError, Peer, Scene, mock_with};
use std::future::{Future, pending};
use std::io;
use std::pin::Pin;
use std::sync::Mutex;
use std::sync::atomic::AtomicBool;
use std::task::{Wake, Waker};
use wharf::framed::Lines;
use wharf::link::{Config, Framing};
use wharf::service::pool::PoolConfig;
use wharf::service::schedule::Schedule;

pub(super) const SECOND: Duration = Duration::from_secs(1);

pub(super) type Lent = Pooled<Scripted>;

/// What becomes of a dial.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Server {
    Up,
    /// Up, where lines are spoken.
    Lines,
    Down,
    Forbids,
    Hangs,
    Panics,
}

/// Whether a task was woken.
#[derive(Default)]
pub(super) struct Flag(pub(super) AtomicBool);

impl Wake for Flag {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::SeqCst);
    }
}

/// A pool, its keeper, who is polled only when it was woken, and the peers of all sockets that there ever were.
pub(super) struct Rig {
    pub(super) pool: Option<Pool<Scripted>>,
    pub(super) keeper: Option<Pin<Box<dyn Future<Output = ()>>>>,
    woken: Arc<Flag>,
    time: Virtual,
    pub(super) peers: Arc<Mutex<Vec<Peer>>>,
    server: Arc<Mutex<Server>>,
}

impl Rig {
    pub(super) fn new(change: impl FnOnce(&mut PoolConfig)) -> Self {
        let mut config = PoolConfig::default();
        config.retry = Schedule::spaced(SECOND);
        change(&mut config);
        let peers = Arc::<Mutex<Vec<Peer>>>::default();
        let server = Arc::new(Mutex::new(Server::Up));
        let (dialed, how) = (peers.clone(), server.clone());
        let dial = move || {
            let (dialed, how) = (dialed.clone(), *how.lock().unwrap());
            async move {
                match how {
                    Server::Up | Server::Lines => {}
                    Server::Down => {
                        return Err(ConnectError::Connect(io::ErrorKind::ConnectionRefused.into()));
                    }
                    Server::Forbids => {
                        return Err(ConnectError::Connect(io::ErrorKind::PermissionDenied.into()));
                    }
                    Server::Hangs => pending().await,
                    Server::Panics => panic!("on purpose"),
                }
                let mut spoken = Config::default();
                if how == Server::Lines {
                    spoken.framing = Framing::codec(Lines::new());
                }
                let scene = Scene::new(&Arc::new(spoken));
                let (socket, peer) = mock_with::<Scripted>(scene, [""; 0]).unwrap();
                dialed.lock().unwrap().push(peer);
                Ok(socket)
            }
        };
        let time = Virtual::default();
        let clock = time.clone();
        let (pool, keeper) = Pool::parts(config, dial, time.clone(), move || clock.now());
        let woken = Arc::new(Flag(AtomicBool::new(true)));
        let mut rig = Self { pool: Some(pool), keeper: Some(Box::pin(keeper)), woken, time, peers, server };
        rig.settle();
        rig
    }

    pub(super) fn pool(&self) -> Pool<Scripted> {
        self.pool.clone().unwrap()
    }

    /// The keeper does what it was woken for.
    pub(super) fn settle(&mut self) {
        let waker = Waker::from(self.woken.clone());
        while self.woken.0.swap(false, Ordering::SeqCst) {
            let Some(keeper) = &mut self.keeper else { return };
            if keeper.as_mut().poll(&mut Context::from_waker(&waker)).is_ready() {
                self.keeper = None;
            }
        }
    }

    pub(super) fn pass(&mut self, by: Duration) {
        let end = self.time.now() + by;
        self.settle();
        while let Some(next) = self.time.next().filter(|next| *next <= end) {
            self.time.advance(next - self.time.now());
            self.settle();
        }
        self.time.advance(end - self.time.now());
    }

    pub(super) fn peer(&self, n: usize) -> Peer {
        self.peers.lock().unwrap()[n].clone()
    }

    /// A socket that is there or can be made at once.
    pub(super) fn lend(&mut self) -> Lent {
        let pool = self.pool();
        let mut checkout = pin!(pool.checkout());
        for _ in 0..9 {
            if let Poll::Ready(lent) = poll(checkout.as_mut()) {
                return lent.unwrap();
            }
            self.settle();
        }
        panic!("none is lent")
    }

    pub(super) fn set(&self, server: Server) {
        *self.server.lock().unwrap() = server;
    }

    /// What it holds, what of it is idle, what is lent.
    pub(super) fn holds(&self) -> (usize, usize, usize) {
        let stats = self.pool().stats();
        (stats.size, stats.free, stats.running)
    }
}

pub(super) fn poll<F: Future>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

pub(super) fn now<F: Future>(future: F) -> F::Output {
    match poll(pin!(future)) {
        Poll::Ready(out) => out,
        Poll::Pending => panic!("it waits"),
    }
}
