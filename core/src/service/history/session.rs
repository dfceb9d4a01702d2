//! Who may come back as whom.

use crate::base::Wall;
use alloc::sync::Arc;
use alloc::vec::Vec;

/// The SHA-256 of a secret token. The token itself is never stored.
///
/// ```
/// assert_ne!(wharf::service::history::TokenHash([0; 32]), wharf::service::history::TokenHash([1; 32]));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TokenHash(pub [u8; 32]);

/// A user who may come back, by a token.
///
/// ```
/// use wharf::base::Wall;
/// use wharf::service::history::{Session, TokenHash};
///
/// let session = Session::new(TokenHash([7; 32]), "u1".into(), "Ada".into(), vec!["general".into()], Wall::from_millis(5));
/// assert_eq!(session.rooms.len(), 1);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Session {
    /// Of which token.
    pub token: TokenHash,
    /// The user.
    pub user: Arc<str>,
    /// How the user is called.
    pub name: Arc<str>,
    /// The rooms that the user is in, in the order of joining.
    pub rooms: Vec<Arc<str>>,
    /// When it is no good any more. A store neither finds nor keeps it then.
    pub expires: Wall,
    /// Which look-up told of it: of two of one token the later one has the greater number, whichever process asked. 0 where none did, and
    /// of a store that processes do not share.
    pub epoch: u64,
}

impl Session {
    /// All of it but the epoch, which is that of no look-up.
    #[must_use]
    pub const fn new(
        token: TokenHash,
        user: Arc<str>,
        name: Arc<str>,
        rooms: Vec<Arc<str>>,
        expires: Wall,
    ) -> Self {
        Self { token, user, name, rooms, expires, epoch: 0 }
    }
}
