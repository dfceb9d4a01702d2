//! The other end of a mock.

use super::wire::Shared;
use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;
use wharf::base::{CloseCode, Closed, Instant, Message, SendError};
use wharf::sim::{Faults, Habit, Outcome};

/// The other end of a mock socket ([`mock`](super::mock); feature `sim`), and the one who lets time pass. It reads at once what is written to
/// it, answers pings and closes as any peer does; what it says itself the test tells it. Cheap to clone, for any thread.
///
/// Nothing here waits for a clock. A test with a runtime awaits [`next`](Self::next) and calls
/// [`advance`](Self::advance); one without polls by [`run`](Self::run) and [`run_for`](Self::run_for).
///
/// ```
/// # mod own { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/local.rs")); }
/// # use own::Local as R;
/// use std::pin::pin;
/// use std::task::Poll;
/// use std::time::Duration;
/// use wharf::sim::Habit;
/// use wharf_async::mock;
///
/// let (mut socket, peer) = mock::<R>(["ahoy"]);
/// let mut handler = pin!(async {
///     while let Some(message) = socket.next().await {
///         socket.send(message?).await?;
///     }
///     Ok::<(), wharf_async::Error>(())
/// });
/// assert!(peer.run(handler.as_mut()).is_pending(), "it waits for more");
/// assert_eq!(peer.texts(), ["ahoy"]);
///
/// // An hour passes at once.
/// peer.misbehave(Habit::Vanish);
/// let ended = peer.run_for(Duration::from_secs(3600), handler);
/// assert!(matches!(ended, Poll::Ready(Err(_))), "the peer is missed");
/// ```
#[derive(Clone)]
pub struct Peer(Arc<Shared>);

