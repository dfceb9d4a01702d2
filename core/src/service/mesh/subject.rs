//! Where what is published goes.

use alloc::sync::Arc;
use core::borrow::Borrow;
use core::fmt;
use core::str::FromStr;

/// Longest token of a group's subject, in bytes.
pub const MAX_TOKEN: usize = 400;

const NODES: &str = "nodes";
const ALL: &str = "all";
const GROUP: &str = "group.";

/// A subject: the complete path of it, before which an adapter puts nothing but a prefix of its own. Cloning it is a reference count.
///
/// There are three kinds: `nodes`, on which the machines talk among themselves; `all`, which every node hears from its start
/// on; and `group.TOKEN`, which those nodes hear that have a member in it. A token has 1 to [`MAX_TOKEN`] of the characters `A-Z a-z 0-9 _
/// -`, so a name that has others is to be encoded (base64url is such an encoding).
///
/// ```
/// use wharf::service::mesh::Subject;
///
/// let kitchen = Subject::group("kitchen").unwrap();
/// assert_eq!(kitchen.as_str(), "group.kitchen");
/// assert_eq!("group.kitchen".parse(), Ok(kitchen));
/// assert!(Subject::group("two words").is_err() && "group.".parse::<Subject>().is_err());
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Subject(Arc<str>);

impl Subject {
    /// `nodes`, on which the machines talk among themselves.
    #[must_use]
    pub fn nodes() -> Self {
        Self(NODES.into())
    }

    /// `all`, which every node hears.
    #[must_use]
    pub fn all() -> Self {
        Self(ALL.into())
    }

    /// That of a group.
    ///
    /// # Errors
    /// [`SubjectError`], if the token has no character or more than [`MAX_TOKEN`], or one that may not be in it.
    pub fn group(token: &str) -> Result<Self, SubjectError> {
        check_token(token)?;
        let mut path = alloc::string::String::with_capacity(GROUP.len() + token.len());
        path.push_str(GROUP);
        path.push_str(token);
        Ok(Self(path.into()))
    }

    /// Its path.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Its token, if it is that of a group.
    #[must_use]
    pub fn token(&self) -> Option<&str> {
        self.0.strip_prefix(GROUP)
    }

    /// Whether it is the one on which the machines talk among themselves.
    #[must_use]
    pub fn is_nodes(&self) -> bool {
        &*self.0 == NODES
    }

    /// Whether it is the one that every node hears.
    #[must_use]
    pub fn is_all(&self) -> bool {
        &*self.0 == ALL
    }
}

impl FromStr for Subject {
    type Err = SubjectError;

    fn from_str(path: &str) -> Result<Self, SubjectError> {
        match path.strip_prefix(GROUP) {
            Some(token) => check_token(token)?,
            None if matches!(path, NODES | ALL) => {}
            None => return Err(SubjectError::Unknown),
        }
        Ok(Self(path.into()))
    }
}

impl Borrow<str> for Subject {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl AsRef<str> for Subject {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Subject({})", self.0)
    }
}

fn check_token(token: &str) -> Result<(), SubjectError> {
    if !(1..=MAX_TOKEN).contains(&token.len()) {
        return Err(SubjectError::Length { len: token.len() });
    }
    let may_be = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    match token.bytes().position(|byte| !may_be(byte)) {
        Some(at) => Err(SubjectError::Character { at }),
        None => Ok(()),
    }
}

/// Why something is no subject.
///
/// ```
/// use wharf::service::mesh::{Subject, SubjectError};
///
/// assert_eq!(Subject::group("a b"), Err(SubjectError::Character { at: 1 }));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum SubjectError {
    /// The token has no byte or too many.
    #[error("a token has 1 to {MAX_TOKEN} bytes, not {len}")]
    Length {
        /// So many it has.
        len: usize,
    },
    /// The token has a character that is none of `A-Z a-z 0-9 _ -`.
    #[error("the byte at {at} may not be in a token")]
    Character {
        /// The offset of its first byte.
        at: usize,
    },
    /// The path is neither `nodes` nor `all`, and does not begin with `group.`.
    #[error("a subject is nodes, all or group.TOKEN")]
    Unknown,
}
