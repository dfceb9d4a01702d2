//! A message on its way into the store, and in it.

use crate::base::Wall;
use alloc::sync::Arc;

/// What makes a draft itself: drawn once, kept when it is tried again, so that it is stored once however often it is tried.
///
/// ```
/// use wharf::service::history::Key;
///
/// assert_ne!(Key([0; 16]), Key([1; 16]));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key(pub [u8; 16]);

/// A message that is to be stored. Its limits are those of whoever writes it.
///
/// ```
/// use wharf::base::Wall;
/// use wharf::service::history::{Draft, Key};
///
/// let mut draft = Draft::new(Key([7; 16]), "general".into(), "u1".into(), "Ada".into(), "hello".into(), Wall::from_millis(5));
/// draft.reference = Some("r1".into());
/// assert_eq!(&*draft.content, "hello");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Draft {
    /// What makes it itself.
    pub key: Key,
    /// The room it is for.
    pub room: Arc<str>,
    /// Who says it.
    pub user: Arc<str>,
    /// How the user is called at the time.
    pub name: Arc<str>,
    /// What is said.
    pub content: Arc<str>,
    /// What the sender calls it. The same one of the same user is stored once.
    pub reference: Option<Arc<str>>,
    /// When it came.
    pub at: Wall,
}

impl Draft {
    /// All of it, without a reference.
    #[must_use]
    pub const fn new(
        key: Key,
        room: Arc<str>,
        user: Arc<str>,
        name: Arc<str>,
        content: Arc<str>,
        at: Wall,
    ) -> Self {
        Self { key, room, user, name, content, reference: None, at }
    }

    /// What it is once it is stored.
    #[must_use]
    pub fn into_entry(self, id: u64) -> Entry {
        let Self { key: _, room, user, name, content, reference, at } = self;
        Entry { id, room, user, name, content, reference, at }
    }
}

/// A message that is stored.
///
/// ```
/// use wharf::base::Wall;
/// use wharf::service::history::Entry;
///
/// let entry = Entry::new(1, "general".into(), "u1".into(), "Ada".into(), "hello".into(), Wall::from_millis(5));
/// assert_eq!(entry.id, 1);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Entry {
    /// Its place among all messages of all rooms: from 1 on, each greater than those before it, below 2^53. Some may be missing.
    pub id: u64,
    /// The room.
    pub room: Arc<str>,
    /// Who said it.
    pub user: Arc<str>,
    /// How the user was called at the time.
    pub name: Arc<str>,
    /// What was said.
    pub content: Arc<str>,
    /// What the sender calls it.
    pub reference: Option<Arc<str>>,
    /// When it came.
    pub at: Wall,
}

impl Entry {
    /// All of it, without a reference.
    #[must_use]
    pub const fn new(
        id: u64,
        room: Arc<str>,
        user: Arc<str>,
        name: Arc<str>,
        content: Arc<str>,
        at: Wall,
    ) -> Self {
        Self { id, room, user, name, content, reference: None, at }
    }
}

/// What became of a draft.
///
/// ```
/// use wharf::service::history::Stored;
///
/// assert_eq!(Stored::New(1).id(), 1);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Stored {
    /// It is stored under this id. Also when it had been before, by the same key, and nobody heard of it.
    New(u64),
    /// It is not stored again: this one of the same user, by another key, has its reference.
    Before(Entry),
}

impl Stored {
    /// The id of what is stored.
    #[must_use]
    pub const fn id(&self) -> u64 {
        match self {
            Self::New(id) => *id,
            Self::Before(entry) => entry.id,
        }
    }
}
