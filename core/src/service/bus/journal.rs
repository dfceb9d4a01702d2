//! What the broker has written down: changes, in batches, each of which is one transaction.
//!
//! The store keeps a state and not a log. It has four kinds of [records](super::Record), and a [`Change`] puts one in, changes it
//! or takes it out. Whoever carries a [`Batch`] out does all of it or nothing, and has it on disk when it says so.

use super::{DeadReason, Name, ReasonError};
use crate::base::Wall;
use alloc::boxed::Box;
use alloc::vec::Vec;
use bytes::Bytes;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Most changes in a batch.
pub const MAX_BATCH: usize = 1024;

/// The place of a message in the order of acceptance. None is given twice as long as anything of it is kept.
///
/// ```
/// use wharf::service::bus::Seq;
///
/// assert!(Seq(1) < Seq(2));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Seq(pub u64);

impl Seq {
    /// The next greater place that a slot of a shared store names: every [`STEP`](super::STEP)th is its.
    ///
    /// ```
    /// use wharf::service::bus::Seq;
    ///
    /// assert_eq!([Seq(0).next_of(5), Seq(5).next_of(5), Seq(70).next_of(5)], [Seq(5), Seq(69), Seq(133)]);
    /// ```
    #[must_use]
    pub const fn next_of(self, slot: u16) -> Self {
        let (step, slot) = (super::STEP, slot as u64);
        let begin = self.0 / step * step + slot;
        Self(if begin > self.0 { begin } else { begin + step })
    }
}

/// A message as it was accepted. It does not change.
///
/// ```
/// use wharf::service::bus::{Accepted, Name, Seq};
///
/// let (id, from, to) = (Name::new("m-1")?, Name::new("shop")?, Name::new("mail")?);
/// let body = r#"{"id":"m-1","from":"shop","to":"mail","type":"sold","payload":7,"timestamp":0}"#;
/// let accepted = Accepted::new(Seq(1), id, from, to, "sold", body.into(), Default::default());
/// assert_eq!(&*accepted.kind, "sold");
/// # Ok::<(), wharf::service::bus::NameError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Accepted {
    /// Its place.
    pub seq: Seq,
    /// The id that its sender gave it.
    pub id: Name,
    /// Who sent it.
    pub from: Name,
    /// Who is to have it.
    pub to: Name,
    /// Its `type`.
    pub kind: Box<str>,
    /// The message as JSON text, an object without white space between its tokens and without `retryCount`.
    pub body: Bytes,
    /// When it was taken.
    pub at: Wall,
}

impl Accepted {
    /// All of it.
    #[must_use]
    pub fn new(seq: Seq, id: Name, from: Name, to: Name, kind: &str, body: Bytes, at: Wall) -> Self {
        Self { seq, id, from, to, kind: kind.into(), body, at }
    }

    /// What it counts for in limits of bytes: its delivery.
    #[must_use]
    pub fn size(&self) -> u64 {
        super::held::size_of_body(self.body.len()) as u64
    }
}

/// How often a message was handed out, and what came of it. A message that was never handed out has the default.
///
/// ```
/// assert_eq!(wharf::service::bus::Progress::default().deliveries, 0);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Progress {
    /// Deliveries that ended in an ack timeout or a nack.
    pub attempts: u32,
    /// Deliveries of any kind.
    pub deliveries: u32,
    /// The last delivery has not ended, as far as is known.
    pub is_out: bool,
    /// How the last deliveries ended, at most [`MAX_HISTORY`](Self::MAX_HISTORY), the oldest first.
    pub history: Vec<Ended>,
}

impl Progress {
    /// Most ends of deliveries that are kept of a message.
    pub const MAX_HISTORY: usize = 10;

    pub(super) fn end(&mut self, at: Wall, how: End) {
        self.is_out = false;
        if self.history.len() >= Self::MAX_HISTORY {
            self.history.remove(0);
        }
        self.history.push(Ended { at, how });
    }
}

