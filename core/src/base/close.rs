//! How a connection ended: codes, origin, cause, and what counts as clean.

use super::{End, Violation, When};
use alloc::string::String;
use core::fmt;

/// A close code (RFC 6455 section 7.4).
///
/// ```
/// use wharf::base::CloseCode;
///
/// assert!(CloseCode::NORMAL.may_be_sent());
/// assert!(!CloseCode::ABNORMAL.may_be_sent());
/// assert_eq!(CloseCode::from(4001).as_u16(), 4001);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CloseCode(u16);

impl CloseCode {
    /// 1000: the purpose was fulfilled.
    pub const NORMAL: Self = Self(1000);
    /// 1001: a server goes down, or a page is left.
    pub const GOING_AWAY: Self = Self(1001);
    /// 1002: a protocol error.
    pub const PROTOCOL_ERROR: Self = Self(1002);
    /// 1003: data of a kind that cannot be accepted.
    pub const UNSUPPORTED_DATA: Self = Self(1003);
    /// 1005: a Close frame without a code. Never sent.
    pub const NO_STATUS: Self = Self(1005);
    /// 1006: no Close frame came. Never sent.
    pub const ABNORMAL: Self = Self(1006);
    /// 1007: data that is not consistent with its kind, such as text that is not UTF-8.
    pub const INVALID_PAYLOAD: Self = Self(1007);
    /// 1008: a policy was violated.
    pub const POLICY_VIOLATION: Self = Self(1008);
    /// 1009: a message too big to process.
    pub const MESSAGE_TOO_BIG: Self = Self(1009);
    /// 1010: a client missed an extension in the server's answer.
    pub const MANDATORY_EXTENSION: Self = Self(1010);
    /// 1011: the server met an unexpected condition.
    pub const INTERNAL_ERROR: Self = Self(1011);
    /// 1012: the service restarts.
    pub const SERVICE_RESTART: Self = Self(1012);
    /// 1013: try again later.
    pub const TRY_AGAIN_LATER: Self = Self(1013);
    /// 1014: a gateway got an invalid answer from upstream.
    pub const BAD_GATEWAY: Self = Self(1014);
    /// 1015: the TLS handshake failed. Never sent.
    pub const TLS_HANDSHAKE: Self = Self(1015);

    /// The code as a number.
    #[must_use]
    pub const fn as_u16(self) -> u16 {
        self.0
    }

    /// Whether the code may stand in a Close frame: the registered ones that are not reserved, and 3000 to 4999.
    #[must_use]
    pub const fn may_be_sent(self) -> bool {
        // RFC 6455 7.4.1: "1005 is a reserved value and MUST NOT be set"
        // RFC 6455 7.4.1: "1006 is a reserved value and MUST NOT be set"
        // RFC 6455 7.4.1: "1015 is a reserved value and MUST NOT be set"
        matches!(self.0, 1000..=1003 | 1007..=1014 | 3000..=4999)
    }

    /// Whether a Close frame can say so: a code that may be sent and a reason of at most 123 bytes, or 1005 and none for
    /// a frame without a body (RFC 6455 section 5.5.1).
    #[must_use]
    pub fn can_close_with(self, reason: &str) -> bool {
        reason.len() <= 123 && (self.may_be_sent() || (self == Self::NO_STATUS && reason.is_empty()))
    }

    /// Whether a peer that closes so may take the same connection later, with nothing changed: it goes away (1001), was
    /// lost (1006), failed inside (1011), restarts (1012), is overloaded (1013), or its upstream is (1014).
    #[must_use]
    pub const fn is_retryable(self) -> bool {
        matches!(self.0, 1001 | 1006 | 1011..=1014)
    }
}

impl From<u16> for CloseCode {
    fn from(code: u16) -> Self {
        Self(code)
    }
}

impl fmt::Display for CloseCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for CloseCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Who ended the connection.
///
/// ```
/// use wharf::base::{Engine, Event, Input, Instant, Origin};
/// use wharf::ws;
///
/// let mut connection = ws::Connection::server(Instant::ORIGIN, &ws::Config::default().into());
/// let mut bytes = *b"\x88\x82\0\0\0\0\x03\xe9";
/// let event = connection.receive(Instant::ORIGIN, &mut Input::new(&mut bytes));
/// let Some(Event::Closed(closed)) = event else { panic!("{event:?}") };
/// assert_eq!((closed.origin, closed.code.as_u16()), (Origin::Remote, 1001));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "json", derive(serde::Serialize), serde(rename_all = "camelCase"))]
pub enum Origin {
    /// This side closed first.
    Local,
    /// The peer closed first.
    Remote,
    /// There was no Close frame from the peer: a loss, a timeout, a violation.
    Abnormal,
}

