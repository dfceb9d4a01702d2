//! Why something is refused, and why a message died.

use alloc::boxed::Box;
use alloc::string::{String, ToString};
use core::fmt;
use core::str::FromStr;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Why a frame or a message is refused. The list is closed: clients may match on it.
///
/// ```
/// use wharf::service::bus::Reason;
///
/// assert_eq!(Reason::TooBig.as_str(), "too big");
/// assert_eq!("unknown message".parse(), Ok(Reason::UnknownMessage));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reason {
    /// The connection has not registered.
    Unregistered,
    /// `from` is not the registered id, or an acknowledgement has to say whose message it is for.
    From,
    /// An id that is none, or another one than the connection registered.
    Id,
    /// `to` is no id.
    To,
    /// The frame is no JSON, of no known type, or not of its type's shape.
    Invalid,
    /// The frame is too long.
    TooBig,
    /// There is no room: for the service, or for its messages.
    Full,
    /// The bus is shutting down.
    Closing,
    /// The store has failed.
    Store,
    /// The token is wrong or missing.
    Token,
    /// Another connection has registered the same id.
    Replaced,
    /// Nothing was heard for too long.
    Gone,
    /// The service holds no such message.
    UnknownMessage,
}

impl Reason {
    /// All of them.
    pub const ALL: [Self; 13] = [
        Self::Unregistered,
        Self::From,
        Self::Id,
        Self::To,
        Self::Invalid,
        Self::TooBig,
        Self::Full,
        Self::Closing,
        Self::Store,
        Self::Token,
        Self::Replaced,
        Self::Gone,
        Self::UnknownMessage,
    ];

    /// Its word on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unregistered => "unregistered",
            Self::From => "from",
            Self::Id => "id",
            Self::To => "to",
            Self::Invalid => "invalid",
            Self::TooBig => "too big",
            Self::Full => "full",
            Self::Closing => "closing",
            Self::Store => "store",
            Self::Token => "token",
            Self::Replaced => "replaced",
            Self::Gone => "gone",
            Self::UnknownMessage => "unknown message",
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A word that names no reason.
///
/// ```
/// assert!("tired".parse::<wharf::service::bus::Reason>().is_err());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no reason that the bus knows")]
#[non_exhaustive]
pub struct ReasonError;

impl FromStr for Reason {
    type Err = ReasonError;

    fn from_str(word: &str) -> Result<Self, ReasonError> {
        Self::ALL.into_iter().find(|reason| reason.as_str() == word).ok_or(ReasonError)
    }
}

impl Serialize for Reason {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// Longest reason of a nack that is kept, in bytes; what is beyond it is cut off.
pub const MAX_NACK_REASON: usize = 1024;

/// What a delivery came to that was not acknowledged, and so what a message died of.
///
/// ```
/// use wharf::service::bus::DeadReason;
///
/// let nacked = DeadReason::Nack("no such order".into());
/// assert_eq!(nacked.to_string(), "nack: no such order");
/// assert_eq!("nack: no such order".parse(), Ok(nacked));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum DeadReason {
    /// It was not acknowledged in time.
    AckTimeout,
    /// The receiver refused it, and said why.
    Nack(Box<str>),
    /// It was delivered as often as may be, and nothing was heard of it.
    MaxDeliveries,
}

impl DeadReason {
    /// A nack, whose reason is cut at [`MAX_NACK_REASON`].
    #[must_use]
    pub fn nack(reason: &str) -> Self {
        Self::Nack(kept(reason).into())
    }
}

/// What is kept of the reason of a nack.
pub(in crate::service::bus) fn kept(reason: &str) -> &str {
    let mut end = reason.len().min(MAX_NACK_REASON);
    while !reason.is_char_boundary(end) {
        end -= 1;
    }
    &reason[..end]
}

impl fmt::Display for DeadReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AckTimeout => f.write_str("ack timeout"),
            Self::Nack(reason) => write!(f, "nack: {reason}"),
            Self::MaxDeliveries => f.write_str("max deliveries"),
        }
    }
}

impl FromStr for DeadReason {
    type Err = ReasonError;

    fn from_str(text: &str) -> Result<Self, ReasonError> {
        match text {
            "ack timeout" => Ok(Self::AckTimeout),
            "max deliveries" => Ok(Self::MaxDeliveries),
            _ => text.strip_prefix("nack: ").map(Self::nack).ok_or(ReasonError),
        }
    }
}

impl Serialize for DeadReason {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for DeadReason {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(|e: ReasonError| D::Error::custom(e.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_have_a_word_each() {
        for reason in Reason::ALL {
            assert_eq!(reason.as_str().parse(), Ok(reason));
        }
        assert_eq!("Full".parse::<Reason>(), Err(ReasonError));
    }

    #[test]
    fn a_long_nack_is_cut_between_characters() {
        let DeadReason::Nack(kept) = DeadReason::nack(&"é".repeat(MAX_NACK_REASON)) else { panic!() };
        assert_eq!(kept.len(), MAX_NACK_REASON);
        let DeadReason::Nack(kept) = DeadReason::nack(&("a".to_string() + &"é".repeat(MAX_NACK_REASON)))
        else {
            panic!()
        };
        assert_eq!(kept.len(), MAX_NACK_REASON - 1);
    }

    #[test]
    fn what_it_died_of_is_read_back() {
        for reason in [DeadReason::AckTimeout, DeadReason::MaxDeliveries, DeadReason::nack("")] {
            assert_eq!(reason.to_string().parse(), Ok(reason));
        }
        assert_eq!("nack:".parse::<DeadReason>(), Err(ReasonError));
    }
}