/// The end of a delivery that was not acknowledged. In JSON `{"at": ms since 1970, "how": "…"}`.
///
/// ```
/// use wharf::base::Wall;
/// use wharf::service::bus::{End, Ended};
///
/// let ended = Ended::new(Wall::from_millis(5), End::Nack("busy".into()));
/// let json = serde_json::to_string(&ended).unwrap();
/// assert_eq!(json, r#"{"at":5,"how":"nack: busy"}"#);
/// assert_eq!(serde_json::from_str::<Ended>(&json).unwrap(), ended);
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Ended {
    /// When.
    #[serde(serialize_with = "millis", deserialize_with = "of_millis")]
    pub at: Wall,
    /// How.
    pub how: End,
}

impl Ended {
    /// Both.
    #[must_use]
    pub const fn new(at: Wall, how: End) -> Self {
        Self { at, how }
    }
}

/// How a delivery ended that was not acknowledged. In JSON `ack timeout`, `nack: REASON` or `lost`.
///
/// ```
/// assert_eq!(serde_json::to_string(&wharf::service::bus::End::Lost).unwrap(), r#""lost""#);
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "alloc::borrow::Cow<'_, str>", into = "alloc::string::String")]
#[non_exhaustive]
pub enum End {
    /// No acknowledgement came in time.
    AckTimeout,
    /// The receiver refused it.
    Nack(Box<str>),
    /// The connection ended, was replaced, or the bus was restarted.
    Lost,
}

impl TryFrom<alloc::borrow::Cow<'_, str>> for End {
    type Error = ReasonError;

    fn try_from(text: alloc::borrow::Cow<'_, str>) -> Result<Self, ReasonError> {
        match &*text {
            "lost" => Ok(Self::Lost),
            text => match text.parse()? {
                DeadReason::AckTimeout => Ok(Self::AckTimeout),
                DeadReason::Nack(reason) => Ok(Self::Nack(reason)),
                DeadReason::MaxDeliveries => Err(ReasonError),
            },
        }
    }
}

impl From<End> for alloc::string::String {
    fn from(end: End) -> Self {
        match end {
            End::AckTimeout => "ack timeout".into(),
            End::Nack(reason) => alloc::format!("nack: {reason}"),
            End::Lost => "lost".into(),
        }
    }
}

/// What a message died of, and when.
///
/// ```
/// use wharf::base::Wall;
/// use wharf::service::bus::{DeadReason, Death, Progress};
///
/// let death = Death::new(DeadReason::AckTimeout, Wall::from_millis(5), Progress::default());
/// assert_eq!(death.reason.to_string(), "ack timeout");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Death {
    /// Of what.
    pub reason: DeadReason,
    /// When.
    pub at: Wall,
    /// How often it was handed out, and what came of it.
    pub progress: Progress,
}

impl Death {
    /// All of it.
    #[must_use]
    pub const fn new(reason: DeadReason, at: Wall, progress: Progress) -> Self {
        Self { reason, at, progress }
    }
}

/// The numbers of a sender's ids `PREFIX-N` that were accepted: all up to `high` but those in `gaps`.
///
/// ```
/// use wharf::service::bus::{Name, Numbers, Seq};
///
/// let numbers = Numbers::new(Name::new("shop")?, Name::new("m")?, Seq(9), 7, vec![(0, 0), (3, 4)]);
/// assert_eq!(numbers.high, 7);
/// # Ok::<(), wharf::service::bus::NameError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Numbers {
    /// Whose.
    pub from: Name,
    /// What stands before the last hyphen.
    pub prefix: Name,
    /// The place of the last message that had this prefix.
    pub used: Seq,
    /// The greatest number accepted.
    pub high: u64,
    /// Runs of numbers below it that were not: first and last of each, in rising order.
    pub gaps: Vec<(u64, u64)>,
}

impl Numbers {
    /// All of it.
    #[must_use]
    pub const fn new(from: Name, prefix: Name, used: Seq, high: u64, gaps: Vec<(u64, u64)>) -> Self {
        Self { from, prefix, used, high, gaps }
    }
}

