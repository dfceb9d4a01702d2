//! A recording, run again.

use super::blocks::{self, take, take_bytes};
use super::call::{Call, Sending};
use super::tape::{event_sum, fingerprint, outcome};
use crate::base::{Cause, CloseCode, Input, Instant, Kind, Message, Wall};
use crate::link::{Config, Link};
use crate::ws::Prepared;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;
use core::time::Duration;

/// What came of running a recording again.
///
/// ```
/// use wharf::link::Replayed;
///
/// fn is_the_same(replayed: &Replayed) -> bool {
///     replayed.difference.is_none()
/// }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Replayed {
    /// Calls that were made.
    pub calls: u64,
    /// Bytes that came.
    pub received: u64,
    /// Bytes of output that were compared.
    pub written: u64,
    /// All of the connection was recorded; otherwise its recording was cut where it became too large.
    pub is_whole: bool,
    /// Where it came out otherwise for the first time.
    pub difference: Option<Difference>,
}

/// Where a recording comes out otherwise than it did.
///
/// ```
/// use wharf::link::Difference;
///
/// fn tell(difference: &Difference) -> String {
///     format!("{} is another one after {} bytes", difference.what, difference.received)
/// }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Difference {
    /// The call, counted from 0.
    pub call: u64,
    /// What kind of call it is.
    pub what: &'static str,
    /// When, since the begin of the connection.
    pub at: Duration,
    /// Bytes that had come by then.
    pub received: u64,
    /// Bytes of output that were the same up to there.
    pub written: u64,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { call, what, at, received, written } = self;
        write!(f, "call {call} ({what}) comes out otherwise, {at:?} after the begin, ")?;
        write!(f, "{received} bytes in, {written} bytes out")
    }
}

/// Why a recording cannot be run again.
///
/// ```
/// use wharf::link::{ReplayError, replay};
///
/// // One of a later version, and one that ends behind its begin.
/// let error = replay(b"WHARFREC\x02\0", &Default::default()).unwrap_err();
/// assert_eq!(error, ReplayError::Version { found: 2, known: 1 });
/// assert_eq!(error.to_string(), "a recording of version 2, and 1 is what is known here");
/// assert_eq!(replay(b"WHARFREC\x01\0", &Default::default()), Err(ReplayError::Truncated));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum ReplayError {
    /// It is no recording.
    #[error("this is no recording of a connection")]
    Foreign,
    /// It is of a version that is not known here.
    #[error("a recording of version {found}, and {known} is what is known here")]
    Version {
        /// The version that it has.
        found: u16,
        /// The version that can be read.
        known: u16,
    },
    /// It ends before its end.
    #[error("the recording is cut off")]
    Truncated,
    /// A block is not what was written.
    #[error("the recording is damaged in the block at byte {at}")]
    Damaged {
        /// Where the block begins.
        at: usize,
    },
    /// A block has its checksum and makes no sense.
    #[error("the recording makes no sense at call {call}")]
    Senseless {
        /// The call, counted from 0.
        call: u64,
    },
    /// It was made with another configuration, or by another version of the library that has other settings.
    #[error("the recording was made with another configuration")]
    Config,
}

/// What its [`Recorder`](crate::link::Recorder) wrote into a recording.
///
/// # Errors
/// As [`replay`], but for the configuration.
pub fn note(recording: &[u8]) -> Result<&[u8], ReplayError> {
    let blocks = blocks::read(recording)?;
    let head = blocks.first().copied().and_then(Head::read);
    head.map(|head| head.note).ok_or(ReplayError::Senseless { call: 0 })
}

/// Runs a recording again, up to the first difference. `config` must be what the connection was served with, where TLS and the
/// limits of a hub do not matter. Messages that were prepared compressed must have been so by its own settings.
///
/// ```
/// use wharf::link::{ReplayError, replay};
///
/// assert_eq!(replay(b"GET / HTTP/1.1", &Default::default()), Err(ReplayError::Foreign));
/// ```
///
/// # Errors
/// [`ReplayError`]: it cannot be run again at all.
pub fn replay(recording: &[u8], config: &Arc<Config>) -> Result<Replayed, ReplayError> {
    let blocks = blocks::read(recording)?;
    let (head, blocks) = blocks.split_first().ok_or(ReplayError::Truncated)?;
    let head = Head::read(head).ok_or(ReplayError::Senseless { call: 0 })?;
    if head.fingerprint != u64::from(fingerprint(config)) {
        return Err(ReplayError::Config);
    }
    let mut plain = Config::clone(config);
    plain.recorder = None;
    #[cfg(feature = "tls")]
    {
        plain.tls = None;
    }
    let plain = Arc::new(plain);
    let mut player = Player {
        link: Link::server(head.now, head.wall, &plain),
        config: plain,
        came: Vec::new(),
        begin: head.now,
        now: head.now,
        told: Replayed { calls: 0, received: 0, written: 0, is_whole: true, difference: None },
    };
    for mut block in blocks.iter().copied() {
        while !block.is_empty() {
            player.step(&mut block).ok_or(ReplayError::Senseless { call: player.told.calls })?;
            if player.told.difference.is_some() || !player.told.is_whole {
                return Ok(player.told);
            }
        }
    }
    Ok(player.told)
}

struct Head<'f> {
    now: Instant,
    wall: Wall,
    fingerprint: u64,
    note: &'f [u8],
}

