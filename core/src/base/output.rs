//! What is shown to the transport: a machine's bytes, or the wire that they were sealed onto.

use super::leaving::{Gone, Leaving};
use super::outbox::Outbox;
use super::wire::Wire;
use super::{Checksum, Instant};
use alloc::vec::Vec;

/// What a connection has to write. Hand the slices to the transport, then say with [`advance`](Output::advance) how
/// much it took.
///
/// Under TLS it shows sealed bytes, which run at most 64 KiB and a record ahead of the transport: more may be there
/// once these are taken.
///
/// ```
/// use wharf::base::{Engine, Instant, Message};
/// use wharf::ws;
///
/// let mut connection = ws::Connection::server(Instant::ORIGIN, &ws::Config::default().into());
/// connection.send(Instant::ORIGIN, Message::text("ahoy")).unwrap();
/// let mut output = connection.output(Instant::ORIGIN);
/// let mut slices = [&[][..]; 4];
/// assert_eq!(output.slices(&mut slices), 1);
/// assert_eq!(slices[0], b"\x81\x04ahoy");
/// output.advance(6);
/// assert!(output.is_empty());
/// ```
#[derive(Debug)]
pub struct Output<'a> {
    outbox: &'a mut Outbox,
    now: Instant,
    /// Where the outbox's bytes go before they go out.
    wire: Option<&'a mut Wire>,
    /// Who is told of what leaves.
    leaving: Option<&'a mut Leaving>,
}

impl<'a> Output<'a> {
    #[inline]
    pub(crate) fn new(outbox: &'a mut Outbox, now: Instant) -> Self {
        Self { outbox, now, wire: None, leaving: None }
    }

    /// Bytes to write.
    #[must_use]
    #[inline]
    pub fn remaining(&self) -> usize {
        match &self.wire {
            None => self.outbox.len(),
            Some(wire) => wire.len(),
        }
    }

    /// Whether there is nothing to write.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.remaining() == 0
    }

    /// Fills `out` from its front with what is to be written, in order, and returns how many were filled. With fewer
    /// places than pieces, the first pieces.
    #[inline]
    pub fn slices<'s>(&'s self, out: &mut [&'s [u8]]) -> usize {
        match &self.wire {
            None => self.outbox.slices(out),
            Some(wire) => wire.slices(out),
        }
    }

    /// As [`slices`](Self::slices), for as long as the connection is borrowed.
    pub fn into_slices(self, out: &mut [&'a [u8]]) -> usize {
        match self.wire {
            None => {
                let outbox: &'a Outbox = self.outbox;
                outbox.slices(out)
            }
            Some(wire) => {
                let wire: &'a Wire = wire;
                wire.slices(out)
            }
        }
    }

    /// The transport took `n` bytes. More than there were count as all.
    #[inline]
    pub fn advance(&mut self, n: usize) {
        if self.leaving.is_some() {
            self.tell_taken(n);
        }
        match &mut self.wire {
            None => self.outbox.advance(self.now, n),
            Some(wire) => {
                let n = n.min(wire.len());
                let plain = wire.advance(n);
                self.credit(n, plain);
            }
        }
    }

    #[cold]
    fn tell_taken(&mut self, n: usize) {
        let n = n.min(self.remaining());
        let sum = self.front_sum(n);
        if let (None, Some(sum), Some(leaving), true) = (&self.wire, sum, &mut self.leaving, n > 0) {
            leaving.gone.push((self.now, Gone::Taken { n, sum }));
        }
    }

    /// The transport took so many sealed bytes, which completed `plain` of the machine's.
    pub(crate) fn credit(&mut self, wire: usize, plain: usize) {
        if let Some(leaving) = &mut self.leaving {
            leaving.gone.push((self.now, Gone::Credited { wire, plain }));
        }
        self.outbox.credit(self.now, wire, plain);
    }

    /// A checksum of the first `n` bytes of the machine's own output; `None` if it has not so many.
    pub(crate) fn front_sum(&self, n: usize) -> Option<u32> {
        let mut places = 16;
        loop {
            let mut slices = alloc::vec![&[][..]; places];
            let filled = self.outbox.slices(&mut slices);
            let total: usize = slices.iter().map(|slice| slice.len()).sum();
            if total < n && filled == places {
                places *= 2;
                continue;
            }
            let (mut left, mut hasher) = (n, Checksum::default());
            for slice in &slices[..filled] {
                let part = left.min(slice.len());
                hasher.update(&slice[..part]);
                left -= part;
            }
            return (left == 0).then(|| hasher.finish());
        }
    }

    /// The same output, of which it is told what leaves.
    pub(crate) fn telling(self, leaving: &'a mut Leaving) -> Self {
        Self { leaving: Some(leaving), ..self }
    }

    /// Copies all into `out` and counts it as written: for tests, and for transports that take everything.
    pub fn drain_into(&mut self, out: &mut Vec<u8>) {
        loop {
            let mut slices: [&[u8]; 8] = [&[]; 8];
            let filled = self.slices(&mut slices);
            let mut n = 0;
            for slice in &slices[..filled] {
                out.extend_from_slice(slice);
                n += slice.len();
            }
            if n == 0 {
                return;
            }
            self.advance(n);
        }
    }
}

