//! A payload that comes in pieces, in memory that grows with what has arrived.

use super::spares::SpareBuffers;
use alloc::vec::Vec;

/// Bytes that have arrived of a payload. Its buffer may be longer than that: the end is space to read into, which was
/// given a value once and is not given one again before a read.
///
/// It grows to at most three times what has arrived, and 4 KiB. Where it has to grow, it takes the place of a spare buffer that
/// suits, if there is one: that memory is there already, so it may be as large as the whole payload says that it will be,
/// within bounds, and what has come need not be moved again.
#[derive(Debug, Default)]
pub(crate) struct Gather {
    buffer: Vec<u8>,
    len: usize,
}

impl Gather {
    /// Reading straight into the buffer pays from here, and so much more room than what has arrived is made where
    /// it is all that a payload lacks.
    const LEAST_SPACE: usize = 4096;

    /// One read takes so much at most, which stays in the processor's cache until it has been unmasked.
    const STEP: usize = 128 * 1024;

    /// A spare buffer is at most so many times what there must be room for.
    const SPARE: usize = 6;

    /// What has arrived.
    pub(crate) fn as_slice(&self) -> &[u8] {
        &self.buffer[..self.len]
    }

    /// Appends a piece, of a payload of which `ahead` bytes are still to come behind it.
    pub(crate) fn push(&mut self, piece: &[u8], ahead: usize, spares: Option<&mut SpareBuffers>) {
        self.room(piece.len(), ahead, spares).copy_from_slice(piece);
        self.fill(piece.len());
    }

    /// Room for `n` bytes that are here, to be written by the caller and then told by [`fill`](Self::fill).
    pub(crate) fn room(&mut self, n: usize, ahead: usize, spares: Option<&mut SpareBuffers>) -> &mut [u8] {
        let arrived = self.len + n;
        if self.buffer.capacity() < arrived {
            self.move_to(arrived + worth(ahead, arrived), arrived + ahead, spares);
        }
        self.init(arrived);
        &mut self.buffer[self.len..arrived]
    }

    /// How much can be read straight into the buffer, of a payload of which `ahead` bytes are still to come: no more
    /// than that, and no more than twice what has arrived, but for a short rest, and than suits the cache.
    pub(crate) fn space_len(&self, ahead: usize) -> usize {
        if ahead.min(self.len) < Self::LEAST_SPACE {
            return 0;
        }
        let worth = worth(ahead, self.len);
        let room = if self.is_full(worth) { worth } else { self.buffer.capacity() - self.len };
        worth.min(room).min(Self::STEP)
    }

    /// The space for it, if it pays.
    pub(crate) fn space(&mut self, ahead: usize, spares: Option<&mut SpareBuffers>) -> Option<&mut [u8]> {
        let from = self.len;
        if self.space_len(ahead) == 0 {
            return None;
        }
        let worth = worth(ahead, from);
        if self.is_full(worth) {
            self.move_to(from + worth, from + ahead, spares);
        }
        let to = from + self.space_len(ahead);
        self.init(to);
        Some(&mut self.buffer[from..to])
    }

    /// The next `n` bytes of the buffer are there now. Returns them.
    pub(crate) fn fill(&mut self, n: usize) -> &mut [u8] {
        let from = self.len;
        self.len = self.buffer.len().min(from + n);
        &mut self.buffer[from..self.len]
    }

    /// All of it.
    pub(crate) fn finish(mut self) -> Vec<u8> {
        self.buffer.truncate(self.len);
        self.buffer
    }

    /// Whether the room that is left is too short for a read of its own, where `worth` is worth making.
    fn is_full(&self, worth: usize) -> bool {
        self.buffer.capacity() - self.len < worth.min(Self::LEAST_SPACE)
    }

    /// Gives the buffer's first `len` bytes a value.
    fn init(&mut self, len: usize) {
        if self.buffer.len() < len {
            self.buffer.resize(len, 0);
        }
    }

