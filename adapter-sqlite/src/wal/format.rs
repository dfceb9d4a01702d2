//! How SQLite lays a write-ahead log out (<https://www.sqlite.org/fileformat2.html#the_write_ahead_log>).

/// Length of the log's header.
pub(crate) const HEADER: usize = 32;
/// Length of a frame's header.
pub(crate) const FRAME_HEADER: usize = 24;

const MAGIC: u32 = 0x377f_0682;
const VERSION: u32 = 3_007_000;

/// The sum that goes on from frame to frame.
pub(super) type Sum = (u32, u32);
/// What tells the frames that belong to a header from those of earlier ones.
pub(super) type Salts = (u32, u32);

/// What is in the log's header.
#[derive(Clone, Copy, Debug)]
pub(super) struct Header {
    pub(super) big_endian: bool,
    pub(super) page_size: u32,
    pub(super) salts: Salts,
    pub(super) sum: Sum,
}

impl Header {
    /// The header, if it is one that SQLite would go by.
    pub(super) fn read(bytes: &[u8; HEADER]) -> Option<Self> {
        let magic = number(bytes, 0);
        let header = Self {
            big_endian: magic & 1 == 1,
            page_size: number(bytes, 8),
            salts: (number(bytes, 16), number(bytes, 20)),
            sum: (number(bytes, 24), number(bytes, 28)),
        };
        let is_sound = magic & !1 == MAGIC
            && number(bytes, 4) == VERSION
            && header.page_size.is_power_of_two()
            && (512..=65_536).contains(&header.page_size);
        (is_sound && add((0, 0), &bytes[..24], header.big_endian) == header.sum).then_some(header)
    }
}

/// A frame: its header and a page.
#[derive(Clone, Debug, Default)]
pub(super) struct Frame {
    pub(super) bytes: Vec<u8>,
}

impl Frame {
    pub(super) fn page_number(&self) -> u32 {
        number(&self.bytes, 0)
    }

    /// The size of the database in pages if a commit ends here, else 0.
    pub(super) fn commit(&self) -> u32 {
        number(&self.bytes, 4)
    }

    pub(super) fn salts(&self) -> Salts {
        (number(&self.bytes, 8), number(&self.bytes, 12))
    }

    pub(super) fn sum(&self) -> Sum {
        (number(&self.bytes, 16), number(&self.bytes, 20))
    }

    pub(super) fn page(&self) -> &[u8] {
        &self.bytes[FRAME_HEADER..]
    }

    /// The sum that it would have behind a frame with this sum.
    pub(super) fn sum_behind(&self, before: Sum, big_endian: bool) -> Sum {
        add(add(before, &self.bytes[..8], big_endian), self.page(), big_endian)
    }

    /// It is the frame that was written behind the one with this sum, by what its sum says.
    pub(super) fn follows(&self, before: Sum, big_endian: bool) -> bool {
        self.page_number() != 0 && self.sum_behind(before, big_endian) == self.sum()
    }
}

/// SQLite's sum, over words of four bytes in pairs.
pub(super) fn add(sum: Sum, bytes: &[u8], big_endian: bool) -> Sum {
    let word = |word: &[u8]| {
        let word = [word[0], word[1], word[2], word[3]];
        if big_endian { u32::from_be_bytes(word) } else { u32::from_le_bytes(word) }
    };
    bytes.chunks_exact(8).fold(sum, |(a, b), pair| {
        let a = a.wrapping_add(word(&pair[..4])).wrapping_add(b);
        (a, b.wrapping_add(word(&pair[4..])).wrapping_add(a))
    })
}

/// Numbers in headers are big endian, whatever the sums go by.
pub(super) fn number(bytes: &[u8], at: usize) -> u32 {
    u32::from_be_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}
