//! What the application holds.

use crate::address::Address;
use crate::bell::Bell;
use crate::config::NatsConfig;
use crate::error::{ConnectError, PublishError, SubscribeError};
use crate::incoming::Incoming;
use crate::notice::Notice;
use crate::outgoing::Outgoing;
use crate::pump;
use crate::stats::Stats;
use bytes::Bytes;
use std::fmt;
use std::future::poll_fn;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// What the application and the thread share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) incoming: Incoming,
    pub(crate) outgoing: Outgoing,
    pub(crate) bell: Arc<Bell>,
}

/// A connection to a NATS server, that is made again whenever it is lost.
///
/// A thread of its own moves what comes and goes, so that none of its methods blocks but [`finish`](Self::finish); they may be called from
/// anywhere, on any runtime or none. What happens is told by the [`Notices`] that come with it.
///
/// NAME of its URL keeps apart those who share a server: a subject `a` is `wharf.NAME.a` there. Dropped, it is closed without being waited for.
///
/// ```no_run
/// use wharf_nats::{Nats, Notice};
///
/// let (nats, mut notices) = Nats::connect("nats://localhost:4222/chat")?;
/// nats.subscribe("rooms.general").expect("a subject");
/// assert_eq!(notices.recv(), Some(Notice::Up));
/// nats.publish("rooms.general", "hello".into()).expect("it is there");
/// assert!(nats.finish(), "the server has it");
/// # Ok::<(), wharf_nats::ConnectError>(())
/// ```
pub struct Nats {
    shared: Arc<Shared>,
    /// There until somebody waits for it.
    thread: Option<JoinHandle<bool>>,
    place: Box<str>,
}

impl Nats {
    /// Begins to connect to the server at a URL: `nats://[USER:PASSWORD@|TOKEN@]HOST[:PORT]/NAME`, or `tls://` where plain text is not to be spoken
    /// (to `nats://` TLS is spoken if the server demands it). It need not be there yet.
    ///
    /// # Errors
    /// The URL is not understood; there is no thread to be had.
    pub fn connect(url: &str) -> Result<(Self, Notices), ConnectError> {
        Self::connect_with(url, &NatsConfig::default())
    }

    /// The same, connected in another way.
    ///
    /// # Errors
    /// Those of [`connect`](Self::connect).
    pub fn connect_with(url: &str, config: &NatsConfig) -> Result<(Self, Notices), ConnectError> {
        let address = Address::parse(url)?;
        let shared = Arc::new(Shared {
            incoming: Incoming::new(config.max_incoming, config.max_incoming_bytes),
            outgoing: Outgoing::new(&address.prefix, config),
            bell: Arc::default(),
        });
        let place = address.place.clone();
        let thread = Some(pump::start(&address, config, shared.clone())?);
        Ok((Self { shared: shared.clone(), thread, place }, Notices(shared)))
    }

    /// Scheme, host, port and name, for people.
    #[must_use]
    pub fn place(&self) -> &str {
        &self.place
    }

    /// Whether the server is there, as far as is known.
    #[must_use]
    pub fn is_up(&self) -> bool {
        self.shared.outgoing.is_up()
    }

    /// Has the messages of a subject told, now and after each reconnect. Twice is once. It holds for what is published after
    /// anything that is published here later.
    ///
    /// Messages are told in the order of each subject. Between subjects it may be another than that in which they were published, but for those in
    /// [`NatsConfig::told_last`].
    ///
    /// # Errors
    /// It is no subject; there are too many; it is closed.
    pub fn subscribe(&self, subject: &str) -> Result<(), SubscribeError> {
        self.shared.outgoing.subscribe(subject)?;
        self.shared.bell.ring();
        Ok(())
    }

    /// Has them told no longer. Those that are on their way may still be.
    pub fn unsubscribe(&self, subject: &str) {
        self.shared.outgoing.unsubscribe(subject);
        self.shared.bell.ring();
    }

    /// Publishes a message, to whoever is subscribed elsewhere. It is sent at most once.
    ///
    /// # Errors
    /// It is no subject; the message is too large, too much waits, the server is away, it is closed. Nothing was sent, and it is counted.
    pub fn publish(&self, subject: &str, bytes: Bytes) -> Result<(), PublishError> {
        self.shared.outgoing.publish(subject, bytes)?;
        self.shared.bell.ring();
        Ok(())
    }

    /// What has happened, in numbers.
    #[must_use]
    pub fn stats(&self) -> Stats {
        let mut stats = self.shared.outgoing.stats();
        self.shared.incoming.count(&mut stats);
        stats
    }

    /// Begins to close: what was published goes out, nothing more is taken on. [`Notice::Closed`] tells the end, within
    /// [`NatsConfig::close_timeout`].
    pub fn close(&self) {
        self.shared.outgoing.close();
        self.shared.bell.ring();
    }

    /// Closes and waits for it; whether the server has taken all that was published. It blocks for at most
    /// [`NatsConfig::close_timeout`].
    #[must_use]
    pub fn finish(mut self) -> bool {
        self.close();
        // A thread that panicked has confirmed nothing.
        self.thread.take().is_some_and(|thread| thread.join().unwrap_or(false))
    }
}

impl Drop for Nats {
    fn drop(&mut self) {
        self.close();
    }
}

impl fmt::Debug for Nats {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Nats")
            .field("place", &self.place)
            .field("stats", &self.stats())
            .finish_non_exhaustive()
    }
}

/// What a connection tells, in order. What nobody takes in time is dropped within the bounds of its [`NatsConfig`].
///
/// ```
/// use wharf_nats::{Nats, Notice};
///
/// let (nats, mut notices) = Nats::connect("nats://localhost:1/chat")?;
/// nats.close();
/// while let Some(notice) = notices.recv() {
///     assert!(matches!(notice, Notice::Trouble { .. } | Notice::Closed { is_confirmed: false }));
/// }
/// # Ok::<(), wharf_nats::ConnectError>(())
/// ```
#[derive(Debug)]
pub struct Notices(Arc<Shared>);

impl Notices {
    /// The next one, if there is one by now.
    pub fn try_recv(&mut self) -> Option<Notice> {
        self.0.incoming.take()
    }

    /// The next one. It blocks until there is one; `None` after [`Notice::Closed`].
    pub fn recv(&mut self) -> Option<Notice> {
        self.0.incoming.wait(None)
    }

    /// The next one, waited for no longer than `timeout`.
    pub fn recv_timeout(&mut self, timeout: Duration) -> Option<Notice> {
        self.0.incoming.wait(Instant::now().checked_add(timeout))
    }

    /// The next one, for a task of any runtime; `None` after [`Notice::Closed`].
    pub async fn next(&mut self) -> Option<Notice> {
        poll_fn(|context| self.0.incoming.poll(context.waker())).await
    }
}

impl Drop for Notices {
    fn drop(&mut self) {
        self.0.incoming.abandon();
    }
}
