//! How far a connection's output has come, and what that means for one message in it.

/// How far a connection has come, counted in bytes since it was open. From two of them it can be told what became of a message
/// that was sent in between: see [`Extent`].
///
/// ```
/// use wharf::base::{Engine, Extent, Instant, Message, Reach};
/// use wharf::ws;
///
/// let now = Instant::ORIGIN;
/// let mut connection = ws::Connection::server(now, &ws::Config::default().into());
/// let before = connection.progress();
/// connection.send(now, Message::text("ahoy")).unwrap();
/// let message = Extent::between(&before, &connection.progress());
/// assert_eq!(message.reach(&connection.progress()), Reach::Untouched);
/// connection.output(now).advance(3);
/// assert_eq!(message.reach(&connection.progress()), Reach::Partly);
/// connection.output(now).advance(3);
/// assert_eq!(message.reach(&connection.progress()), Reach::Whole);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Progress {
    /// Bytes of output ever queued, as far as they were not given up.
    pub queued: u64,
    /// Bytes of them that the transport took.
    pub written: u64,
    /// When so many are written, all that ever stepped in before others, such as pongs, is among them.
    pub inserted_to: u64,
    /// Whether what was queued was given up: from here on it is not known of anything that it is written.
    pub is_cut: bool,
    /// Bytes taken from the input: as long as they increase the peer lives.
    pub received: u64,
}

/// Where a message stands in a connection's output.
///
/// ```
/// use wharf::base::{Extent, Progress, Reach};
///
/// // A message of no bytes is written as soon as it is sent.
/// let progress = Progress::default();
/// assert_eq!(Extent::between(&progress, &progress).reach(&progress), Reach::Whole);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extent {
    begin: u64,
    end: u64,
}

/// How much of a message the transport took.
///
/// ```
/// use wharf::base::Reach;
///
/// assert!(Reach::Untouched < Reach::Partly && Reach::Partly < Reach::Whole);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reach {
    /// Not a byte.
    Untouched,
    /// Some of it, as far as is known: more may be written than can be told, never less.
    Partly,
    /// All of it.
    Whole,
}

impl Extent {
    /// That of what was queued between two looks at the same connection.
    #[must_use]
    pub fn between(before: &Progress, after: &Progress) -> Self {
        Self { begin: before.queued, end: after.queued }
    }

    /// Its bytes, and what they are framed in.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.end.saturating_sub(self.begin)
    }

    /// How much of it is written, by a later look.
    #[must_use]
    pub fn reach(&self, progress: &Progress) -> Reach {
        // What stepped in since it was sent may stand before it, which is then further behind than it was; once that is written
        // too, so is all that was queued at that time.
        let is_where_it_was = progress.inserted_to <= self.begin;
        let is_settled = is_where_it_was || progress.written >= progress.inserted_to;
        if !progress.is_cut && is_settled && progress.written >= self.end {
            Reach::Whole
        } else if progress.written > self.begin {
            Reach::Partly
        } else {
            Reach::Untouched
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::{Instant, Outbox};
    use alloc::vec::Vec;
    use proptest::prelude::*;

    const NOW: Instant = Instant::ORIGIN;

    /// Writes `n` bytes of what waits.
    fn write(outbox: &mut Outbox, out: &mut Vec<u8>, n: usize) {
        let mut slices: [&[u8]; 64] = [&[]; 64];
        let filled = outbox.slices(&mut slices);
        let all = slices[..filled].concat();
        let n = n.min(all.len());
        out.extend_from_slice(&all[..n]);
        outbox.advance(NOW, n);
    }

    proptest! {
        #[test]
        fn what_is_told_of_a_message_is_true_whatever_steps_in(
            steps in prop::collection::vec((0u8..3, 1usize..6000), 1..60),
        ) {
            let (mut outbox, mut out, mut sent) = (Outbox::new(), Vec::new(), Vec::new());
            let check = |outbox: &Outbox, out: &[u8], sent: &[(Extent, usize)]| {
                let progress = outbox.progress_of(0, false);
                for (tag, (extent, len)) in sent.iter().enumerate() {
                    let written = out.iter().filter(|byte| **byte == tag as u8).count();
                    match extent.reach(&progress) {
                        Reach::Untouched => assert_eq!(written, 0),
                        Reach::Partly => assert!(!outbox.is_empty()),
                        Reach::Whole => assert_eq!(written, *len),
                    }
                }
            };
            for (step, len) in steps {
                match step {
                    0 => {
                        let before = outbox.progress_of(0, false);
                        outbox.mark_boundary();
                        let tag = sent.len() as u8;
                        let end = outbox.cork(NOW).len() + len;
                        outbox.cork(NOW).resize(end, tag);
                        sent.push((Extent::between(&before, &outbox.progress_of(0, false)), len));
                    }
                    1 => outbox.insert_at_boundary(NOW, &[0xff; 6]),
                    _ => write(&mut outbox, &mut out, len),
                }
                check(&outbox, &out, &sent);
            }
            while !outbox.is_empty() {
                write(&mut outbox, &mut out, 700);
                check(&outbox, &out, &sent);
            }
            let progress = outbox.progress_of(0, false);
            assert!(sent.iter().all(|(extent, _)| extent.reach(&progress) == Reach::Whole));
        }
    }

    #[test]
    fn nothing_is_known_to_be_written_once_output_was_given_up() {
        let (mut outbox, mut out) = (Outbox::new(), Vec::new());
        let before = outbox.progress_of(0, false);
        outbox.cork(NOW).extend_from_slice(b"ahoy");
        let extent = Extent::between(&before, &outbox.progress_of(0, false));
        outbox.clear();
        assert_eq!(extent.reach(&outbox.progress_of(0, true)), Reach::Untouched);
        outbox.cork(NOW).extend_from_slice(b"goodbye");
        write(&mut outbox, &mut out, 7);
        assert_eq!(extent.reach(&outbox.progress_of(0, true)), Reach::Partly);
    }

    #[test]
    fn a_message_is_reached_from_its_first_byte_to_its_last() {
        let at =
            |queued, written, inserted_to| Progress { queued, written, inserted_to, ..Progress::default() };
        let extent = Extent::between(&at(10, 0, 0), &at(15, 0, 0));
        assert_eq!(extent.size(), 5);
        for (written, inserted_to, reach) in [
            (10, 0, Reach::Untouched),
            (11, 0, Reach::Partly),
            (14, 0, Reach::Partly),
            (15, 0, Reach::Whole),
            (15, 10, Reach::Whole),
            (15, 20, Reach::Partly),
            (19, 20, Reach::Partly),
            (20, 20, Reach::Whole),
        ] {
            assert_eq!(extent.reach(&at(30, written, inserted_to)), reach, "{written}, {inserted_to}");
        }
    }
}