    /// Moves the buffer to where there is room for `room` bytes of a payload that says that it is `whole`; for twice what has
    /// arrived where that is hardly more than before.
    fn move_to(&mut self, room: usize, whole: usize, spares: Option<&mut SpareBuffers>) {
        let least = self.buffer.capacity().min(self.len);
        let room = if room < least + least / 2 { 2 * least } else { room };
        self.buffer.truncate(self.len);
        // One that is much larger than the payload would be held for no use; one for a payload that has hardly begun would be kept
        // from others by whoever only says that it is large.
        let most = whole.saturating_mul(2).min(room.saturating_mul(Self::SPARE));
        if let Some(mut buffer) = spares.and_then(|spares| spares.take(room..=most)) {
            if buffer.len() < self.len {
                buffer.resize(self.len, 0);
            }
            buffer[..self.len].copy_from_slice(&self.buffer);
            self.buffer = buffer;
        } else {
            self.buffer.reserve_exact(room - self.len);
        }
    }
}

/// What is worth making room for where `arrived` bytes have come and `ahead` are still to come.
fn worth(ahead: usize, arrived: usize) -> usize {
    let most = arrived.saturating_mul(2);
    if ahead <= most + Gather::LEAST_SPACE { ahead } else { most }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;
    use proptest::prelude::*;

    /// One spare buffer of so many sevens.
    fn spare(len: usize) -> SpareBuffers {
        let mut spares = SpareBuffers::default();
        spares.keep(Vec::from_iter(core::iter::repeat_n(7, len)));
        spares
    }

    /// The capacity of the largest spare buffer that is left.
    fn left(spares: &mut SpareBuffers) -> usize {
        spares.take(1..=usize::MAX).map_or(0, |buffer| buffer.capacity())
    }

    #[test]
    fn what_lacks_little_has_room_at_once() {
        let (mut gather, mut spare) = (Gather::default(), SpareBuffers::default());
        gather.push(&[1; 65522], 14, Some(&mut spare));
        assert_eq!(gather.buffer.capacity(), 65536);
        gather.push(&[2; 14], 0, Some(&mut spare));
        assert_eq!(gather.finish().len(), 65536);
    }

    #[test]
    fn a_spare_buffer_is_used_and_not_written_again() {
        let (mut gather, mut spare) = (Gather::default(), spare(65536));
        gather.push(&[1; 40_000], 20_000, Some(&mut spare));
        assert_eq!((gather.buffer.capacity(), gather.buffer[65535], left(&mut spare)), (65536, 7, 0));
        assert_eq!(gather.space(20_000, Some(&mut spare)).unwrap().len(), 20_000);
        gather.fill(20_000);
        let whole = gather.finish();
        assert_eq!((whole.len(), whole[0], whole[59_999]), (60_000, 1, 7));
    }

    #[test]
    fn a_large_payload_takes_a_spare_buffer_with_its_first_piece_and_is_read_in_steps() {
        let (mut gather, mut spare) = (Gather::default(), spare((1 << 20) + 4096));
        let mut ahead = (1 << 20) - 65_522;
        gather.push(&[1; 65_522], ahead, Some(&mut spare));
        assert_eq!(left(&mut spare), 0);
        let mut steps = Vec::new();
        while let Some(n) = gather.space(ahead, Some(&mut spare)).map(|space| space.len()) {
            gather.fill(n);
            steps.push(n);
            ahead -= n;
        }
        assert_eq!(steps, [&[131_044][..], &[Gather::STEP; 6], &[65_578]].concat());
    }

    #[test]
    fn a_small_payload_takes_no_large_spare_buffer() {
        let (mut gather, mut spare) = (Gather::default(), spare(65536));
        gather.push(&[1; 1000], 1 << 30, Some(&mut spare));
        assert_eq!((left(&mut spare), gather.finish().capacity()), (65536, 3000));
    }

    #[test]
    fn pieces_of_one_byte_are_not_moved_each_time() {
        let (mut gather, mut spare, mut moves) = (Gather::default(), SpareBuffers::default(), 0);
        for _ in 0..10_000 {
            let before = gather.buffer.capacity();
            gather.push(&[1], 0, Some(&mut spare));
            moves += usize::from(gather.buffer.capacity() != before);
        }
        assert!(moves < 20, "{moves}");
    }

    proptest! {
        #[test]
        fn any_pieces_any_way_are_the_same_and_room_is_bounded(
            steps in prop::collection::vec((1usize..9000, any::<bool>()), 1..30),
            kept in prop_oneof![Just(0), 0usize..100_000],
        ) {
            let most = if kept == 0 { 2 } else { Gather::SPARE };
            let (mut gather, mut spare) = (Gather::default(), spare(kept));
            let total: usize = steps.iter().map(|(n, _)| n).sum();
            let mut want = Vec::new();
            for (i, (n, straight)) in steps.into_iter().enumerate() {
                let ahead = total - want.len();
                let piece = Vec::from_iter(core::iter::repeat_n(i as u8, n));
                match gather.space(ahead, Some(&mut spare)).filter(|space| straight && space.len() >= n) {
                    Some(space) => {
                        space[..n].copy_from_slice(&piece);
                        prop_assert_eq!(gather.fill(n).len(), n);
                    }
                    None => gather.push(&piece, ahead - n, Some(&mut spare)),
                }
                want.extend(piece);
                prop_assert_eq!(gather.as_slice(), &want[..]);
                let bound = most * (3 * want.len() + Gather::LEAST_SPACE);
                prop_assert!(gather.buffer.capacity() <= bound, "{} for {}", gather.buffer.capacity(), want.len());
            }
            prop_assert_eq!(gather.finish(), want);
        }
    }

    #[test]
    fn a_spare_buffer_is_at_most_twice_the_payload() {
        for (capacity, suits) in [(4000, true), (4001, false), (2000, true), (1999, false)] {
            let (mut gather, mut spare) = (Gather::default(), spare(capacity));
            gather.push(&[1; 1000], 1000, Some(&mut spare));
            assert_eq!(gather.buffer.capacity(), if suits { capacity } else { 2000 });
        }
        for (capacity, suits) in [(16384, true), (16385, false)] {
            let (mut gather, mut spare) = (Gather::default(), spare(capacity));
            gather.push(&[1; 4096], 0, None);
            assert_eq!(gather.space(4096, Some(&mut spare)).unwrap().len(), 4096);
            assert_eq!(gather.buffer.capacity(), if suits { capacity } else { 8192 });
        }
    }

    #[test]
    fn a_spare_buffer_that_holds_less_than_has_come_is_used() {
        let (mut gather, mut spares) = (Gather::default(), SpareBuffers::default());
        gather.push(&[1; 3000], 0, None);
        spares.keep(Vec::with_capacity(6001));
        gather.push(&[2; 3000], 0, Some(&mut spares));
        assert_eq!((gather.buffer.capacity(), left(&mut spares)), (6001, 0));
        assert_eq!(gather.finish(), [[1; 3000], [2; 3000]].concat());
    }

    #[test]
    fn a_buffer_that_is_full_grows_by_twice_what_has_come_and_not_before() {
        let mut gather = Gather::default();
        gather.push(&[1; 4096], 100_000, None);
        assert_eq!((gather.buffer.capacity(), gather.space_len(100_000)), (12_288, 8192));
        gather.space(100_000, None).unwrap();
        gather.fill(4096);
        assert_eq!((gather.space_len(95_904), gather.space(95_904, None).unwrap().len()), (4096, 4096));
        gather.fill(1);
        assert_eq!((gather.space_len(95_903), gather.buffer.capacity()), (16_386, 12_288));
        assert_eq!(gather.space(95_903, None).unwrap().len(), 16_386);
        assert_eq!(gather.buffer.capacity(), 8193 + 16_386);
    }

    #[test]
    fn reading_straight_pays_from_its_least_on() {
        for (arrived, ahead, space) in [(4096, 4096, 4096), (4095, 4096, 0), (4096, 4095, 0)] {
            let mut gather = Gather::default();
            gather.push(&vec![1; arrived], 0, None);
            assert_eq!(gather.space_len(ahead), space);
        }
        assert_eq!((worth(4296, 100), worth(4297, 100)), (4296, 200));
    }

    #[test]
    fn a_small_step_makes_room_for_twice_what_has_come() {
        for (piece, capacity) in [(499, 2000), (500, 1500)] {
            let mut gather = Gather::default();
            gather.push(&[1; 1000], 0, None);
            gather.push(&vec![2; piece], 0, None);
            assert_eq!(gather.buffer.capacity(), capacity);
        }
    }
}
