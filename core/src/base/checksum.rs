//! Checksums of what is recorded.

use sha1_smol::Sha1;

/// The first four bytes of a SHA-1, which is there for the opening handshake anyway.
#[derive(Default)]
pub(crate) struct Checksum(Sha1);

impl Checksum {
    pub(crate) fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    pub(crate) fn finish(&self) -> u32 {
        let [a, b, c, d, ..] = self.0.digest().bytes();
        u32::from_be_bytes([a, b, c, d])
    }

    /// That of one piece.
    pub(crate) fn of(bytes: &[u8]) -> u32 {
        let mut sum = Self::default();
        sum.update(bytes);
        sum.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_add_up() {
        let mut sum = Checksum::default();
        sum.update(b"a");
        sum.update(b"bc");
        assert_eq!((sum.finish(), Checksum::of(b"abc")), (0xa999_3e36, 0xa999_3e36));
    }
}
