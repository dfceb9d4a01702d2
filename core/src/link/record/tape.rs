//! A recording on its way.

use super::blocks::{begin, push, put, put_bytes, sum};
use super::call::Call;
use crate::base::{Checksum, Closed, End, Gone, Input, Instant, Leaving, Wall};
use crate::link::{Config, Event, Link};
use alloc::format;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt::Debug;

/// Takes the recordings of a server's connections ([`Config::recorder`](crate::link::Config::recorder)).
///
/// ```
/// use std::sync::Mutex;
/// use wharf::link::{Config, Recorder};
///
/// #[derive(Debug, Default)]
/// struct Shelf(Mutex<Vec<Vec<u8>>>);
///
/// impl Recorder for Shelf {
///     fn take(&self, recording: Vec<u8>) {
///         self.0.lock().unwrap().push(recording);
///     }
/// }
///
/// let mut config = Config::default();
/// config.recorder = Some(std::sync::Arc::new(Shelf::default()));
/// ```
pub trait Recorder: Debug + Send + Sync {
    /// A connection is gone, and this was recorded of it. It is called where the connection is let go, in the middle of
    /// the server's work: it must not wait.
    fn take(&self, recording: Vec<u8>);

    /// Most bytes that are recorded of one connection, and held in memory until it is gone; what comes behind them is not recorded,
    /// and the recording says so. Default 16 MiB.
    fn limit(&self) -> usize {
        16 << 20
    }

    /// What stands in each recording for whoever reads it, such as how to make the configuration again. Default nothing.
    fn note(&self) -> Vec<u8> {
        Vec::new()
    }
}

/// A block is closed once it is so large.
const BLOCK: usize = 64 * 1024;

/// The recording of one connection. Handed over when it is dropped.
#[derive(Debug)]
pub(in crate::link) struct Tape {
    recorder: Arc<dyn Recorder>,
    file: Vec<u8>,
    block: Vec<u8>,
    last: Instant,
    pub(in crate::link) leaving: Leaving,
    limit: usize,
    is_cut: bool,
}

impl Tape {
    pub(in crate::link) fn new(
        now: Instant,
        wall: Wall,
        config: &Config,
        recorder: &Arc<dyn Recorder>,
    ) -> Self {
        let mut file = begin();
        let mut head = Vec::new();
        // The seed: a server's side draws no randomness, so it is always the same.
        head.extend_from_slice(&[0; 32]);
        put(&mut head, now.as_nanos());
        put(&mut head, wall.as_millis());
        put(&mut head, u64::from(fingerprint(config)));
        put_bytes(&mut head, &recorder.note());
        push(&mut file, &head);
        Self {
            recorder: recorder.clone(),
            file,
            block: Vec::new(),
            last: now,
            leaving: Leaving::default(),
            limit: recorder.limit(),
            is_cut: false,
        }
    }

    /// Records a call and what came of it.
    pub(in crate::link) fn add(&mut self, now: Instant, call: &Call, outcome: u32) {
        for (at, gone) in core::mem::take(&mut self.leaving.gone) {
            let gone = match gone {
                Gone::Taken { n, sum } => Call::Taken { n, sum },
                Gone::Sealed { n, sum } => Call::Sealed { n, sum },
                Gone::Credited { wire, plain } => Call::Credited { wire, plain },
            };
            self.write(at, &gone, 0);
        }
        self.write(now, call, outcome);
    }

    fn write(&mut self, now: Instant, call: &Call, outcome: u32) {
        if self.is_cut {
            return;
        }
        let before = self.block.len();
        // A time before the last one counts as the last one, as in the machines.
        put(&mut self.block, (now - self.last).as_nanos() as u64);
        put(&mut self.block, u64::from(outcome));
        call.encode(&mut self.block);
        if self.file.len() + self.block.len() > self.limit {
            self.block.truncate(before);
            self.is_cut = true;
            self.block.extend_from_slice(&[0, 0]);
            Call::Cut.encode(&mut self.block);
        }
        self.last = self.last.max(now);
        if self.block.len() >= BLOCK {
            push(&mut self.file, &self.block);
            self.block.clear();
        }
    }
}

impl Drop for Tape {
    fn drop(&mut self) {
        self.add(self.last, &Call::Looked, 0);
        if !self.block.is_empty() {
            push(&mut self.file, &self.block);
        }
        push(&mut self.file, &[]);
        self.recorder.take(core::mem::take(&mut self.file));
    }
}

/// What of a configuration decides what a connection does.
pub(super) fn fingerprint(config: &Config) -> u32 {
    let Config { framing, ws, framed, http, policy, retry_after, .. } = config;
    sum(format!("{:?}", (framing, ws, framed, http, policy, retry_after)).as_bytes())
}

/// What came of a call, as it is compared.
pub(super) fn outcome(of: &dyn Debug) -> u32 {
    sum(format!("{of:?}").as_bytes())
}

/// What an event is compared by; 0 for none.
pub(super) fn event_sum(event: Option<&Event<'_>>) -> u32 {
    match event {
        None => 0,
        Some(Event::Message(message)) => {
            let mut hasher = Checksum::default();
            hasher.update(format!("{:?}", message.kind()).as_bytes());
            hasher.update(message.payload());
            hasher.finish().max(1)
        }
        // Why TLS failed stands in the reason, and there is none where it is run again.
        Some(Event::Closed(closed)) => {
            let Closed { origin, code, cause, sent, .. } = &**closed;
            outcome(&(origin, code, cause, sent)).max(1)
        }
        // Whose word about the client counts is the configuration's, and whom it came from is not recorded.
        Some(Event::Opened(welcome)) => outcome(&(&welcome.subprotocol, &welcome.headers)).max(1),
        Some(other) => outcome(other).max(1),
    }
}

impl Link {
    fn tape(&mut self) -> Option<&mut Tape> {
        self.way.as_mut()?.tape.as_deref_mut()
    }

    /// The call that is to be recorded, where one is.
    pub(in crate::link) fn to_record(&self, call: impl FnOnce() -> Call) -> Option<Call> {
        self.way.as_ref()?.tape.is_some().then(call)
    }

    /// Records a call and what came of it.
    pub(in crate::link) fn record(&mut self, now: Instant, call: Option<Call>, of: &dyn Debug) {
        if let (Some(call), Some(tape)) = (call, self.tape()) {
            tape.add(now, &call, outcome(of));
        }
    }

    /// Records that bytes came.
    pub(in crate::link) fn record_input(way: &mut crate::link::way::Way, now: Instant, input: &Input<'_>) {
        if let Some(tape) = way.tape.as_mut().filter(|_| !input.is_empty()) {
            tape.add(now, &Call::Came(input.as_slice().to_vec()), 0);
        }
    }

    /// Records an event, or that there is none, over so many of `offered` bytes.
    pub(in crate::link) fn record_event(
        &mut self,
        now: Instant,
        offered: usize,
        left: usize,
        event: Option<&Event<'_>>,
    ) {
        // Before TLS is through a machine is asked nothing.
        let is_through = self.way.as_ref().is_some_and(|way| way.is_through());
        if let Some(tape) = self.tape().filter(|_| is_through) {
            tape.add(now, &Call::Receive { offered, consumed: offered - left }, event_sum(event));
        }
    }

    /// The machine's input is over, which is recorded.
    pub(in crate::link) fn end(&mut self, now: Instant, end: End) {
        let call = self.to_record(|| Call::Ended(end));
        self.stage.receive_end(now, end);
        self.record(now, call, &());
    }
}
