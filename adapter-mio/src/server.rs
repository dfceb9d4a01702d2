//! A service behind listening sockets.

use crate::dials::Dials;
use crate::event_loop::{EventLoop, WAKER, token_of_listener};
use crate::handle::Shared;
use crate::jobs::Jobs;
use crate::listener::Listener;
use crate::trace::{self, Span};
use crate::{Clock, Handle, entropy};
use mio::{Poll, Waker};
use std::collections::VecDeque;
use std::fmt;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use wharf::link::{Address, Config, Hub, Service};
use wharf_std::{for_service, listen_tcp_reusing_port};

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
/// use wharf::base::Message;
/// use wharf::link::{Config, ConnId, Context, Service};
///
/// struct Echo;
/// impl Service for Echo {
///     type Job = ();
///     type Done = ();
///     type Command = ();
///     fn message(&mut self, cx: &mut Context<'_>, conn: ConnId, message: Message<'_>) {
///         let _ = cx.send(conn, message);
///     }
/// }
///
/// let server = wharf_mio::Server::bind(([127, 0, 0, 1], 0), Echo, Config::default().into())?;
/// let handle = server.handle();
/// # handle.drain();
/// // From another thread, once it is time: handle.drain();
/// let echo = server.run()?;
/// # let _ = echo;
/// # Ok::<(), std::io::Error>(())
/// ```
pub struct Server<S: Service> {
    poll: Poll,
    listeners: Vec<Listener>,
    service: S,
    config: Arc<Config>,
    commands: (SyncSender<S::Command>, Receiver<S::Command>),
    shared: Arc<Shared>,
}

impl<S: Service> Server<S> {
    /// A server that listens at one address: [`new`](Self::new) and [`listen`](Self::listen).
    ///
    /// # Errors
    /// As those two.
    pub fn bind(address: impl Into<Address>, service: S, config: Arc<Config>) -> io::Result<Self> {
        Self::new(service, config)?.listen(address)
    }

    /// A server that listens nowhere yet. It can stay so: its connections are those that the service dials then.
    ///
    /// # Errors
    /// `InvalidInput` for a configuration that contradicts itself, or what making a poll failed with.
    pub fn new(service: S, config: Arc<Config>) -> io::Result<Self> {
        config.check().map_err(|e| io::Error::new(io::ErrorKind::InvalidInput, e))?;
        let poll = Poll::new()?;
        let waker = Waker::new(poll.registry(), WAKER)?;
        Ok(Self {
            poll,
            listeners: Vec::new(),
            service,
            config,
            commands: sync_channel(MAX_COMMANDS),
            shared: Arc::new(Shared::new(waker)),
        })
    }

    /// Listens at one more address; port 0 takes any that is free. A Unix socket's file is removed at the end, and one that a dead
    /// listener left behind is taken over.
    ///
    /// # Errors
    /// As the operating system says: `AddrInUse` where somebody listens, and for a Unix socket those of
    /// [`listen_unix`](wharf_std::listen_unix).
    pub fn listen(self, address: impl Into<Address>) -> io::Result<Self> {
        self.add(Listener::bind(address.into(), None)?)
    }

    /// Listens at a Unix socket whose file has the permissions `mode` before anybody can connect.
    ///
    /// # Errors
    /// As [`listen`](Self::listen).
    pub fn listen_unix(self, path: impl Into<String>, mode: u32) -> io::Result<Self> {
        self.add(Listener::bind(Address::Unix(path.into()), Some(mode))?)
    }

    /// Listens at a TCP address where others may listen as well, who do the same: several loops, a thread each, behind one port, among
    /// which the kernel shares the connections out ([`listen_tcp_reusing_port`]).
    ///
    /// # Errors
    /// As there.
    pub fn listen_reusing_port(self, address: impl Into<SocketAddr>) -> io::Result<Self> {
        self.add(Listener::over(listen_tcp_reusing_port(address.into())?)?)
    }

    /// Listens by a listener that is bound already, such as one that a supervisor hands over.
    ///
    /// # Errors
    /// It cannot be registered.
    pub fn listen_by(self, listener: TcpListener) -> io::Result<Self> {
        self.add(Listener::over(listener)?)
    }

