//! What a store is asked, and what it answers.

use super::{Draft, Entry, Key, Session, Stored, TokenHash};
use crate::base::Wall;
use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;

/// Most drafts, and most sessions, of one batch.
pub const MAX_BATCH: usize = 1024;
/// Most entries of one page.
pub const MAX_PAGE: usize = 200;

/// What a store is to do.
///
/// ```
/// use wharf::service::history::{Ask, PageAsk, Span};
///
/// let newest = Ask::Page(PageAsk::new(vec!["general".into()], Span::Newest { below: None }, 50));
/// assert!(matches!(newest, Ask::Page(page) if page.limit == 50));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Ask {
    /// To write. Answered by [`Answer::Written`] once all of it would outlast a crash.
    Write(Batch),
    /// What was said. Answered by [`Answer::Page`].
    Page(PageAsk),
    /// Who a token is good for, at that time. Answered by [`Answer::Session`], and counted: see [`Session::epoch`].
    Session(TokenHash, Wall),
    /// How far it is, over all rooms. Answered by [`Answer::Last`].
    Last,
}

/// One transaction: all of it or nothing, in the order of its fields.
///
/// ```
/// assert!(wharf::service::history::Batch::default().is_empty());
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Batch {
    /// What is not to be stored after all. Whatever of these keys was stored by a write of which nobody heard goes; most often none was. No store
    /// refuses that. At most twice [`MAX_BATCH`].
    pub withdraw: Vec<Key>,
    /// Stored in this order, so with ids that grow: at most [`MAX_BATCH`].
    pub drafts: Vec<Draft>,
    /// Put in, or in the place of what was there for the same token: at most [`MAX_BATCH`].
    pub sessions: Vec<Session>,
    /// Sessions that expired at or before this go.
    pub expire: Option<Wall>,
}

impl Batch {
    /// Whether there is nothing to do.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.withdraw.is_empty()
            && self.drafts.is_empty()
            && self.sessions.is_empty()
            && self.expire.is_none()
    }
}

/// Which entries are asked for.
///
/// ```
/// use wharf::service::history::{PageAsk, Span};
///
/// let page = PageAsk::new(vec!["general".into()], Span::After(17), 1000);
/// assert_eq!(page.limit, wharf::service::history::MAX_PAGE);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PageAsk {
    /// Of which rooms; of several, all by id.
    pub rooms: Vec<Arc<str>>,
    /// From where on.
    pub span: Span,
    /// How many at most: 1 to [`MAX_PAGE`].
    pub limit: usize,
}

impl PageAsk {
    /// All of it; `limit` is brought into its bounds.
    #[must_use]
    pub fn new(rooms: Vec<Arc<str>>, span: Span, limit: usize) -> Self {
        Self { rooms, span, limit: limit.clamp(1, MAX_PAGE) }
    }
}

/// From where on entries are asked for.
///
/// ```
/// use wharf::service::history::Span;
///
/// assert_ne!(Span::Newest { below: None }, Span::After(0));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Span {
    /// The newest.
    Newest {
        /// Of those with a smaller id.
        below: Option<u64>,
    },
    /// The oldest of those with a greater id.
    After(u64),
}

/// Some entries, oldest first.
///
/// ```
/// assert!(!wharf::service::history::Page::default().more);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Page {
    /// The entries.
    pub entries: Vec<Entry>,
    /// There are others beyond: older ones of [`Span::Newest`], newer ones of [`Span::After`].
    pub more: bool,
}

impl Page {
    /// Both.
    #[must_use]
    pub const fn new(entries: Vec<Entry>, more: bool) -> Self {
        Self { entries, more }
    }
}

/// What a store says to an [`Ask`].
///
/// ```
/// use wharf::service::history::Answer;
///
/// assert_eq!(Answer::Session(None), Answer::Session(None));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Answer {
    /// To [`Ask::Write`]: what became of each draft, in their order.
    Written(Vec<Stored>),
    /// To [`Ask::Page`].
    Page(Page),
    /// To [`Ask::Session`]: whose it is, if it is known and has not expired.
    Session(Option<Session>),
    /// To [`Ask::Last`]: the greatest id of an entry, 0 if there is none. What is stored from now on has a greater one, whoever stores it, so
    /// whoever has all entries up to this one never has to look there again.
    Last(u64),
}

/// Why a store has no answer. A write of which this is told may have been carried out all the same.
///
/// ```
/// use wharf::service::history::Failure;
///
/// assert_eq!(Failure::Away("connection refused".into()).to_string(), "the database is away: connection refused");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Failure {
    /// It cannot be reached, is busy or full: worth to be tried again.
    #[error("the database is away: {0}")]
    Away(Box<str>),
    /// It will not do that, now or later.
    #[error("the database refused: {0}")]
    Refused(Box<str>),
}