/// Which deadline passed.
///
/// ```
/// use std::time::Duration;
/// use wharf::base::{Engine, Event, Input, Instant, Timeout};
/// use wharf::ws;
///
/// let (mut now, mut connection) = (Instant::ORIGIN, ws::Connection::server(Instant::ORIGIN, &ws::Config::default().into()));
/// // After 30 s of silence a ping goes out, after 30 s more nobody has answered it.
/// while let Some(due) = connection.poll_timeout() {
///     now = due;
///     connection.handle_timeout(now);
///     connection.output(now).drain_into(&mut Vec::new());
/// }
/// assert_eq!(now, Instant::ORIGIN + Duration::from_secs(60));
/// let event = connection.receive(Instant::ORIGIN, &mut Input::default());
/// let Some(Event::Closed(closed)) = event else { panic!("{event:?}") };
/// assert_eq!((closed.cause, &*closed.cause.to_string()), (Timeout::Pong.into(), "a ping was not answered"));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum Timeout {
    /// The opening handshake took too long.
    #[error("the opening handshake timed out")]
    Handshake,
    /// Nothing came for too long, on a transport that has no ping.
    #[error("the connection was idle for too long")]
    Idle,
    /// A ping was not answered.
    #[error("a ping was not answered")]
    Pong,
    /// The peer did not take what was written.
    #[error("writing stalled")]
    WriteStall,
    /// The closing handshake took too long.
    #[error("the closing handshake timed out")]
    Close,
}

/// What brought the end about.
///
/// ```
/// use wharf::base::{Cause, End, Engine, Event, Input, Instant};
/// use wharf::ws;
///
/// let mut connection = ws::Connection::server(Instant::ORIGIN, &ws::Config::default().into());
/// connection.receive_end(Instant::ORIGIN, End::Reset);
/// let event = connection.receive(Instant::ORIGIN, &mut Input::default());
/// let Some(Event::Closed(closed)) = event else { panic!("{event:?}") };
/// match closed.cause {
///     Cause::Transport(end) => assert_eq!(end.to_string(), "connection reset by the peer"),
///     other => panic!("{}: {other}", other.name()),
/// }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum Cause {
    /// A closing handshake, or an end of stream at a message boundary where the transport has no Close frame.
    #[error("closing handshake")]
    Handshake,
    /// The peer broke the protocol or exceeded a limit.
    #[error(transparent)]
    Violation(#[from] Violation),
    /// A deadline passed.
    #[error(transparent)]
    Timeout(#[from] Timeout),
    /// The transport ended before the closing handshake did.
    #[error(transparent)]
    Transport(#[from] End),
    /// A request was refused with this HTTP status.
    #[error("refused with HTTP status {0}")]
    Refused(u16),
    /// The local program gave the connection up.
    #[error("aborted by the local program")]
    Aborted,
    /// Too much waited to be written on all connections together, and most of it on this one.
    #[error("given up because too much waited to be written")]
    Overload,
}

impl Cause {
    /// A name that does not change, for logs, metrics and JSON: `handshake`, `violation`, `handshakeTimeout`, `idleTimeout`,
    /// `pongTimeout`, `writeTimeout`, `closeTimeout`, `eof`, `reset`, `transportTimeout`, `readFailed`, `writeFailed`,
    /// `truncated`, `tlsFailed`, `dropped`, `refused`, `aborted` or `overload`.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Handshake => "handshake",
            Self::Violation(_) => "violation",
            Self::Timeout(Timeout::Handshake) => "handshakeTimeout",
            Self::Timeout(Timeout::Idle) => "idleTimeout",
            Self::Timeout(Timeout::Pong) => "pongTimeout",
            Self::Timeout(Timeout::WriteStall) => "writeTimeout",
            Self::Timeout(Timeout::Close) => "closeTimeout",
            Self::Transport(End::Eof) => "eof",
            Self::Transport(End::Reset) => "reset",
            Self::Transport(End::TimedOut) => "transportTimeout",
            Self::Transport(End::ReadFailed) => "readFailed",
            Self::Transport(End::WriteFailed) => "writeFailed",
            Self::Transport(End::Truncated) => "truncated",
            Self::Transport(End::TlsFailed) => "tlsFailed",
            Self::Transport(End::Dropped) => "dropped",
            Self::Refused(_) => "refused",
            Self::Aborted => "aborted",
            Self::Overload => "overload",
        }
    }
}

/// The one report of how a connection ended.
///
/// ```
/// use wharf::base::{Cause, Classifier, CloseCode, Closed, Origin};
///
/// let closed = Closed::new(Origin::Remote, CloseCode::GOING_AWAY, "bye", Cause::Handshake, Classifier::default());
/// assert!(!closed.is_clean());
/// assert_eq!(closed.to_string(), "closed by the peer with 1001 (bye)");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Closed {
    /// Who closed.
    pub origin: Origin,
    /// The code of the peer's Close frame (RFC 6455 section 7.1.5), 1005 if that had none, 1006 if there was no
    /// such frame. Where the local program failed, the code that the peer was told.
    pub code: CloseCode,
    /// The reason in the peer's Close frame, or why this side closed where the peer's had none.
    pub reason: String,
    /// What brought it about.
    pub cause: Cause,
    /// The code of the Close frame that this side queued, if it did.
    pub sent: Option<CloseCode>,
    clean: bool,
}

