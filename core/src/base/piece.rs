//! Bytes of a message that is handed up in pieces.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::ops::Deref;

/// Bytes that are lent from the input, or owned where there were none like that in it. Used as a slice.
///
/// ```
/// use wharf::base::Piece;
///
/// let (lent, owned) = (Piece::from(&b"ahoy"[..]), Piece::from(b"ahoy".to_vec()));
/// assert!(lent.is_lent() && !owned.is_lent());
/// assert_eq!((lent.len(), owned.into_vec()), (4, b"ahoy".to_vec()));
/// ```
#[derive(Clone)]
pub struct Piece<'b>(Bytes<'b>);

/// Two words, so that an event has no more for the sake of the rare one.
#[derive(Clone)]
#[allow(clippy::box_collection)]
enum Bytes<'b> {
    Lent(&'b [u8]),
    Owned(Box<Vec<u8>>),
}

impl Piece<'_> {
    /// Whether the bytes are borrowed from the input.
    #[must_use]
    pub fn is_lent(&self) -> bool {
        matches!(self.0, Bytes::Lent(_))
    }

    /// The bytes as owned: a copy if they were lent.
    #[must_use]
    pub fn into_vec(self) -> Vec<u8> {
        match self.0 {
            Bytes::Lent(bytes) => bytes.to_vec(),
            Bytes::Owned(bytes) => *bytes,
        }
    }
}

impl Deref for Piece<'_> {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match &self.0 {
            Bytes::Lent(bytes) => bytes,
            Bytes::Owned(bytes) => bytes,
        }
    }
}

impl<'b> From<&'b [u8]> for Piece<'b> {
    fn from(bytes: &'b [u8]) -> Self {
        Self(Bytes::Lent(bytes))
    }
}

impl From<Vec<u8>> for Piece<'_> {
    fn from(bytes: Vec<u8>) -> Self {
        Self(Bytes::Owned(Box::new(bytes)))
    }
}

impl PartialEq for Piece<'_> {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl Eq for Piece<'_> {}

impl core::fmt::Debug for Piece<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        (**self).fmt(f)
    }
}

const _: () = assert!(size_of::<Piece<'static>>() == 2 * size_of::<usize>());

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;

    #[test]
    fn lent_and_owned_bytes_are_the_same() {
        let (lent, owned) = (Piece::from(&b"ahoy"[..]), Piece::from(b"ahoy".to_vec()));
        assert_eq!((lent.is_lent(), owned.is_lent()), (true, false));
        assert_eq!((&*lent, &lent), (&b"ahoy"[..], &owned));
        assert_ne!(lent, Piece::from(&b"ahoi"[..]));
        assert_eq!(format!("{owned:?}"), format!("{:?}", b"ahoy"));
        assert_eq!((lent.into_vec(), owned.into_vec()), (b"ahoy".to_vec(), b"ahoy".to_vec()));
    }
}
