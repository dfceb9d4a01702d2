//! A hand on a running loop, from any thread.

use crate::trace;
use mio::Waker;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{SyncSender, TrySendError};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use wharf::base::CloseCode;
use wharf::link::{HubStats, Service};
use wharf_std::CommandError;

/// What a loop and the threads around it share.
#[derive(Debug)]
pub(crate) struct Shared {
    waker: Waker,
    /// The loop was woken and has not looked yet: waking it again would be a system call for nothing.
    woken: AtomicBool,
    drain: Mutex<Option<CloseCode>>,
    /// The counters at the end of the loop.
    stats: OnceLock<HubStats>,
}

impl Shared {
    pub(crate) fn new(waker: Waker) -> Self {
        Self { waker, woken: AtomicBool::new(false), drain: Mutex::new(None), stats: OnceLock::new() }
    }

    pub(crate) fn wake(&self) {
        if self.woken.swap(true, Ordering::AcqRel) {
            return;
        }
        if let Err(error) = self.waker.wake() {
            self.woken.store(false, Ordering::Release);
            trace::loop_failed(&error, "the loop cannot be woken; it sees what came at its next turn");
        }
    }

    /// The loop looks now: what comes from here on wakes it again.
    pub(crate) fn look(&self) {
        self.woken.store(false, Ordering::Release);
    }

    /// The loop has ended.
    pub(crate) fn end(&self, stats: HubStats) {
        // It ends once.
        let _ = self.stats.set(stats);
    }

    pub(crate) fn take_drain(&self) -> Option<CloseCode> {
        self.drain.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// A hand on a running [`Server`](crate::Server), to be cloned and given to other threads.
///
/// ```
/// use wharf::base::{CloseCode, Message};
/// use wharf::link::{Config, ConnId, Context, Service};
/// use wharf_mio::Server;
///
/// /// Says to all what the program tells it.
/// struct Board;
///
/// impl Service for Board {
///     type Job = ();
///     type Done = ();
///     type Command = String;
///
///     fn opened(&mut self, cx: &mut Context<'_>, conn: ConnId) {
///         let _ = cx.send(conn, Message::text("welcome"));
///     }
///
///     fn command(&mut self, cx: &mut Context<'_>, notice: String) {
///         for conn in cx.connections().collect::<Vec<_>>() {
///             let _ = cx.send(conn, Message::text(&*notice));
///         }
///     }
/// }
///
/// let server = Server::bind(([127, 0, 0, 1], 0), Board, Default::default())?;
/// let (url, handle) = (format!("ws://{}/", server.local_addr().unwrap()), server.handle());
/// let serving = std::thread::spawn(move || server.run().map(drop));
///
/// let mut socket = wharf_mio::connect(&url, &Config::client().into())?;
/// assert_eq!(socket.next().unwrap().unwrap().as_text(), Some("welcome"));
/// handle.command("the ferry leaves at nine".into())?;
/// assert_eq!(socket.next().unwrap().unwrap().as_text(), Some("the ferry leaves at nine"));
///
/// handle.drain();
/// assert_eq!(socket.next().unwrap().unwrap_err().code, CloseCode::GOING_AWAY);
/// serving.join().unwrap()?;
/// assert_eq!(handle.final_stats().unwrap().opened, 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Handle<S: Service> {
    commands: SyncSender<S::Command>,
    shared: Arc<Shared>,
}

impl<S: Service> Handle<S> {
    pub(crate) fn new(commands: SyncSender<S::Command>, shared: Arc<Shared>) -> Self {
        Self { commands, shared }
    }

    /// Pushes a command to the service. Never blocks; 1,024 wait at most.
    ///
    /// ```
    /// # use wharf::link::Service;
    /// use wharf_mio::{CommandError, Server};
    ///
    /// # struct Board;
    /// # impl Service for Board {
    /// #     type Job = ();
    /// #     type Done = ();
    /// #     type Command = usize;
    /// # }
    /// let server = Server::bind(([127, 0, 0, 1], 0), Board, Default::default())?;
    /// let handle = server.handle();
    /// // Nobody runs it: commands wait.
    /// let error = (0..).find_map(|n| handle.command(n).err()).unwrap();
    /// assert!(matches!(error, CommandError::Full(1024)));
    ///
    /// drop(server);
    /// assert!(matches!(handle.command(7), Err(CommandError::Ended(7))));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// The command, if too many wait or the loop has ended.
    pub fn command(&self, command: S::Command) -> Result<(), CommandError<S::Command>> {
        self.commands.try_send(command).map_err(|e| match e {
            TrySendError::Full(command) => CommandError::Full(command),
            TrySendError::Disconnected(command) => CommandError::Ended(command),
        })?;
        self.shared.wake();
        Ok(())
    }

    /// Pushes a command to the service; waits for room while 1,024 wait. Not to be called in the loop's own thread.
    ///
    /// # Errors
    /// The command, if the loop has ended.
    pub fn command_blocking(&self, command: S::Command) -> Result<(), CommandError<S::Command>> {
        // The loop was woken for those that it waits behind.
        self.commands.send(command).map_err(|e| CommandError::Ended(e.0))?;
        self.shared.wake();
        Ok(())
    }

    /// Begins to end the server: no connection is taken, all are closed with 1001, and [`Server::run`](crate::Server::run)
    /// returns once they are gone, what is left after [`Config::drain_timeout`](wharf::link::Config::drain_timeout) having been reset.
    pub fn drain(&self) {
        self.drain_with(CloseCode::GOING_AWAY);
    }

    /// As [`drain`](Self::drain), with another code, or 1001 if that must not be sent. The drain that begins first says which.
    pub fn drain_with(&self, code: CloseCode) {
        self.shared.drain.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(code);
        self.shared.wake();
    }

    /// The hub's counters at the end of the loop, a drain's among them; `None` while it runs.
    #[must_use]
    pub fn final_stats(&self) -> Option<HubStats> {
        self.shared.stats.get().copied()
    }
}

impl<S: Service> Clone for Handle<S> {
    fn clone(&self) -> Self {
        Self { commands: self.commands.clone(), shared: self.shared.clone() }
    }
}

impl<S: Service> fmt::Debug for Handle<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handle").finish_non_exhaustive()
    }
}