    /// What the connections of the address that was added last speak, and their limits, where that is not what the server's own
    /// configuration says ([`Hub::accept_as`](wharf::link::Hub::accept_as)): TLS on one port and none on another, a WebSocket here
    /// and lines there.
    ///
    /// ```
    /// # use wharf::base::Message;
    /// # use wharf::link::{ConnId, Context, Service};
    /// # struct Echo;
    /// # impl Service for Echo {
    /// #     type Job = ();
    /// #     type Done = ();
    /// #     type Command = ();
    /// #     fn message(&mut self, cx: &mut Context<'_>, conn: ConnId, message: Message<'_>) {
    /// #         let _ = cx.send(conn, message);
    /// #     }
    /// # }
    /// use std::io::{BufRead, BufReader, Write};
    /// use std::net::TcpStream;
    /// use wharf::framed::Lines;
    /// use wharf::link::{Config, Framing};
    /// use wharf_mio::Server;
    ///
    /// let mut lines = Config::default();
    /// lines.framing = Framing::codec(Lines::new());
    /// let server = Server::new(Echo, Default::default())?
    ///     .listen(([127, 0, 0, 1], 0))?
    ///     .listen(([127, 0, 0, 1], 0))?
    ///     .speaking(&lines.into())?;
    /// let [web, plain] = [0, 1].map(|nth| server.local_addrs().nth(nth).unwrap().clone());
    /// let handle = server.handle();
    /// let serving = std::thread::spawn(move || server.run().map(drop));
    ///
    /// let mut socket = wharf_mio::connect(format!("ws://{web}/"), &Config::client().into())?;
    /// socket.send(Message::text("ahoy"))?;
    /// assert_eq!(socket.next().unwrap().unwrap().as_text(), Some("ahoy"));
    ///
    /// let mut stream = TcpStream::connect(plain.tcp().unwrap())?;
    /// stream.write_all(b"ahoy\n")?;
    /// let mut line = String::new();
    /// BufReader::new(stream).read_line(&mut line)?;
    /// assert_eq!(line, "ahoy\n");
    /// # drop(socket);
    /// # handle.drain();
    /// # serving.join().unwrap()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// `InvalidInput` for a configuration that contradicts itself, or where no address was added.
    pub fn speaking(mut self, config: &Arc<Config>) -> io::Result<Self> {
        config.check().map_err(|e| io::Error::new(io::ErrorKind::InvalidInput, e))?;
        let last = self.listeners.last_mut();
        last.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "it listens nowhere"))?.speak(config);
        Ok(self)
    }

    fn add(mut self, mut listener: Listener) -> io::Result<Self> {
        listener.register(self.poll.registry(), token_of_listener(self.listeners.len()))?;
        self.listeners.push(listener);
        Ok(self)
    }

    /// Where it listens, in the order of the calls, with real ports.
    pub fn local_addrs(&self) -> impl Iterator<Item = &Address> {
        self.listeners.iter().map(Listener::address)
    }

    /// Where it listens first; `None` if nowhere.
    #[must_use]
    pub fn local_addr(&self) -> Option<&Address> {
        self.local_addrs().next()
    }

    /// A hand on the server for other threads.
    #[must_use]
    pub fn handle(&self) -> Handle<S> {
        Handle::new(self.commands.0.clone(), self.shared.clone())
    }

    /// Serves until a drain is over; returns the service. A lost listener brings about a drain with 1001, and the error.
    ///
    /// For services without jobs: one that is submitted is lost, which is logged.
    ///
    /// # Errors
    /// A listener was lost ([`ListenerLost`](crate::ListenerLost), inside the error), the poll itself or the randomness of the
    /// operating system failed, or a variable of the environment names no proxy where
    /// the configuration leaves proxies to it.
    pub fn run(self) -> io::Result<S> {
        self.in_span(|server| server.into_loop(Jobs::none())?.run())
    }

    /// As [`run`](Self::run), and a thread beside the loop carries out the service's jobs by `carry_out`, one after the
    /// other in the order in which they were submitted. The jobs in flight are carried out before it returns.
    ///
    /// A failure is an outcome: `carry_out` should not panic. If it does, that is logged and the job is lost.
    ///
    /// ```
    /// use wharf::base::Message;
    /// use wharf::link::{Config, ConnId, Context, JobToken, Service};
    /// use wharf_mio::Server;
    ///
    /// /// Asks a database, or what else takes its time, and says what it answered.
    /// struct Desk;
    ///
    /// impl Service for Desk {
    ///     type Job = (ConnId, String);
    ///     type Done = (ConnId, String);
    ///     type Command = ();
    ///
    ///     fn message(&mut self, cx: &mut Context<'_, Self::Job>, conn: ConnId, message: Message<'_>) {
    ///         let question = message.as_text().unwrap_or_default().to_owned();
    ///         let _ = cx.submit((conn, question));
    ///     }
    ///
    ///     fn done(&mut self, cx: &mut Context<'_, Self::Job>, _: JobToken, (conn, answer): Self::Done) {
    ///         let _ = cx.send(conn, Message::text(answer));
    ///     }
    /// }
    ///
    /// let server = Server::bind(([127, 0, 0, 1], 0), Desk, Default::default())?;
    /// let (url, handle) = (format!("ws://{}/", server.local_addr().unwrap()), server.handle());
    /// let look_up = |(conn, question): (ConnId, String)| (conn, question.to_uppercase());
    /// let serving = std::thread::spawn(move || server.run_with(look_up).map(drop));
    ///
    /// let mut socket = wharf_mio::connect(&url, &Config::client().into())?;
    /// socket.send(Message::text("ahoy"))?;
    /// assert_eq!(socket.next().unwrap().unwrap().as_text(), Some("AHOY"));
    /// # drop(socket);
    /// # handle.drain();
    /// # serving.join().unwrap()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
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
        let Some(first) = self.local_addrs().next().cloned() else { return run(self) };
        Span::server(&first).run(|| {
            self.local_addrs().for_each(trace::listening);
            run(self)
        })
    }

    fn into_loop(self, jobs: Jobs<S>) -> io::Result<EventLoop<S>> {
        let clock = Clock::new();
        let now = clock.now();
        let config = for_service(&self.config).map_err(io::Error::other)?;
        Ok(EventLoop {
            hub: Hub::new(now, clock.wall(), self.service, &config, entropy()?),
            poll: self.poll,
            clock,
            seats: Vec::new(),
            ready: VecDeque::new(),
            buffer: EventLoop::<S>::read_buffer(),
            first: self.listeners.first().map(|listener| listener.address().clone()),
            listeners: self.listeners,
            dials: Dials::new(self.shared.clone()),
            jobs,
            commands: self.commands.1,
            commanded: true,
            shared: self.shared,
            wall_at: now,
            due: None,
            lost: None,
        })
    }
}

impl<S: Service> fmt::Debug for Server<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let addresses: Vec<&Address> = self.local_addrs().collect();
        f.debug_struct("Server").field("local_addrs", &addresses).finish_non_exhaustive()
    }
}
