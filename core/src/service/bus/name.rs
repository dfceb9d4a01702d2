//! Names of services and of messages.

use alloc::sync::Arc;
use core::borrow::Borrow;
use core::fmt;
use core::ops::Deref;
use serde::{Serialize, Serializer};

/// Longest name, in characters, which are bytes.
pub const MAX_NAME: usize = 128;

/// The id of a service or of a message: 1 to 128 of `A-Z a-z 0-9 . _ -`. Cheap to clone.
///
/// ```
/// use wharf::service::bus::Name;
///
/// let name = Name::new("order-service").unwrap();
/// assert_eq!(&*name, "order-service");
/// assert!(Name::new("order service").is_err());
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name(Arc<str>);

/// What is no [`Name`].
///
/// ```
/// assert!(wharf::service::bus::Name::new("").is_err());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a name is 1 to 128 of A-Z a-z 0-9 . _ -")]
#[non_exhaustive]
pub struct NameError;

impl Name {
    /// Checks a name.
    ///
    /// # Errors
    /// It has other characters, none, or too many.
    pub fn new(name: &str) -> Result<Self, NameError> {
        let is_of_ours = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-');
        let fits = (1..=MAX_NAME).contains(&name.len()) && name.bytes().all(is_of_ours);
        if fits { Ok(Self(name.into())) } else { Err(NameError) }
    }

    /// The one that no other comes before.
    pub(super) fn least() -> Self {
        Self("-".into())
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Deref for Name {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl Borrow<str> for Name {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl core::str::FromStr for Name {
    type Err = NameError;

    fn from_str(name: &str) -> Result<Self, NameError> {
        Self::new(name)
    }
}

impl Serialize for Name {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_short_and_plain() {
        for good in ["a", "A-Z.a_z-09", &"x".repeat(MAX_NAME)] {
            assert_eq!(Name::new(good).as_deref(), Ok(good));
        }
        for bad in ["", " a", "a/b", "é", "a\n", "a\0", &"x".repeat(MAX_NAME + 1)] {
            assert_eq!(Name::new(bad), Err(NameError), "{bad:?}");
        }
    }
}