impl Closed {
    /// A report, judged by `classifier`.
    #[must_use]
    pub fn new(
        origin: Origin,
        code: CloseCode,
        reason: impl Into<String>,
        cause: Cause,
        classifier: Classifier,
    ) -> Self {
        let mut closed = Self { origin, code, reason: reason.into(), cause, sent: None, clean: false };
        closed.clean = classifier.is_clean(&closed);
        closed
    }

    /// The same report with the code that this side sent.
    #[must_use]
    pub fn with_sent(mut self, sent: Option<CloseCode>) -> Self {
        self.sent = sent;
        self
    }

    /// Whether the configured [`Classifier`] takes this end for a clean one.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.clean
    }

    /// Whether it makes sense to connect again and do the same.
    ///
    /// | end | |
    /// |---|---|
    /// | closed here, or lost after this side began to close | no |
    /// | given up by the local program | no |
    /// | the peer broke the protocol, TLS's too, or a limit | no |
    /// | closed by the peer with 1001, 1006, 1011, 1012, 1013 or 1014 | yes |
    /// | closed by the peer with any other code: 1000, 1002, 1003, 1005, 1007 to 1010, 3000 to 4999 | no |
    /// | the transport ended, was reset, timed out or failed; TLS was truncated | yes |
    /// | handshake, idle, pong or write deadline | yes |
    /// | close deadline: this side was done | no |
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        match (self.origin, self.cause) {
            (Origin::Local, _) => false,
            (Origin::Remote, _) => self.code.is_retryable(),
            (Origin::Abnormal, _) if self.sent.is_some() => false,
            (Origin::Abnormal, Cause::Handshake) => self.code.is_retryable(),
            // A refusal is told by who refuses; whom it meets has an error of its handshake.
            (
                Origin::Abnormal,
                Cause::Violation(_) | Cause::Aborted | Cause::Overload | Cause::Refused(_),
            ) => false,
            (Origin::Abnormal, Cause::Timeout(timeout)) => timeout != Timeout::Close,
            (Origin::Abnormal, Cause::Transport(end)) => !matches!(end, End::Dropped | End::TlsFailed),
        }
    }

    /// In which part of its life the connection ended.
    #[must_use]
    pub fn when(&self) -> When {
        match self.cause {
            Cause::Refused(_) | Cause::Timeout(Timeout::Handshake) => When::Handshake,
            Cause::Timeout(Timeout::WriteStall) | Cause::Transport(End::WriteFailed) | Cause::Overload => {
                When::Write
            }
            Cause::Handshake
            | Cause::Aborted
            | Cause::Timeout(Timeout::Close)
            | Cause::Transport(End::Dropped) => When::Close,
            Cause::Violation(_)
            | Cause::Timeout(Timeout::Idle | Timeout::Pong)
            | Cause::Transport(
                End::Eof | End::Reset | End::TimedOut | End::ReadFailed | End::Truncated | End::TlsFailed,
            ) => When::Read,
        }
    }
}

impl fmt::Display for Closed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.origin {
            Origin::Local => write!(f, "closed here with {}", self.code)?,
            Origin::Remote => write!(f, "closed by the peer with {}", self.code)?,
            Origin::Abnormal => write!(f, "ended without a Close frame: {}", self.cause)?,
        }
        if !self.reason.is_empty() {
            write!(f, " ({})", self.reason)?;
        }
        Ok(())
    }
}

/// Decides whether an end is clean or an error.
///
/// ```
/// use wharf::base::{Cause, Classifier, CloseCode, Closed, Origin};
///
/// fn going_away_is_fine(closed: &Closed) -> bool {
///     matches!(closed.code.as_u16(), 1000 | 1001)
/// }
/// let closed =
///     Closed::new(Origin::Remote, CloseCode::GOING_AWAY, "", Cause::Handshake, Classifier::Function(going_away_is_fine));
/// assert!(closed.is_clean());
/// ```
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub enum Classifier {
    /// Only 1000 is clean.
    #[default]
    OnlyNormal,
    /// 1000 and 1006 are clean.
    NormalOrAbnormal,
    /// Every end is an error.
    EveryCloseIsError,
    /// The function says.
    Function(fn(&Closed) -> bool),
}

impl Classifier {
    /// Whether `closed` is a clean end.
    #[must_use]
    pub fn is_clean(&self, closed: &Closed) -> bool {
        match self {
            Self::OnlyNormal => closed.code == CloseCode::NORMAL,
            Self::NormalOrAbnormal => matches!(closed.code, CloseCode::NORMAL | CloseCode::ABNORMAL),
            Self::EveryCloseIsError => false,
            Self::Function(judge) => judge(closed),
        }
    }
}

#[cfg(test)]
mod tests;