impl Peer {
    /// What a message that is kept costs beside its payload.
    const KEPT: usize = 32;

    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self(shared)
    }

    /// What the handler sent and has arrived, from the begin. At most [`Visit::keep`](wharf::sim::Visit::keep) bytes of it are
    /// kept; those behind are counted ([`missed`](Self::missed)).
    #[must_use]
    pub fn sent(&self) -> Vec<Message<'static>> {
        self.0.look(|stage| stage.line.client().received().to_vec())
    }

    /// The texts among what the handler sent.
    #[must_use]
    pub fn texts(&self) -> Vec<String> {
        self.sent().iter().filter_map(|message| message.as_text().map(String::from)).collect()
    }

    /// How many messages of the handler arrived that were not kept.
    #[must_use]
    pub fn missed(&self) -> u64 {
        self.0.look(|stage| stage.line.client().missed())
    }

    /// What the peer has sent for the handler to receive, from the begin, whether that has taken it or not; the first
    /// 16 MiB of it.
    #[must_use]
    pub fn received(&self) -> Vec<Message<'static>> {
        self.0.look(|stage| stage.received.clone())
    }

    /// Sends a message for the handler to receive.
    ///
    /// # Errors
    /// As [`Engine::send`](wharf::base::Engine::send): the connection has ended, or the handler reads nothing and all is full.
    pub fn send(&self, message: impl Into<Message<'static>>) -> Result<(), SendError> {
        let message = message.into();
        self.0.act(|stage| {
            stage.line.send(message.as_lent())?;
            if let Some(left) = stage.keep.checked_sub(message.payload().len() + Self::KEPT) {
                stage.keep = left;
                stage.received.push(message);
            }
            Ok(())
        })
    }

    /// Waits for the next message that the handler sends; `None` once the connection has ended.
    ///
    /// # Cancel safety
    /// Dropped before it is done, no message is lost.
    pub async fn next(&self) -> Option<Message<'static>> {
        poll_fn(|cx| {
            self.0.look(|stage| {
                let client = stage.line.client();
                if let Some(message) = client.received().get(stage.taken) {
                    let message = message.clone();
                    stage.taken += 1;
                    return Poll::Ready(Some(message));
                }
                if client.outcome().is_some() || client.is_gone() {
                    return Poll::Ready(None);
                }
                // Of several that wait, each is woken: whichever takes the message, the others wait on.
                if !stage.watchers.iter().any(|watcher| watcher.will_wake(cx.waker())) {
                    stage.watchers.push(cx.waker().clone());
                }
                Poll::Pending
            })
        })
        .await
    }

    /// Closes, behind what was sent.
    ///
    /// # Errors
    /// As [`Engine::close`](wharf::base::Engine::close): code or reason cannot be sent, or it is closing already.
    pub fn close(&self, code: CloseCode, reason: &str) -> Result<(), SendError> {
        self.0.act(|stage| stage.line.close(code, reason))
    }

    /// The peer behaves so from now on: its wire breaks, it vanishes, it reads no more.
    pub fn misbehave(&self, habit: Habit) {
        self.0.act(|stage| stage.line.misbehave(habit));
    }

    /// What goes wrong on the wire from now on, and for how long.
    pub fn set_faults(&self, faults: Faults, heals_after: Duration) {
        self.0.act(|stage| stage.line.set_faults(faults, heals_after));
    }

    /// How it ended for the peer, once that is known.
    #[must_use]
    pub fn outcome(&self) -> Option<Outcome> {
        self.0.look(|stage| stage.line.client().outcome().cloned())
    }

    /// How the connection ended for the peer, once that is known.
    #[must_use]
    pub fn closed(&self) -> Option<Closed> {
        match self.outcome()? {
            Outcome::Closed(closed) => Some(closed),
            Outcome::Failed(_) => None,
        }
    }

    /// The hash of all that has happened to the peer: the same each time.
    #[must_use]
    pub fn hash(&self) -> u64 {
        self.0.look(|stage| stage.line.transcript().hash())
    }

    /// The time, of the peer and of the socket.
    #[must_use]
    pub fn now(&self) -> Instant {
        self.0.look(|stage| stage.line.now())
    }

    /// When something happens next: the socket's deadline, the peer's, or bytes that arrive.
    #[must_use]
    pub fn next_event(&self) -> Option<Instant> {
        self.0.look(|stage| stage.next_event())
    }

    /// Lets time pass at once. What is due for the socket by then wakes whoever polls it, and so comes late if that was due
    /// before; [`run_for`](Self::run_for) stops at each such moment.
    pub fn advance(&self, time: Duration) {
        self.0.act(|stage| stage.line.advance(time));
    }

    /// Polls `future` until it is done or waits for something that only the test can bring about.
    ///
    /// # Panics
    /// If it wakes itself for ever.
    pub fn run<F: Future>(&self, mut future: Pin<&mut F>) -> Poll<F::Output> {
        let woken = Arc::new(Woken(AtomicBool::new(true)));
        let waker = Waker::from(woken.clone());
        for _ in 0..Self::POLLS {
            if !woken.0.swap(false, Ordering::SeqCst) {
                return Poll::Pending;
            }
            if let Poll::Ready(out) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
                return Poll::Ready(out);
            }
        }
        panic!("the future is never at rest: it has woken itself {} times", Self::POLLS)
    }

    /// Runs `future` while time passes, from one moment at which something happens to the next; ends early if the future is
    /// done.
    ///
    /// # Panics
    /// As [`run`](Self::run).
    pub fn run_for<F: Future>(&self, time: Duration, mut future: Pin<&mut F>) -> Poll<F::Output> {
        let end = self.now() + time;
        loop {
            if let Poll::Ready(out) = self.run(future.as_mut()) {
                return Poll::Ready(out);
            }
            let now = self.now();
            if now >= end {
                return Poll::Pending;
            }
            let next = self.next_event().filter(|at| *at > now).map_or(end, |at| at.min(end));
            self.advance(next - now);
        }
    }

    pub(super) fn settle(&self) {
        self.0.act(|_| ());
    }

    /// Polls of one call.
    const POLLS: usize = 1_000_000;
}

/// Whether the future that is run was woken.
struct Woken(AtomicBool);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::SeqCst);
    }
}

impl fmt::Debug for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.look(|stage| f.debug_tuple("Peer").field(&stage.line).finish())
    }
}