/// How a stage seals it: while no wire is set, the slices are those of the plain machine.
impl<'a> Output<'a> {
    /// `n` bytes from the front were sealed: they are gone from the machine's queue, and count as unwritten until
    /// the wire that carries them has gone out.
    pub(crate) fn sealed(&mut self, n: usize) {
        if self.leaving.is_some()
            && let (Some(sum), Some(leaving)) = (self.front_sum(n), &mut self.leaving)
        {
            leaving.gone.push((self.now, Gone::Sealed { n, sum }));
        }
        self.outbox.seal(n);
    }

    /// The same output, over `wire`.
    #[cfg(any(test, feature = "tls"))]
    pub(crate) fn over(self, wire: &'a mut Wire) -> Self {
        Self { wire: Some(wire), ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use core::time::Duration;

    const NOW: Instant = Instant::ORIGIN;

    /// A stage that puts two bytes around each piece that it seals.
    fn seal(outbox: &mut Outbox, wire: &mut Wire, n: usize) {
        let mut output = Output::new(outbox, NOW);
        let mut slices: [&[u8]; 8] = [&[]; 8];
        let filled = output.slices(&mut slices);
        let plain = slices[..filled].concat();
        let n = n.min(plain.len());
        wire.tail().push(b'<');
        wire.tail().extend_from_slice(&plain[..n]);
        wire.tail().push(b'>');
        output.sealed(n);
        wire.carries(n);
    }

    #[test]
    fn any_steps_through_a_wire_write_the_same_and_count_each_byte_once() {
        for first in 1..7 {
            for step in 1..12 {
                let (mut outbox, mut wire, mut written) = (Outbox::new(), Wire::new(), Vec::new());
                outbox.cork(NOW).extend_from_slice(b"ab");
                outbox.push_shared(NOW, Bytes::from_static(b"CDE"));
                outbox.cork(NOW).extend_from_slice(b"fg");
                seal(&mut outbox, &mut wire, first);
                assert_eq!(outbox.len(), 7);
                seal(&mut outbox, &mut wire, 7);
                assert_eq!((outbox.len(), outbox.is_empty()), (7, false));
                outbox.cork(NOW).extend_from_slice(b"h");
                while !wire.is_empty() {
                    let mut output = Output::new(&mut outbox, NOW).over(&mut wire);
                    let mut slices: [&[u8]; 1] = [&[]];
                    assert_eq!(output.slices(&mut slices), 1);
                    written.extend_from_slice(&slices[0][..step.min(slices[0].len())]);
                    output.advance(step);
                    assert_eq!(outbox.written() + outbox.len() as u64, 8);
                }
                assert_eq!((outbox.len(), outbox.written()), (1, 7));
                written.retain(|byte| !b"<>".contains(byte));
                assert_eq!(written, b"abCDEfg");
            }
        }
    }

    #[test]
    fn what_is_given_up_still_counts_where_it_is_sealed() {
        let (mut outbox, mut wire) = (Outbox::new(), Wire::new());
        outbox.cork(NOW).extend_from_slice(b"abcd");
        seal(&mut outbox, &mut wire, 3);
        outbox.clear();
        assert_eq!(outbox.len(), 3);
        outbox.cork(NOW).push(b'x');
        seal(&mut outbox, &mut wire, 1);
        let mut output = Output::new(&mut outbox, NOW).over(&mut wire);
        output.advance(5);
        assert_eq!(output.remaining(), 3);
        assert_eq!((outbox.len(), outbox.written()), (1, 3));
        let mut output = Output::new(&mut outbox, NOW).over(&mut wire);
        output.advance(99);
        assert!(output.is_empty() && outbox.is_empty());
    }

    /// A record that goes out byte by byte does not stall.
    #[test]
    fn each_byte_of_the_wire_is_progress() {
        let (mut outbox, mut wire) = (Outbox::new(), Wire::new());
        outbox.cork(NOW).extend_from_slice(b"abcd");
        seal(&mut outbox, &mut wire, 4);
        let later = NOW + Duration::from_secs(1);
        Output::new(&mut outbox, later).over(&mut wire).advance(0);
        assert_eq!(outbox.progress(), NOW);
        Output::new(&mut outbox, later).over(&mut wire).advance(1);
        assert_eq!((outbox.progress(), outbox.len()), (later, 4));
    }

    #[test]
    fn what_leaves_is_told_with_its_checksum() {
        let (mut outbox, mut wire, mut leaving) = (Outbox::new(), Wire::new(), Leaving::default());
        outbox.cork(NOW).extend_from_slice(b"ab");
        outbox.push_shared(NOW, Bytes::from_static(b"CDE"));
        let mut output = Output::new(&mut outbox, NOW).telling(&mut leaving);
        output.advance(0);
        output.advance(3);
        output.sealed(1);
        wire.tail().extend_from_slice(b"<D>");
        wire.carries(1);
        Output::new(&mut outbox, NOW).over(&mut wire).telling(&mut leaving).advance(99);
        Output::new(&mut outbox, NOW).telling(&mut leaving).advance(99);
        let expected = [
            Gone::Taken { n: 3, sum: Checksum::of(b"abC") },
            Gone::Sealed { n: 1, sum: Checksum::of(b"D") },
            Gone::Credited { wire: 3, plain: 1 },
            Gone::Taken { n: 1, sum: Checksum::of(b"E") },
        ];
        assert_eq!(leaving.gone, expected.map(|gone| (NOW, gone)));
    }

    #[test]
    fn more_pieces_than_places_are_summed_and_drained() {
        let (mut outbox, all) = (Outbox::new(), Vec::from_iter(0..40_u8));
        for byte in &all {
            outbox.push_shared(NOW, Bytes::copy_from_slice(&[*byte]));
        }
        let mut output = Output::new(&mut outbox, NOW);
        assert_eq!((output.remaining(), output.is_empty()), (40, false));
        for n in [1, 16, 17, 39, 40] {
            assert_eq!(output.front_sum(n), Some(Checksum::of(&all[..n])));
        }
        assert_eq!(output.front_sum(41), None);
        let mut drained = Vec::new();
        output.drain_into(&mut drained);
        assert_eq!((drained, output.is_empty()), (all, true));
    }

    #[test]
    fn slices_that_outlive_it_are_the_same() {
        let (mut outbox, mut wire) = (Outbox::new(), Wire::new());
        outbox.cork(NOW).extend_from_slice(b"ab");
        wire.tail().extend_from_slice(b"<c>");
        let mut slices = [&b""[..]; 2];
        assert_eq!((Output::new(&mut outbox, NOW).into_slices(&mut slices), slices[0]), (1, &b"ab"[..]));
        let mut slices = [&b""[..]; 2];
        let output = Output::new(&mut outbox, NOW).over(&mut wire);
        assert_eq!((output.into_slices(&mut slices), slices[0]), (1, &b"<c>"[..]));
    }
}
