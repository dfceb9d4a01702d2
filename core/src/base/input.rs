//! Bytes in, lent for one turn.

/// Bytes that arrived, lent by the caller for one turn. Machines take from its front; what they leave is for the
/// next machine, or for the next turn.
///
/// The pieces that it gives away borrow the caller's buffer and not the machine that took them, which is why a
/// message can be held while the same connection sends.
///
/// ```
/// use wharf::base::Input;
///
/// let mut bytes = *b"headbody";
/// let mut input = Input::new(&mut bytes);
/// let head = input.take(4);
/// assert_eq!((&*head, input.as_slice()), (&b"head"[..], &b"body"[..]));
/// ```
#[derive(Debug, Default)]
pub struct Input<'b> {
    bytes: &'b mut [u8],
}

impl<'b> Input<'b> {
    /// Lends `bytes`, which a machine may change in place (unmasking).
    #[must_use]
    #[inline]
    pub fn new(bytes: &'b mut [u8]) -> Self {
        Self { bytes }
    }

    /// What has not been taken.
    #[must_use]
    #[inline]
    pub fn as_slice(&self) -> &[u8] {
        self.bytes
    }

    /// How many bytes have not been taken.
    #[must_use]
    #[inline]
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Whether all has been taken.
    #[must_use]
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// Takes `n` bytes from the front, or all there are if that is fewer.
    #[inline]
    pub fn take(&mut self, n: usize) -> &'b mut [u8] {
        let n = n.min(self.bytes.len());
        let (front, rest) = core::mem::take(&mut self.bytes).split_at_mut(n);
        self.bytes = rest;
        front
    }

    /// Takes all there is.
    #[inline]
    pub fn take_all(&mut self) -> &'b mut [u8] {
        core::mem::take(&mut self.bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_no_more_than_there_is() {
        let mut bytes = [1, 2, 3];
        let mut input = Input::new(&mut bytes);
        assert!(input.take(0).is_empty());
        assert_eq!(input.take(1), &[1]);
        assert_eq!((input.len(), input.as_slice(), input.is_empty()), (2, &[2, 3][..], false));
        assert_eq!(input.take(9), &[2, 3]);
        assert!(input.is_empty());
        assert!(input.take_all().is_empty());
    }
}
