//! A service behind a listening socket.

use crate::dials::Dials;
use crate::event_loop::{EventLoop, LISTENER, WAKER};
use crate::handle::Shared;
use crate::jobs::Jobs;
use crate::listener::Listener;
use crate::trace::{self, Span};
use crate::{Clock, Handle, entropy};
use mio::net::TcpListener;
use mio::{Interest, Poll, Waker};
use std::collections::VecDeque;
use std::fmt;
use std::io;
use std::net::{SocketAddr, ToSocketAddrs};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::Duration;
use wharf::link::{Config, Hub, Service};

/// Commands that wait for the loop at most.
const MAX_COMMANDS: usize = 1024;

/// A server of one thread: a poll loop that drives a [`Hub`]. The service stays in the thread that calls
/// [`run`](Self::run), so it need not be `Send`.
///
/// A panic of the service ends the connection that it was called for, with 1011 or 500, and no other. What accepting fails
/// with is logged and outlived. Time, randomness and name lookups come from the operating system; names are looked
/// up in short-lived threads, 16 at once.
///
/// ```
/// use wharf::base::{CloseCode, Message};
/// use wharf::link::{Config, ConnId, Context, Service};
///
/// struct Echo;
/// impl Service for Echo {
///     type Job = ();
///     type Done = ();
///     type Command = ();
///     fn message(&mut self, cx: &mut Context<'_, Self>, conn: ConnId, message: Message<'_>) {
///         let _ = cx.send(conn, message);
///     }
/// }
///
/// let server = wharf_mio::Server::bind("127.0.0.1:0", Echo, Config::default().into())?;
/// let handle = server.handle();
/// # handle.drain(CloseCode::GOING_AWAY);
/// // From another thread, once it is time: handle.drain(CloseCode::GOING_AWAY);
/// let echo = server.run()?;
/// # let _ = echo;
/// # Ok::<(), std::io::Error>(())
/// ```
pub struct Server<S: Service> {
    poll: Poll,
    listener: Option<TcpListener>,
    service: S,
    config: Arc<Config>,
    commands: (SyncSender<S::Command>, Receiver<S::Command>),
    shared: Arc<Shared>,
    connect_timeout: Duration,
}

impl<S: Service> Server<S> {
    /// Listens at the first of `addr`'s addresses that can be listened at; port 0 takes any that is free.
    ///
    /// # Errors
    /// What binding failed with, or `InvalidInput` for a configuration that contradicts itself.
    pub fn bind(addr: impl ToSocketAddrs, service: S, config: Arc<Config>) -> io::Result<Self> {
        let mut server = Self::new(service, config)?;
        let mut listener = bind_first(addr)?;
        server.poll.registry().register(&mut listener, LISTENER, Interest::READABLE)?;
        server.listener = Some(listener);
        Ok(server)
    }

    /// A server that listens nowhere: its connections are those that the service dials.
    ///
    /// # Errors
    /// `InvalidInput` for a configuration that contradicts itself, or what making a poll failed with.
    pub fn new(service: S, config: Arc<Config>) -> io::Result<Self> {
        config.check().map_err(|e| io::Error::new(io::ErrorKind::InvalidInput, e))?;
        let poll = Poll::new()?;
        let waker = Waker::new(poll.registry(), WAKER)?;
        Ok(Self {
            poll,
            listener: None,
            service,
            config,
            commands: sync_channel(MAX_COMMANDS),
            shared: Arc::new(Shared::new(waker)),
            connect_timeout: Duration::from_secs(10),
        })
    }

    /// How long the dials of the service may take, lookup and all addresses together. Default 10 s.
    #[must_use]
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = timeout;
        self
    }

    /// Where it listens.
    ///
    /// # Errors
    /// `NotConnected` if it listens nowhere, or what the operating system says.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.as_ref().ok_or(io::ErrorKind::NotConnected)?.local_addr()
    }

    /// A hand on the server for other threads.
    #[must_use]
    pub fn handle(&self) -> Handle<S> {
        Handle::new(self.commands.0.clone(), self.shared.clone())
    }

    /// Serves until a drain is over; returns the service. For services without jobs: one that is submitted gets no outcome,
    /// which is logged.
    ///
    /// # Errors
    /// The poll itself or the randomness of the operating system failed.
    pub fn run(self) -> io::Result<S> {
        self.in_span(|server| server.into_loop(Jobs::none())?.run())
    }

    /// As [`run`](Self::run), and a thread beside the loop carries out the service's jobs by `carry_out`, one after the
    /// other in the order in which they were submitted. The jobs in flight are carried out before it returns.
    ///
    /// A failure is an outcome: `carry_out` should not panic. If it does, that is logged and the job gets none.
    ///
    /// # Errors
    /// As [`run`](Self::run), or no thread could be made.
    pub fn run_with(self, carry_out: impl FnMut(S::Job) -> S::Done + Send) -> io::Result<S>
    where
        S::Job: Send,
        S::Done: Send,
    {
        let (jobs, worker) = Jobs::with_worker(self.config.max_jobs, self.shared.clone());
        self.in_span(|server| {
            std::thread::scope(|scope| {
                let thread = std::thread::Builder::new().name("jobs".into());
                thread.spawn_scoped(scope, move || worker.run(carry_out))?;
                server.into_loop(jobs)?.run()
            })
        })
    }

    /// Runs the loop, in its span where it listens.
    fn in_span<T>(self, run: impl FnOnce(Self) -> T) -> T {
        match self.local_addr() {
            Ok(address) => Span::server(address.port()).run(|| {
                trace::listening(address);
                run(self)
            }),
            Err(_) => run(self),
        }
    }

    fn into_loop(self, jobs: Jobs<S>) -> io::Result<EventLoop<S>> {
        let clock = Clock::new();
        let now = clock.now();
        Ok(EventLoop {
            hub: Hub::new(now, clock.wall(), self.service, &self.config, entropy()?),
            poll: self.poll,
            clock,
            seats: Vec::new(),
            ready: VecDeque::new(),
            buffer: EventLoop::<S>::read_buffer(),
            listener: self.listener.map(Listener::new),
            dials: Dials::new(self.shared.clone(), self.connect_timeout),
            jobs,
            commands: self.commands.1,
            commanded: true,
            shared: self.shared,
            wall_at: now,
        })
    }
}

impl<S: Service> fmt::Debug for Server<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server").field("local_addr", &self.local_addr().ok()).finish_non_exhaustive()
    }
}

fn bind_first(addr: impl ToSocketAddrs) -> io::Result<TcpListener> {
    let mut last = io::ErrorKind::AddrNotAvailable.into();
    for addr in addr.to_socket_addrs()? {
        match TcpListener::bind(addr) {
            Ok(listener) => return Ok(listener),
            Err(e) => last = e,
        }
    }
    Err(last)
}