impl<'f> Head<'f> {
    fn read(mut block: &'f [u8]) -> Option<Self> {
        let (_seed, rest) = block.split_first_chunk::<32>()?;
        block = rest;
        let now = Instant::from_nanos(take(&mut block)?);
        let wall = Wall::from_millis(take(&mut block)?);
        Some(Self { now, wall, fingerprint: take(&mut block)?, note: take_bytes(&mut block)? })
    }
}

struct Player {
    link: Link,
    config: Arc<Config>,
    /// What came and is not taken.
    came: Vec<u8>,
    begin: Instant,
    now: Instant,
    told: Replayed,
}

impl Player {
    /// Makes one call and compares what comes of it; `None` if there is no call.
    fn step(&mut self, block: &mut &[u8]) -> Option<()> {
        self.now += Duration::from_nanos(take(block)?);
        let told = take(block)?;
        let call = Call::decode(block)?;
        let is_same = match &call {
            Call::Came(bytes) => {
                self.came.extend_from_slice(bytes);
                self.told.received += bytes.len() as u64;
                true
            }
            Call::Receive { offered, consumed } => self.receive(*offered, *consumed)? == told,
            Call::Looked => {
                let _ = self.link.output(self.now);
                true
            }
            Call::Taken { n, sum } | Call::Sealed { n, sum } => {
                let is_sealed = matches!(call, Call::Sealed { .. });
                let mut output = self.link.output(self.now);
                let is_same = output.front_sum(*n) == Some(*sum);
                if is_sealed {
                    output.sealed(*n)
                } else {
                    output.advance(*n)
                }
                if is_same {
                    self.told.written += *n as u64;
                }
                is_same
            }
            Call::Credited { wire, plain } => {
                self.link.output(self.now).credit(*wire, *plain);
                true
            }
            Call::Cut => {
                self.told.is_whole = false;
                true
            }
            acts => self.act(acts) == told,
        };
        if !is_same {
            self.told.difference = Some(Difference {
                call: self.told.calls,
                what: call.name(),
                at: self.now - self.begin,
                received: self.told.received,
                written: self.told.written,
            });
        }
        self.told.calls += 1;
        Some(())
    }

    /// What the event is compared by, if it took as many bytes as it did.
    fn receive(&mut self, offered: usize, consumed: usize) -> Option<u64> {
        let mut input = Input::new(self.came.get_mut(..offered)?);
        let event = self.link.receive(self.now, &mut input);
        let took = offered - input.len();
        let sum = u64::from(event_sum(event.as_ref()));
        self.came.drain(..took);
        // Another number is no checksum of 32 bits, so it is the same as none.
        Some(if took == consumed { sum } else { u64::MAX })
    }

    fn act(&mut self, call: &Call) -> u64 {
        let (now, link) = (self.now, &mut self.link);
        u64::from(match call {
            Call::Ended(end) => {
                link.receive_end(now, *end);
                outcome(&())
            }
            Call::Timeout => {
                link.handle_timeout(now);
                outcome(&())
            }
            Call::Wall(millis) => {
                link.handle_wall(now, Wall::from_millis(*millis));
                outcome(&())
            }
            Call::Accept(acceptance) => outcome(&link.accept(now, acceptance)),
            Call::Respond(response) => outcome(&link.respond(now, response)),
            Call::Close(code, reason) => outcome(&link.close(now, CloseCode::from(*code), reason)),
            Call::Send(sending, kind, payload) => outcome(&self.send(*sending, *kind, payload)),
            Call::Fail(code) => outcome(&link.reject(now, CloseCode::from(*code))),
            Call::Abort => outcome(&link.abort(now)),
            Call::Overload => outcome(&link.abandon(now, Cause::Overload)),
            Call::Pause => outcome(&link.pause(now)),
            Call::Resume => outcome(&link.resume(now)),
            Call::Owe(owes) => outcome(&link.owe(now, *owes)),
            _ => 0,
        })
    }

    fn send(
        &mut self,
        sending: Sending,
        kind: Kind,
        payload: &[u8],
    ) -> Result<crate::base::Accepted, crate::base::SendError> {
        let now = self.now;
        match sending {
            Sending::Message => {
                let text = core::str::from_utf8(payload).ok();
                self.link.send(
                    now,
                    match (kind, text) {
                        (Kind::Text, Some(text)) => Message::text(text),
                        (Kind::Typed(tag), _) => Message::typed(tag, payload),
                        _ => Message::binary(payload),
                    },
                )
            }
            Sending::Bytes => self.link.send_bytes(now, kind, payload.to_vec().into()),
            Sending::Prepared => {
                let prepared = Prepared::new(kind, payload.to_vec().into())?;
                self.link.send_prepared(now, &prepared)
            }
            Sending::Compressed => {
                let prepared = self.compressed(kind, payload)?;
                self.link.send_prepared(now, &prepared)
            }
        }
    }

    /// It is compressed as the connection's own messages are.
    fn compressed(&self, kind: Kind, payload: &[u8]) -> Result<Prepared, crate::base::SendError> {
        #[cfg(feature = "deflate")]
        if let Some(deflate) = &self.config.ws.deflate {
            return Prepared::compressed(kind, payload.to_vec().into(), deflate);
        }
        let _ = &self.config;
        Prepared::new(kind, payload.to_vec().into())
    }
}
