//! What the store hands back.

use super::{Accepted, Death, Name, Numbers, Progress, Seq};

/// One record of the store. In which order they are handed back does not matter.
///
/// ```
/// use wharf::service::bus::{Name, Record, Seq};
///
/// let record = Record::Id { from: Name::new("shop")?, id: Name::new("m")?, seq: Seq(1) };
/// # let _ = record;
/// # Ok::<(), wharf::service::bus::NameError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Record {
    /// A message that waits or was handed out.
    Message(Accepted, Progress),
    /// A dead letter.
    Dead(Accepted, Death),
    /// An id of a sender that is remembered.
    Id {
        /// The sender.
        from: Name,
        /// The id.
        id: Name,
        /// The place of its message.
        seq: Seq,
    },
    /// The numbers of a sender's prefix.
    Numbers(Numbers),
}

/// A record that no broker wrote, or that contradicts another one. The store is damaged or another's.
///
/// ```
/// use wharf::service::bus::{RestoreError, Seq};
///
/// assert_eq!(RestoreError::SeqTwice(Seq(3)).to_string(), "two messages have the place 3");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RestoreError {
    /// Two messages, alive or dead, have the same place.
    #[error("two messages have the place {}", .0.0)]
    SeqTwice(Seq),
    /// The place is beyond 2^62: it leaves none for new messages.
    #[error("the place {} leaves none for new messages", .0.0)]
    SeqTooHigh(Seq),
    /// The body is no message, or not the one that the record tells of.
    #[error("the body at the place {} is not that of its message", .0.0)]
    Body(Seq),
    /// More attempts than deliveries, or more ends than can be.
    #[error("the deliveries of the message at the place {} contradict each other", .0.0)]
    Progress(Seq),
    /// An id is there twice.
    #[error("the id {id} of {from} is there twice")]
    IdTwice {
        /// The sender.
        from: Name,
        /// The id.
        id: Name,
    },
    /// Two remembered things have the same age.
    #[error("two remembered ids are of the age {}", .0.0)]
    AgeTwice(Seq),
    /// A prefix is there twice, or its gaps overlap, are not in order, or reach beyond its greatest number.
    #[error("the numbers of {from} under {prefix} contradict each other")]
    Numbers {
        /// The sender.
        from: Name,
        /// The prefix.
        prefix: Name,
    },
}
