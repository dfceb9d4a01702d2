//! One direction of a wire.

use super::{Dice, Faults};
use crate::base::{End, Instant};
use alloc::collections::VecDeque;
use alloc::vec::Vec;
use core::time::Duration;

/// What a read brings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Came {
    /// Bytes, never none.
    Bytes(Vec<u8>),
    /// The end, behind all bytes.
    End(End),
}

/// One direction of a wire: bytes in order, each piece with its time of arrival.
#[derive(Debug, Default)]
pub(super) struct Pipe {
    flights: VecDeque<Flight>,
    on_the_way: usize,
    end: Option<(Instant, End)>,
    end_read: bool,
    /// Nothing arrives before.
    not_before: Instant,
    /// Its reader is gone: all is thrown away.
    dropped: bool,
}

/// Bytes that arrive together.
#[derive(Debug)]
struct Flight {
    at: Instant,
    bytes: Vec<u8>,
    /// How many of them were read.
    read: usize,
}

impl Pipe {
    /// How many bytes a write can place.
    pub(super) fn room(&self, faults: Faults) -> usize {
        if self.dropped || self.end.is_some() {
            usize::MAX
        } else {
            faults.capacity().saturating_sub(self.on_the_way)
        }
    }

    /// Writes; returns how many bytes were taken, at least one if there is room.
    pub(super) fn write(&mut self, now: Instant, bytes: &[u8], faults: Faults, dice: &mut Dice<'_>) -> usize {
        let mut n = bytes.len().min(self.room(faults));
        if faults.partial {
            n = dice.between(1, n.max(1)).min(n);
        }
        if self.dropped || self.end.is_some() || n == 0 {
            return n;
        }
        if faults.stall && dice.percent(3) {
            self.not_before = self.not_before.max(now + Duration::from_millis(dice.between(1, 1500) as u64));
        }
        self.not_before = self.not_before.max(now + faults.latency(dice));
        self.flights.push_back(Flight { at: self.not_before, bytes: bytes[..n].to_vec(), read: 0 });
        self.on_the_way += n;
        n
    }

    /// The writing side ends, behind what was written.
    pub(super) fn finish(&mut self, now: Instant, end: End) {
        if self.end.is_none() {
            self.end = Some((self.not_before.max(now), end));
        }
    }

    /// The wire breaks: what is on its way is lost.
    pub(super) fn reset(&mut self, now: Instant) {
        self.flights.clear();
        self.on_the_way = 0;
        self.not_before = now;
        if !self.end_read {
            self.end = Some((now, End::Reset));
        }
    }

    /// Somebody on the way ends it as if the writer had: of what is on its way any front still comes.
    pub(super) fn cut(&mut self, now: Instant, dice: &mut Dice<'_>) {
        let mut lost = dice.below(self.on_the_way + 1);
        self.on_the_way -= lost;
        while let Some(last) = self.flights.back_mut().filter(|_| lost > 0) {
            let n = (last.bytes.len() - last.read).min(lost);
            last.bytes.truncate(last.bytes.len() - n);
            lost -= n;
            if last.bytes.len() == last.read {
                self.flights.pop_back();
            }
        }
        self.finish(now, End::Eof);
    }

    /// Nobody reads here any more.
    pub(super) fn drop_reader(&mut self) {
        self.dropped = true;
        self.flights.clear();
        self.on_the_way = 0;
    }

    /// Whether bytes came, or come, that nobody read.
    pub(super) fn is_unread(&self) -> bool {
        self.on_the_way > 0
    }

    /// When a read brings something next; `None` if there is nothing to wait for.
    pub(super) fn next(&self) -> Option<Instant> {
        if self.dropped {
            return None;
        }
        let end = self.end.filter(|_| !self.end_read).map(|(at, _)| at);
        self.flights.front().map(|front| front.at).or(end)
    }

    /// Reads what has arrived, at most `limit` bytes.
    pub(super) fn read(
        &mut self,
        now: Instant,
        limit: usize,
        faults: Faults,
        dice: &mut Dice<'_>,
    ) -> Option<Came> {
        if self.next()? > now {
            return None;
        }
        if self.flights.is_empty() {
            self.end_read = true;
            return self.end.map(|(_, end)| Came::End(end));
        }
        let mut most = 0;
        for flight in self.flights.iter().take_while(|flight| flight.at <= now) {
            most += flight.bytes.len() - flight.read;
            if !faults.coalesce || most >= limit {
                break;
            }
        }
        most = most.min(limit);
        let n = if faults.split { dice.between(1, most) } else { most };
        let mut bytes = Vec::with_capacity(n);
        while let Some(front) = self.flights.front_mut().filter(|_| bytes.len() < n) {
            let left = &front.bytes[front.read..];
            let taken = left.len().min(n - bytes.len());
            bytes.extend_from_slice(&left[..taken]);
            front.read += taken;
            if front.read == front.bytes.len() {
                self.flights.pop_front();
            }
        }
        self.on_the_way -= n;
        Some(Came::Bytes(bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_come_in_order_and_the_end_behind_them() {
        for seed in 0..100 {
            let mut dice = Dice::seeded(seed);
            let faults = Faults::any(&mut dice);
            let (mut pipe, mut now, mut got) = (Pipe::default(), Instant::ORIGIN, Vec::new());
            let sent: Vec<u8> = (0..20_000u32).map(|i| i as u8).collect();
            let mut rest = &sent[..];
            loop {
                let n = pipe.write(now, rest, faults, &mut dice);
                rest = &rest[n..];
                if rest.is_empty() {
                    pipe.finish(now, End::Eof);
                }
                now = pipe.next().expect("something comes").max(now);
                match pipe.read(now, 4096, faults, &mut dice).expect("it is there") {
                    Came::Bytes(bytes) => got.extend(bytes),
                    Came::End(end) => break assert_eq!(end, End::Eof),
                }
            }
            assert!(got == sent && pipe.next().is_none());
        }
    }

    #[test]
    fn a_cut_lets_a_front_through_and_looks_like_an_end() {
        for seed in 0..100 {
            let (mut dice, faults) = (Dice::seeded(seed), Faults::default());
            let (mut pipe, now) = (Pipe::default(), Instant::ORIGIN);
            let sent = dice.bytes(900);
            for piece in sent.chunks(70) {
                pipe.write(now, piece, faults, &mut dice);
            }
            pipe.cut(now, &mut dice);
            pipe.write(now, b"nobody's", faults, &mut dice);
            let mut got = Vec::new();
            while let Some(at) = pipe.next() {
                match pipe.read(at, 4096, faults, &mut dice).expect("it is there") {
                    Came::Bytes(bytes) => got.extend(bytes),
                    Came::End(end) => assert_eq!(end, End::Eof),
                }
            }
            assert!(sent.starts_with(&got) && !pipe.is_unread());
        }
    }
}
