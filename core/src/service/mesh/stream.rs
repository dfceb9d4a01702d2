//! Messages of one node on one subject, put in order.

use super::Config;
use super::doubt::Doubt;
use crate::base::Instant;
use alloc::collections::BTreeMap;
use bytes::Bytes;

#[cfg(test)]
mod laws;
#[cfg(test)]
mod tests;

/// What is to be told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Told {
    Deliver(u64, Bytes),
    Gap(u64, u64),
}

/// What became of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Taken {
    /// It was told.
    Told,
    /// It waits for earlier ones.
    Early,
    /// The same, and the oldest gap was given up to make room for it.
    Hurried,
    /// It was told before, or given up.
    Duplicate,
    /// It is too far ahead.
    Leap,
}

/// Where a node's messages on a subject stand.
#[derive(Debug)]
pub(super) struct Stream {
    /// All up to here was told or given up. `None` until it is known where to begin.
    position: Option<u64>,
    /// Messages beyond it, the first of which is not the next. At most [`Config::max_early`].
    early: BTreeMap<u64, Early>,
    /// Bytes of their payload.
    early_bytes: usize,
    /// What the node has published beyond it, as it said, and when it did: what of that does not come is given up. What it said while one
    /// such is pending, is the second.
    said: [Option<(u64, Instant)>; 2],
    /// Whether the node has published as much as was told.
    doubt: Doubt,
}

#[derive(Debug)]
struct Early {
    payload: Bytes,
    at: Instant,
}

impl Stream {
    pub(super) fn new() -> Self {
        Self {
            position: None,
            early: BTreeMap::new(),
            early_bytes: 0,
            said: [None; 2],
            doubt: Doubt::default(),
        }
    }

    /// Messages that wait, and their bytes.
    pub(super) fn early(&self) -> (usize, usize) {
        (self.early.len(), self.early_bytes)
    }

    /// When to give up what is missing, at the latest.
    pub(super) fn deadline(&self, config: &Config) -> Option<Instant> {
        let early = self.early.values().map(|early| early.at);
        let first = early.chain(self.said[0].map(|(_, at)| at)).min();
        first.map(|at| at + config.patience)
    }

    /// A message came. `room` says whether one of its size may wait.
    pub(super) fn take(
        &mut self,
        config: &Config,
        now: Instant,
        (sequence, payload): (u64, Bytes),
        room: usize,
        told: &mut impl FnMut(Told),
    ) -> Taken {
        if sequence == 1 && self.position.is_none() {
            self.position = Some(0);
        }
        if let Some(position) = self.position {
            if sequence <= position {
                return Taken::Duplicate;
            }
            if sequence == position + 1 {
                self.position = Some(sequence);
                told(Told::Deliver(sequence, payload));
                self.advance(sequence, told);
                return Taken::Told;
            }
            if sequence - position > config.max_leap {
                return Taken::Leap;
            }
        }
        if self.early.contains_key(&sequence) {
            return Taken::Duplicate;
        }
        let is_too_big = payload.len() > room;
        self.early_bytes += payload.len();
        self.early.insert(sequence, Early { payload, at: now });
        let upto = match is_too_big {
            // What makes way for one more need not be of its size.
            true => self.early.last_key_value(),
            false if self.early.len() > config.max_early => self.early.first_key_value(),
            false => return Taken::Early,
        };
        let upto = upto.map_or(0, |(sequence, _)| *sequence);
        self.advance(upto, told);
        Taken::Hurried
    }

    /// The node says what it has published last. Whether it is so much less than what was told, and for so long, that
    /// what was told is no longer believed.
    pub(super) fn said(
        &mut self,
        config: &Config,
        now: Instant,
        last: u64,
        told: &mut impl FnMut(Told),
    ) -> bool {
        let Some(position) = self.position else {
            let first = self.early.first_key_value().map_or(u64::MAX, |(first, _)| *first);
            let position = last.min(first - 1);
            self.position = Some(position);
            self.advance(position, told);
            return false;
        };
        if self.doubt.is_proved(config, now, position, last) {
            *self = Self { position: Some(last), ..Self::new() };
            return true;
        }
        let is_news = |(said, _): &(u64, Instant)| last > *said;
        match &mut self.said {
            [None, _] if last > position => self.said[0] = Some((last, now)),
            [Some(first), None] if is_news(first) => self.said[1] = Some((last, now)),
            [Some(_), Some(second)] if is_news(second) => self.said[1] = Some((last, now)),
            _ => {}
        }
        false
    }

    /// Gives up what has been missing for too long.
    pub(super) fn give_up(&mut self, config: &Config, now: Instant, told: &mut impl FnMut(Told)) {
        let is_due = |at: Instant| at + config.patience <= now;
        let early = self
            .early
            .iter()
            .filter(|(_, early)| is_due(early.at))
            .map(|(sequence, _)| *sequence)
            .next_back();
        let said = self.said.iter().flatten().filter(|(_, at)| is_due(*at)).map(|(last, _)| *last).max();
        if let Some(upto) = early.max(said) {
            self.advance(upto, told);
        }
    }

    /// Gives up all that is known to be missing.
    pub(super) fn give_up_all(&mut self, told: &mut impl FnMut(Told)) {
        let early = self.early.last_key_value().map(|(sequence, _)| *sequence);
        let said = self.said.iter().flatten().map(|(last, _)| *last).max();
        if let Some(upto) = early.max(said) {
            self.advance(upto, told);
        }
    }

    /// Tells all up to there, and what follows on it.
    fn advance(&mut self, upto: u64, told: &mut impl FnMut(Told)) {
        let first = self.early.first_key_value().map(|(first, _)| first - 1);
        let Some(mut position) = self.position.or(first) else { return };
        loop {
            while let Some(early) = self.early.remove(&(position + 1)) {
                position += 1;
                self.early_bytes -= early.payload.len();
                told(Told::Deliver(position, early.payload));
            }
            if position >= upto {
                break;
            }
            let next = self.early.first_key_value().map_or(u64::MAX, |(next, _)| *next);
            let last = upto.min(next - 1);
            told(Told::Gap(position + 1, last));
            position = last;
        }
        self.position = Some(position);
        for _ in 0..2 {
            if self.said[0].is_some_and(|(last, _)| last <= position) {
                self.said = [self.said[1], None];
            }
        }
    }
}
