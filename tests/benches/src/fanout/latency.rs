//! How long a member waits for a message while others do not read.

use super::grouped::Grouped;
use crate::client::{Parcel, Speech};
use crate::echo::servers::pinned;
use async_channel::bounded;
use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};
use std::io::{self, ErrorKind, Read, Write};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::{Duration, Instant};
use wharf::base::{Closed, Message};
use wharf::link::{self, ConnId, Context, Service};
use wharf::service::groups::Config;
use wharf_cli::runner::{Control, Listen, RuntimeKind, run_telling};

/// How long anything may take before a measurement fails.
const PATIENCE: Duration = Duration::from_secs(60);

/// How it is measured.
///
/// ```
/// # use wharf_benches::fanout::latency::Plan;
/// let readers = |plan: &Plan| plan.members - plan.idlers;
/// # let _ = readers;
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// The runtime of the server.
    pub runtime: RuntimeKind,
    /// Connections that each message is for.
    pub members: usize,
    /// How many of them are not measured, and may not read.
    pub idlers: usize,
    /// Bytes of payload.
    pub size: usize,
    /// Broadcasts that are measured.
    pub broadcasts: usize,
    /// The server's core.
    pub server_core: usize,
    /// The driver's.
    pub driver_core: usize,
}

/// A server of a group that tells how many are behind.
struct Watched {
    inner: Grouped,
    behind: Arc<AtomicUsize>,
}

impl Service for Watched {
    type Job = ();
    type Done = ();
    type Command = ();

    fn opened(&mut self, cx: &mut Context<'_>, conn: ConnId) {
        self.inner.opened(cx, conn);
    }

    fn message(&mut self, cx: &mut Context<'_>, conn: ConnId, message: Message<'_>) {
        self.inner.message(cx, conn, message);
        let behind = self.inner.groups().slow().filter(|(_, stats)| stats.behind > 0).count();
        self.behind.store(behind, Ordering::Relaxed);
    }

    fn drained(&mut self, cx: &mut Context<'_>, conn: ConnId) {
        self.inner.drained(cx, conn);
    }

    fn closed(&mut self, cx: &mut Context<'_>, conn: ConnId, closed: &Closed) {
        self.inner.closed(cx, conn, closed);
    }

    fn poll_timeout(&self) -> Option<wharf::base::Instant> {
        self.inner.poll_timeout()
    }

    fn timeout(&mut self, cx: &mut Context<'_>) {
        self.inner.timeout(cx);
    }
}

/// The members, and when each has got its message.
struct Crowd {
    poll: Poll,
    members: Vec<TcpStream>,
    /// How many of the first are read from.
    readers: usize,
    /// Bytes that are to come, by reader.
    due: Vec<usize>,
}

/// Bytes of the messages by which idlers fall behind: what the system keeps for a socket is soon full.
const FILLING: usize = 32 << 10;

impl Plan {
    /// The times from the sending of a message to its arrival at each member that is measured, with a fresh server; sorted. Where
    /// the idlers are `slow` they read nothing, and the server has messages waiting for all of them before it begins.
    ///
    /// # Errors
    /// If the server does not do its part.
    pub fn measure(&self, config: Config, slow: bool) -> io::Result<Vec<Duration>> {
        let behind = Arc::new(AtomicUsize::new(0));
        let service = Watched { inner: Grouped::new(config), behind: behind.clone() };
        let (control, controls) = bounded(1);
        let (tell, told) = mpsc::channel();
        let runtime = self.runtime;
        let server = pinned(self.server_core, || {
            Ok(thread::spawn(move || {
                let listen = [Listen::from(link::Address::from(([127, 0, 0, 1], 0)))];
                let mut config = link::Config::default();
                let mut ws = wharf::ws::Config::default();
                // Whoever does not read is not ended by anything but the policy.
                (ws.write_timeout, ws.idle_timeout) = (None, None);
                ws.close_timeout = Duration::from_millis(200);
                config.ws = Arc::new(ws);
                config.drain_timeout = Duration::from_millis(200);
                run_telling(runtime, &listen, service, &Arc::new(config), &controls, |address| {
                    let _ = tell.send(address.tcp());
                })
            }))
        })?;
        let address = told.recv().ok().flatten().ok_or_else(|| io::Error::other("it does not listen"))?;
        let times = pinned(self.driver_core, || self.drive(address, slow, &behind));
        let _ = control.try_send(Control::Drain);
        server.join().map_err(|_| io::Error::other("the server panicked"))?.map_err(io::Error::other)?;
        times
    }

    fn drive(&self, address: SocketAddr, slow: bool, behind: &AtomicUsize) -> io::Result<Vec<Duration>> {
        let measured = self.members - self.idlers;
        let readers = if slow { measured } else { self.members };
        let mut crowd = Crowd::gather(address, self.members, readers)?;
        let [filling, parcel] = [FILLING, self.size].map(|size| Parcel::new(Speech::WebSocket, size));
        let mut times = Vec::with_capacity(measured * self.broadcasts);
        let until = Instant::now() + PATIENCE;
        while slow && behind.load(Ordering::Relaxed) < self.idlers {
            crowd.round(&filling, measured, &mut times)?;
            if Instant::now() > until {
                return Err(io::Error::other("nobody falls behind"));
            }
        }
        for _ in 0..20 {
            crowd.round(&parcel, measured, &mut times)?;
        }
        times.clear();
        for _ in 0..self.broadcasts {
            crowd.round(&parcel, measured, &mut times)?;
        }
        times.sort_unstable();
        Ok(times)
    }
}

impl Crowd {
    fn gather(address: SocketAddr, members: usize, readers: usize) -> io::Result<Self> {
        let poll = Poll::new()?;
        let mut crowd = Vec::with_capacity(members);
        for index in 0..members {
            let stream = crate::client::Client::open(address, Speech::WebSocket)?.into_stream();
            stream.set_nonblocking(true)?;
            let mut stream = TcpStream::from_std(stream);
            if index < readers {
                poll.registry().register(&mut stream, Token(index), Interest::READABLE)?;
            }
            crowd.push(stream);
        }
        Ok(Self { poll, members: crowd, readers, due: vec![0; readers] })
    }

    /// One message from the first member to all, until all who read have it; the times of the first `measured`.
    fn round(&mut self, parcel: &Parcel, measured: usize, times: &mut Vec<Duration>) -> io::Result<()> {
        let Self { poll, members, readers, due } = self;
        due.fill(parcel.awaited().len());
        let mut buffer = [0; 64 << 10];
        let mut events = Events::with_capacity(1024);
        let start = Instant::now();
        members[0].write_all(parcel.sent())?;
        let mut left = *readers;
        while left > 0 {
            poll.poll(&mut events, Some(PATIENCE))?;
            if events.is_empty() {
                return Err(ErrorKind::TimedOut.into());
            }
            for Token(index) in events.iter().map(mio::event::Event::token) {
                while due[index] > 0 {
                    match members[index].read(&mut buffer[..due[index]]) {
                        Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
                        Ok(n) => due[index] -= n,
                        Err(e) if e.kind() == ErrorKind::WouldBlock => break,
                        Err(e) => return Err(e),
                    }
                    if due[index] == 0 {
                        left -= 1;
                        if index < measured {
                            times.push(start.elapsed());
                        }
                    }
                }
            }
        }
        Ok(())
    }
}