/// One change of the store. Each names a record that is there, but those that put one in; whatever is not so is a
/// store that belongs to another broker, and an error.
///
/// ```
/// use wharf::service::bus::{Change, Seq};
///
/// let acknowledged = Change::Remove(Seq(1));
/// # let _ = acknowledged;
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Change {
    /// A message is put in, with the default of [`Progress`].
    Accept(Accepted),
    /// A message's progress is now this.
    Progress(Seq, Progress),
    /// A message was acknowledged: it is taken out.
    Remove(Seq),
    /// A message died: it is no message any more, and a dead letter.
    Bury(Seq, Death),
    /// A dead letter is none any more, and a message again, under another place and with the default of [`Progress`].
    Requeue {
        /// The dead letter.
        dead: Seq,
        /// The place of the message from now on.
        seq: Seq,
    },
    /// A dead letter is taken out.
    Purge(Seq),
    /// An id of a sender is put in, as remembered. It is there once, and `seq` tells its age.
    RememberId {
        /// The sender.
        from: Name,
        /// The id.
        id: Name,
        /// The place of its message.
        seq: Seq,
    },
    /// It is taken out.
    ForgetId {
        /// The sender.
        from: Name,
        /// The id.
        id: Name,
    },
    /// The numbers of a sender's prefix are now these: put in, or put in place of what was there.
    RememberNumbers(Numbers),
    /// They are taken out.
    ForgetNumbers {
        /// The sender.
        from: Name,
        /// The prefix.
        prefix: Name,
    },
}

impl Change {
    /// The place that it puts in: of a message, or as the age of what is remembered.
    ///
    /// ```
    /// use wharf::service::bus::{Change, Seq};
    ///
    /// assert_eq!(Change::Remove(Seq(1)).place(), None);
    /// ```
    #[must_use]
    pub const fn place(&self) -> Option<Seq> {
        match self {
            Self::Accept(Accepted { seq, .. })
            | Self::Requeue { seq, .. }
            | Self::RememberId { seq, .. }
            | Self::RememberNumbers(Numbers { used: seq, .. }) => Some(*seq),
            _ => None,
        }
    }
}

/// Changes to be carried out in their order, all or none: one transaction, which is on disk when its outcome is told.
///
/// ```
/// use wharf::service::bus::{Batch, Change, Seq};
///
/// let batch = Batch::new(vec![Change::Remove(Seq(1))]);
/// assert_eq!(batch.changes().len(), 1);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Batch {
    changes: Vec<Change>,
}

impl Batch {
    /// Of these changes.
    #[must_use]
    pub const fn new(changes: Vec<Change>) -> Self {
        Self { changes }
    }

    /// The changes, at most [`MAX_BATCH`] where a broker made them.
    #[must_use]
    pub fn changes(&self) -> &[Change] {
        &self.changes
    }

    pub(super) const fn changes_mut(&mut self) -> &mut Vec<Change> {
        &mut self.changes
    }

    /// The changes, to have.
    #[must_use]
    pub fn into_changes(self) -> Vec<Change> {
        self.changes
    }
}

fn millis<S: Serializer>(at: &Wall, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u64(at.as_millis())
}

fn of_millis<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Wall, D::Error> {
    u64::deserialize(deserializer).map(Wall::from_millis)
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;

    #[test]
    fn progress_is_read_back_and_nonsense_is_not() {
        let ended = |how| Ended::new(Wall::from_millis(7), how);
        let history = vec![ended(End::AckTimeout), ended(End::Nack("a \"b\"".into())), ended(End::Lost)];
        let progress = Progress { attempts: 2, deliveries: 3, is_out: false, history };
        let json = serde_json::to_string(&progress).unwrap();
        assert_eq!(serde_json::from_str::<Progress>(&json).unwrap(), progress);
        for bad in ["\"max deliveries\"", "\"\"", "\"nack\"", "7"] {
            assert!(serde_json::from_str::<End>(bad).is_err(), "{bad}");
        }
    }
}
