//! What carries a mock's bytes, and its time.

use crate::Clock;
use crate::runtime::Transport;
use std::fmt;
use std::io::{self, IoSlice};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use wharf::base::{End, Instant, Message};
use wharf::sim::Line;

/// What the socket and its peer share.
pub(super) struct Shared(Mutex<Stage>);

pub(super) struct Stage {
    pub(super) line: Line,
    /// What the peer was told to send, and how many bytes of it may still be kept.
    pub(super) received: Vec<Message<'static>>,
    pub(super) keep: usize,
    /// How many of the messages that came from the socket were taken one by one.
    pub(super) taken: usize,
    /// Whom to wake when something arrives at the socket, when there is room, when its time has come.
    reader: Option<Waker>,
    writer: Option<Waker>,
    /// One for the link's deadlines, one for those of what is built on the socket.
    timers: [Option<(Instant, Waker)>; 2],
    /// Whom to wake when something arrives at the peer.
    pub(super) watchers: Vec<Waker>,
}

impl Shared {
    pub(super) fn new(line: Line) -> Arc<Self> {
        Arc::new(Self(Mutex::new(Stage {
            line,
            received: Vec::new(),
            keep: 16 << 20,
            taken: 0,
            reader: None,
            writer: None,
            timers: [None, None],
            watchers: Vec::new(),
        })))
    }

    fn lock(&self) -> MutexGuard<'_, Stage> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads from the stage alone.
    pub(super) fn look<T>(&self, look: impl FnOnce(&mut Stage) -> T) -> T {
        look(&mut self.lock())
    }

    /// Changes something, lets the peer do what comes of it and wakes whom that concerns. Wakers are called outside of the
    /// lock.
    pub(super) fn act<T>(&self, act: impl FnOnce(&mut Stage) -> T) -> T {
        let mut stage = self.lock();
        let before = stage.news();
        let out = act(&mut stage);
        stage.line.settle();
        let mut wake: Vec<Waker> = Vec::new();
        if stage.news() != before {
            wake.append(&mut stage.watchers);
        }
        if stage.line.is_readable() {
            wake.extend(stage.reader.take());
        }
        if stage.line.is_writable() {
            wake.extend(stage.writer.take());
        }
        let now = stage.line.now();
        for timer in &mut stage.timers {
            wake.extend(timer.take_if(|(at, _)| *at <= now).map(|(_, waker)| waker));
        }
        drop(stage);
        wake.into_iter().for_each(Waker::wake);
        out
    }
}

impl Stage {
    /// What a watcher of the peer waits for.
    fn news(&self) -> (usize, bool, bool) {
        let client = self.line.client();
        (client.received().len(), client.outcome().is_some(), client.is_gone())
    }

    /// When the socket's time comes, or anything else.
    pub(super) fn next_event(&self) -> Option<Instant> {
        let timers = self.timers.iter().flatten().map(|(at, _)| *at);
        timers.chain(self.line.next_event()).min()
    }
}

/// The time of a mock, also where its socket is gone.
#[cfg(feature = "json")]
pub(crate) struct MockTime(Arc<Shared>);

#[cfg(feature = "json")]
impl MockTime {
    /// The time, which stands still.
    pub(crate) fn clock(&self) -> Clock {
        self.0.look(|stage| Clock::still(stage.line.now()))
    }
}

/// The stream of a mock (feature `sim`), inside of its socket ([`mock`](super::mock)).
///
/// ```
/// # mod own { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/local.rs")); }
/// # use own::Local as R;
/// use std::task::{Context, Poll, Waker};
/// use wharf_async::{Carrier, MockWire, Transport, mock};
///
/// let (socket, _peer) = mock::<R>(["ahoy"]);
/// let mut parts = socket.into_parts();
/// let Carrier::Mock(wire) = &mut parts.stream else { panic!("it is a mock") };
/// let mut frame = [0; 64];
/// let mut read = |wire: &mut MockWire| wire.poll_read(&mut Context::from_waker(Waker::noop()), &mut frame);
/// assert!(matches!(read(wire), Poll::Ready(Ok(n)) if n == 6 + "ahoy".len()));
/// assert!(read(wire).is_pending(), "nothing more was sent");
/// ```
pub struct Wire {
    shared: Arc<Shared>,
    aborts: bool,
}

impl Wire {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self { shared, aborts: false }
    }

    /// The time, which stands still.
    pub(crate) fn clock(&self) -> Clock {
        self.shared.look(|stage| Clock::still(stage.line.now()))
    }

    /// The same, to be asked again.
    #[cfg(feature = "json")]
    pub(crate) fn time(&self) -> MockTime {
        MockTime(self.shared.clone())
    }

    /// Whether `at` has come, a deadline of the link's or of what is built on the socket; if not, it wakes whoever polls once it
    /// has.
    pub(crate) fn poll_timer(&self, cx: &mut Context<'_>, at: Instant, is_the_links: bool) -> bool {
        self.shared.look(|stage| {
            let has_come = at <= stage.line.now();
            stage.timers[usize::from(is_the_links)] = (!has_come).then(|| (at, cx.waker().clone()));
            has_come
        })
    }
}

impl Transport for Wire {
    fn poll_read(&mut self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        let read = self.shared.act(|stage| {
            let read = stage.line.read(buffer);
            if read.is_none() {
                stage.reader = Some(cx.waker().clone());
            }
            read
        });
        match read {
            None => Poll::Pending,
            Some(Ok(n)) => Poll::Ready(Ok(n)),
            Some(Err(End::Reset)) => Poll::Ready(Err(io::ErrorKind::ConnectionReset.into())),
            Some(Err(_)) => Poll::Ready(Err(io::ErrorKind::BrokenPipe.into())),
        }
    }

    fn poll_write(&mut self, cx: &mut Context<'_>, slices: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        let bytes = slices.iter().map(|slice| &**slice).find(|slice| !slice.is_empty()).unwrap_or_default();
        let written = self.shared.act(|stage| {
            let written = stage.line.write(bytes);
            if written == 0 && !bytes.is_empty() {
                stage.writer = Some(cx.waker().clone());
            }
            written
        });
        if written == 0 && !bytes.is_empty() { Poll::Pending } else { Poll::Ready(Ok(written)) }
    }

    fn shutdown_write(&mut self) -> io::Result<()> {
        self.shared.act(|stage| stage.line.finish());
        Ok(())
    }

    fn reset_on_drop(&mut self) {
        self.aborts = true;
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        self.shared.act(|stage| {
            (stage.reader, stage.writer, stage.timers) = (None, None, [None, None]);
            stage.line.hang_up(self.aborts);
        });
    }
}

impl fmt::Debug for Wire {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Wire(..)")
    }
}
